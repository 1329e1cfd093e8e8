"""Each slice against the rest of the rows, from influence values and sums that are computed once for all slices."""

from mtf_evaluation.rest.against import compare

__all__ = ["compare"]
