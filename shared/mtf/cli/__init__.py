"""The `mtf` command: thin words over the client and the embedded form."""
