"""Measuring finished runs again: from their stored predictions alone, beside what was measured before."""
