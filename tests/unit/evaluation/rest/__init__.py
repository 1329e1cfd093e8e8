"""Slices against the rest."""
