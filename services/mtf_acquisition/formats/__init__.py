"""Table formats: bytes in, record batches out, with errors that name the line."""
