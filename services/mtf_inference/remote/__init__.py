"""How an endpoint is called: patience, sizes, and the two forms of a request."""
