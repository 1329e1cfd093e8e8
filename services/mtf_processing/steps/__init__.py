"""The built-in steps. Each is found by its entry point, like a stranger's; arithmetic loads when a step first meets data."""
