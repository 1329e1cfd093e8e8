"""Stage 2: recipes, fitted on training rows only and applied anywhere."""
