"""What can be said over many runs: leaderboards, histories, looks at a test set."""
