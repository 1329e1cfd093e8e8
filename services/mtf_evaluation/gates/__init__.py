"""Gates: what a user demands, in one line each, and the three verdicts."""
