"""Stage 3: the only room where a user's model is ever loaded."""
