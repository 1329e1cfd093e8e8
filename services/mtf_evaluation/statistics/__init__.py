"""Intervals, paired tests and corrections for many tests. Numbers and arrays in, numbers out; nothing here knows a metric."""
