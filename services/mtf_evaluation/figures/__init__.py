"""Draws the plots of a report as SVG text, with a table beside each; needs no numerical library."""

from mtf_evaluation.figures.svg import Figure

__all__ = ["Figure"]
