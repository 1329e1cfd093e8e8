"""Stage 1 in the child: read the source, write the version, tell its facts."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa

from mtf.contracts.run import ExpectSpec
from mtf.contracts.stages import AcquisitionSpec, DatasetFacts
from mtf.jobs.child import JobContext
from mtf.plugins import StageOutcome
from mtf_acquisition import expect, provenance
from mtf_acquisition.canonical import declared_type
from mtf_acquisition.ingest import Ingested, ingest
from mtf_acquisition.spec import arguments

FILE = "data.parquet"


def execute(job: JobContext) -> StageOutcome:
    """Make a version of the source that the job's spec names. Raises DataError, SpecError, EndpointError or LimitError."""
    spec = AcquisitionSpec.model_validate(job.spec)
    plugin, args = arguments(spec)
    scratch = job.output / ".scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    context = replace(job.source, scratch=scratch)
    told: dict[str, Any] = {}
    declared = {name: declared_type(kind) for name, kind in spec.types.items()}
    try:
        done = ingest(
            lambda: _listened(plugin.read(args, context), told),
            declared,
            getattr(args, "na_values", [""]),
            job.output / FILE,
            lambda rows: job.progress(rows, None, "rows", "reading"),
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if spec.expect is not None:
        names = [column.name for column in done.columns]
        expect.check(ExpectSpec.model_validate(spec.expect), rows=done.rows, columns=names, digest=done.digest)
    job.progress(done.rows, done.rows, "rows", "written")
    return StageOutcome({"data": FILE}, _facts(spec, done, told).model_dump(mode="json"), _warnings(done))


def _listened(batches: Iterator[pa.RecordBatch], told: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    """Pass batches on and keep what the source says of itself in the schema's metadata."""
    for batch in batches:
        provenance.listen(batch.schema, told)
        yield batch


def _facts(spec: AcquisitionSpec, done: Ingested, told: dict[str, Any]) -> DatasetFacts:
    return DatasetFacts(
        digest=done.digest,
        rows=done.rows,
        columns=done.columns,
        provenance=provenance.record(spec, told, restarted=done.restarted, notes=done.notes),
    )


def _warnings(done: Ingested) -> list[str]:
    again = ["the source was read a second time, because it contradicted the types of its beginning"] if done.restarted else []
    return [*done.notes, *again]
