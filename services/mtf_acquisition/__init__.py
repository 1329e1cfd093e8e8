"""Stage 1: sources become immutable Parquet versions with schema, profile and provenance."""
