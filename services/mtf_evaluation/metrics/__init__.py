"""The built-in metrics. They register by entry point, as a stranger's metric does."""
