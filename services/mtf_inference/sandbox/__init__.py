"""What keeps a user's model from doing harm: resource limits, Landlock and a seccomp filter, set by the process on itself."""
