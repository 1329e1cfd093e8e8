"""References, areas and publication: where bytes lie and when they may be trusted."""
