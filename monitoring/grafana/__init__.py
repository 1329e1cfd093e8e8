"""Dashboards and their provisioning."""
