"""Arithmetic over Arrow columns: types, hashes and the mergeable states that steps learn from."""
