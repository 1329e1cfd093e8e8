"""The Python client of a gateway: `Client(url)` submits run files, follows them and reads their results."""

from mtf.client.client import Client

__all__ = ["Client"]
