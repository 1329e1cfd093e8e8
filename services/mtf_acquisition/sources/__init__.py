"""The built-in sources: each reads one kind of place in a stream."""
