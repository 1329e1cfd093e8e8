"""Every table. One definition serves SQLite and PostgreSQL; a test proves that the migrations lead to the same schema.

Times are seconds since 1970 in UTC as double precision: both databases then do the same arithmetic on leases, and no driver has a
chance to attach a time zone. `created_by` is the principal that made an object; it stands on every object from the first migration on.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    false,
)

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    }
)

Json = JSON(none_as_null=True)
"""Plain JSON on PostgreSQL too: JSONB would sort the keys, and a run would look other there than on SQLite."""

OPEN = "status IN ('queued', 'running')"
"""Runs that a claim may take. An index of them alone keeps a claim as quick after a million runs as after ten."""

OPEN_INDEX = "ix_runs_open"

RUNS = Table(
    "runs",
    METADATA,
    Column("id", Text, primary_key=True, comment="ULID in lower case: sorts by creation"),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("verdict", Text),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("spec", Json, nullable=False, comment="the run file as it was written"),
    Column("base", Text, comment="folder that relative paths of the spec are relative to; embedded only"),
    Column("plan", Json, nullable=False, comment="validated stage specs with every default written out"),
    Column("dataset", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("tags", Json, nullable=False),
    # Queue and lease: the run's row is both, so that they cannot drift apart.
    Column("attempts", Integer, nullable=False, server_default="0", comment="attempts that were consumed, over all stages"),
    Column("strikes", Integer, nullable=False, server_default="0", comment="retryable failures of the current stage in a row"),
    Column("takeovers", Integer, nullable=False, server_default="0", comment="owners that died since a stage last finished"),
    Column("next_try_at", Double, nullable=False, server_default="0"),
    Column("owner", Text),
    Column("lease_until", Double),
    Column("epoch", Integer, nullable=False, server_default="0", comment="rises with every claim; fences a stale owner"),
    Column("max_runtime", Double, nullable=False, comment="seconds from the first claim"),
    Column("deadline", Double, comment="first claim + max_runtime"),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    # Results, small enough for lists; the report itself is a file.
    Column("problem", Json),
    Column("metrics", Json, nullable=False),
    Column("gates", Json, nullable=False),
    Column("warnings", Json, nullable=False),
    Column("task", Text),
    Column("data_digest", Text, comment="content digest of the dataset version"),
    Column("rows_key", Text, comment="equal for two runs that scored the same rows of the same version"),
    Column("report", Json, comment="references of report, html and junit by name"),
    Column("version", Integer, nullable=False, server_default="0", comment="rises with every change"),
    Column("last_seq", Integer, nullable=False, server_default="0", comment="seq of the newest event"),
    Column("idempotency_key", Text),
    Column("idempotency_hash", Text, comment="sha256 of the request that came with the key"),
    Column("deleted_at", Double),
    UniqueConstraint("created_by", "idempotency_key"),
    Index(None, "status", "id"),
    Index(None, "name", "id"),
    Index(None, "rows_key", "id"),
    Index(None, "dataset", "id"),
)

# As text, because an Index that knows of dialects imports both of them, and the embedded form pays for SQLite alone.
_OPEN_INDEX = DDL(f"CREATE INDEX {OPEN_INDEX} ON runs (id) WHERE {OPEN}")  # type: ignore[no-untyped-call]  # SQLAlchemy annotates it not
event.listen(RUNS, "after_create", _OPEN_INDEX)

RUN_STAGES = Table(
    "run_stages",
    METADATA,
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("stage", Text, primary_key=True, comment="a stage, or a part of one such as acquisition.train"),
    Column("position", Integer, nullable=False),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("fingerprint", Text),
    Column("request", Json, comment="what was sent to the worker, so that another owner sends the same"),
    Column("job_id", Text),
    Column("tries", Integer, nullable=False, server_default="0", comment="part of the job id: rises when a person resumes the run"),
    Column("instance", Text, comment="the worker instance that holds the job"),
    Column("after_seq", Integer, nullable=False, server_default="0"),
    Column("cached", Boolean),
    Column("started_at", Double),
    Column("finished_at", Double),
    Column("seconds", Double),
    Column("progress", Json),
    Column("outputs", Json, nullable=False),
    Column("facts", Json, nullable=False),
    Column("warnings", Json, nullable=False),
    Column("versions", Json, nullable=False),
    Column("manifest", Json),
)

RUN_EVENTS = Table(
    "run_events",
    METADATA,
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("kind", Text, nullable=False),
    Column("stage", Text),
    Column("data", Json, nullable=False),
)

RUN_REVISIONS = Table(
    "run_revisions",
    METADATA,
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False, comment="1 is the evaluation that came with the run"),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("reevaluation", Text, comment="the re-evaluation that made it; null for the first"),
    Column("evaluation", Json, nullable=False, comment="the section as a run file would hold it, task included"),
    Column("fingerprint", Text, comment="of the job that made it"),
    Column("verdict", Text),
    Column("metrics", Json, nullable=False),
    Column("gates", Json, nullable=False),
    Column("warnings", Json, nullable=False),
    Column("versions", Json, nullable=False, comment="of metrics and libraries"),
    Column("report", Json, nullable=False, comment="references of report, html and junit by name"),
)
"""Every evaluation of a run that was evaluated again. The newest one stands in the run's own row too, where lists find it."""

REEVALUATIONS = Table(
    "reevaluations",
    METADATA,
    Column("id", Text, primary_key=True, comment="ULID in lower case: sorts by creation"),
    Column("status", Text, nullable=False, server_default="queued"),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("finished_at", Double),
    Column("spec", Json, nullable=False, comment="which runs, and what to measure"),
    Column("owner", Text),
    Column("lease_until", Double),
    Column("epoch", Integer, nullable=False, server_default="0", comment="rises with every claim; fences a stale owner"),
    Column("takeovers", Integer, nullable=False, server_default="0", comment="owners that died since a run was last finished"),
    Column("cancel_requested", Boolean, nullable=False, server_default=false()),
    Column("problem", Json),
    Column("version", Integer, nullable=False, server_default="0", comment="rises with every change"),
    Column("idempotency_key", Text),
    Column("idempotency_hash", Text, comment="sha256 of the request that came with the key"),
    UniqueConstraint("created_by", "idempotency_key"),
    Index(None, "status", "id"),
)

REEVALUATION_ITEMS = Table(
    "reevaluation_items",
    METADATA,
    Column("reevaluation_id", Text, ForeignKey("reevaluations.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("run_id", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="waiting"),
    Column("result", Json, comment="what came of it, as the API shows it"),
    Column("verdict_changed", Boolean, nullable=False, server_default=false()),
    Column("gates_changed", Integer, nullable=False, server_default="0"),
    Index(None, "run_id"),
)

DATASETS = Table(
    "datasets",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("description", Text, nullable=False, server_default=""),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("latest", Integer, nullable=False, server_default="0", comment="number of the newest version"),
)

DATASET_VERSIONS = Table(
    "dataset_versions",
    METADATA,
    Column("name", Text, ForeignKey("datasets.name", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False, comment="content digest"),
    Column("rows", BigInteger, nullable=False),
    Column("roles", Json, nullable=False),
    Column("source", Json, nullable=False, comment="where it came from, without credentials"),
    Column("data", Json, nullable=False, comment="reference of the Parquet file"),
    Column("facts", Json, nullable=False),
    Column("manifest", Json),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Index(None, "digest"),
)

MODELS = Table(
    "models",
    METADATA,
    Column("name", Text, primary_key=True),
    Column("description", Text, nullable=False, server_default=""),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("latest", Integer, nullable=False, server_default="0", comment="number of the newest version"),
)

MODEL_VERSIONS = Table(
    "model_versions",
    METADATA,
    Column("name", Text, ForeignKey("models.name", ondelete="CASCADE"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("format", Text, nullable=False),
    Column("source", Json, nullable=False, comment="where it came from; an endpoint's address without credentials"),
    Column("artifact", Json, comment="reference of the file; null for an endpoint"),
    Column("settings", Json, nullable=False, comment="labels, threshold and the like"),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

MODEL_ALIASES = Table(
    "model_aliases",
    METADATA,
    Column("name", Text, ForeignKey("models.name", ondelete="CASCADE"), primary_key=True),
    Column("alias", Text, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("updated_by", Text, nullable=False),
    Column("updated_at", Double, nullable=False),
)

UPLOADS = Table(
    "uploads",
    METADATA,
    Column("digest", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("name", Text),
    Column("kind", Text, nullable=False),
    Column("ref", Text, nullable=False, comment="where the bytes lie"),
    Column("created_by", Text, nullable=False),
    Column("created_at", Double, nullable=False),
)

HEAD = "0002"
"""The newest migration. A database that says otherwise is refused, with the command that helps."""

VERSION = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""Alembic's own table, described here so that a fresh file can be stamped without importing Alembic."""
