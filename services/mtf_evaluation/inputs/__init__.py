"""Turns what a user holds in a notebook (lists, numpy, pandas, polars, Arrow) into the arrays that metrics see."""
