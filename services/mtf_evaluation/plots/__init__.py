"""Data of the plots, thinned to what a plot can show. The same rows always give the same data."""

from mtf_evaluation.plots.build import build

__all__ = ["build"]
