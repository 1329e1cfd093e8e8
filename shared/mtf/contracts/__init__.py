"""The only things that cross a border between two parts: frozen, versioned, changed by addition only."""
