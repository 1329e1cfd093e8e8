"""Rows beyond memory: mergeable states over partitions, and the same metrics read from them."""
