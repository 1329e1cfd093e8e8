"""HTTP in, HTTP out. Routes hold no rule: they read a request, ask one part and write the answer."""
