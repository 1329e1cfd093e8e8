"""What opens a model: one file a format. Each registers through the entry-point group `mtf.loaders`, as a stranger's would."""
