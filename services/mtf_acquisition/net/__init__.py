"""Calls to addresses that a user named: which of them are allowed, and how a download survives a bad line."""
