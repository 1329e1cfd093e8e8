"""Test machine-learning models: every number with its uncertainty, every comparison paired, every gate pass, fail or not enough data."""
