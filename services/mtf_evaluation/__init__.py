"""Stage 4: metrics with uncertainty, comparisons, slices, gates and the report."""
