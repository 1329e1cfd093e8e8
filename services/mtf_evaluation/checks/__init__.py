"""Checks of data and method: what a number alone would hide. A check that does not apply answers None."""
