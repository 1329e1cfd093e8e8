"""Acquire a source in this process, without a server or a child."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtf.plugins import SourceContext
from mtf.testing import StageRun, run_stage
from mtf_acquisition.stage import STAGE


@dataclass
class Acquired:
    """What came of one source."""

    run: StageRun
    facts: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.facts = self.run.outcome.facts

    @property
    def table(self) -> pa.Table:
        return pq.read_table(self.run.path("data"))

    @property
    def warnings(self) -> list[str]:
        return list(self.run.outcome.warnings)

    @property
    def types(self) -> dict[str, str]:
        return {column["name"]: column["type"] for column in self.facts["columns"]}


@dataclass
class Lab:
    """A folder with files, and a way to acquire from it."""

    folder: Path
    credentials: dict[str, str] = field(default_factory=dict)
    uploads: Path | None = None
    runs: int = 0

    def write(self, name: str, content: str | bytes) -> str:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return name

    @property
    def context(self) -> SourceContext:
        return SourceContext(credentials=self.credentials, base=self.folder, uploads=self.uploads)

    def acquire(self, source: Mapping[str, Any], *, context: SourceContext | None = None, **section: Any) -> Acquired:
        spec = STAGE.validate({"source": dict(source), **section}).spec
        self.runs += 1
        output = self.folder.parent / f"{self.folder.name}-out-{self.runs}"
        return Acquired(run_stage(STAGE.entry, spec, output=output, source=context or self.context))

    def file(self, name: str, content: str | bytes, *, types: Mapping[str, str] | None = None, **options: Any) -> Acquired:
        return self.acquire({"type": "file", "path": self.write(name, content), **options}, types=dict(types or {}))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A laboratory in an empty folder."""
    folder = tmp_path / "lab"
    folder.mkdir()
    return Lab(folder)


@pytest.fixture
def acquire_csv(lab: Lab) -> Callable[..., Acquired]:
    """Acquire the text of a CSV file."""
    return lambda text, **options: lab.file("table.csv", text, **options)
