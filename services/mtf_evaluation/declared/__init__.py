"""What a run file may say about slices, read without the data: forms, conditions, labels. Nothing here imports numpy."""
