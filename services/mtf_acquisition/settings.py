"""Settings of this room: those that every worker has."""

from __future__ import annotations

from mtf.settings import WorkerSettings


class AcquisitionSettings(WorkerSettings):
    """`MTF_*` of the acquisition service; `MTF_IMPORT_DIR`, `MTF_HTTP_ALLOW` and `MTF_CREDENTIALS_DIR` say what its sources may reach."""
