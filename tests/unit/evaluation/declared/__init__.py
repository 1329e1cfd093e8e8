"""What a run file may say about slices."""
