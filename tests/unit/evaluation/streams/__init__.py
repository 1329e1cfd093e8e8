"""Rows beyond memory."""
