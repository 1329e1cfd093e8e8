"""The public API, and the only room that knows the database; it drives runs through the stages."""
