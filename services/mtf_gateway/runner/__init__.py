"""Runs are driven here: claimed, kept by a heartbeat, brought through their stages, retried, handed over, ended."""
