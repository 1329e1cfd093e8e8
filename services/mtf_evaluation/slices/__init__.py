"""Slices: which rows each declared slice, each cross and each gate means, and what they are called."""

from mtf_evaluation.declared.labels import MISSING, means, text
from mtf_evaluation.slices.discover import MOST, find, key, match, name_of
from mtf_evaluation.slices.part import Slice

__all__ = ["MISSING", "MOST", "Slice", "find", "key", "match", "means", "name_of", "text"]
