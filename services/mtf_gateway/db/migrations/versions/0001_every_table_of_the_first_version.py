"""Every table of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_table(
        "datasets",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("latest", sa.Integer(), server_default="0", nullable=False, comment="number of the newest version"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_datasets")),
    )
    op.create_table(
        "models",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("latest", sa.Integer(), server_default="0", nullable=False, comment="number of the newest version"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_models")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Text(), nullable=False, comment="ULID in lower case: sorts by creation"),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("spec", sa.JSON(none_as_null=True), nullable=False, comment="the run file as it was written"),
        sa.Column("base", sa.Text(), nullable=True, comment="folder that relative paths of the spec are relative to; embedded only"),
        sa.Column("plan", sa.JSON(none_as_null=True), nullable=False, comment="validated stage specs with every default written out"),
        sa.Column("dataset", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("tags", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False, comment="attempts that were consumed, over all stages"),
        sa.Column("strikes", sa.Integer(), server_default="0", nullable=False, comment="retryable failures of the current stage in a row"),
        sa.Column("takeovers", sa.Integer(), server_default="0", nullable=False, comment="owners that died since a stage last finished"),
        sa.Column("next_try_at", sa.Double(), server_default="0", nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False, comment="rises with every claim; fences a stale owner"),
        sa.Column("max_runtime", sa.Double(), nullable=False, comment="seconds from the first claim"),
        sa.Column("deadline", sa.Double(), nullable=True, comment="first claim + max_runtime"),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("metrics", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("gates", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("warnings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("task", sa.Text(), nullable=True),
        sa.Column("data_digest", sa.Text(), nullable=True, comment="content digest of the dataset version"),
        sa.Column("rows_key", sa.Text(), nullable=True, comment="equal for two runs that scored the same rows of the same version"),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=True, comment="references of report, html and junit by name"),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False, comment="rises with every change"),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False, comment="seq of the newest event"),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("idempotency_hash", sa.Text(), nullable=True, comment="sha256 of the request that came with the key"),
        sa.Column("deleted_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("created_by", "idempotency_key", name=op.f("uq_runs_created_by_idempotency_key")),
    )
    op.create_index(op.f("ix_runs_name_id"), "runs", ["name", "id"], unique=False)
    op.create_index(
        "ix_runs_open",
        "runs",
        ["id"],
        unique=False,
        postgresql_where=sa.text("status IN ('queued', 'running')"),
        sqlite_where=sa.text("status IN ('queued', 'running')"),
    )
    op.create_index(op.f("ix_runs_status_id"), "runs", ["status", "id"], unique=False)

    op.create_table(
        "uploads",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False, comment="where the bytes lie"),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_uploads")),
    )
    op.create_table(
        "dataset_versions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False, comment="content digest"),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("roles", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("source", sa.JSON(none_as_null=True), nullable=False, comment="where it came from, without credentials"),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False, comment="reference of the Parquet file"),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("manifest", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["datasets.name"], name=op.f("fk_dataset_versions_name_datasets"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_dataset_versions")),
    )
    op.create_index(op.f("ix_dataset_versions_digest"), "dataset_versions", ["digest"], unique=False)

    op.create_table(
        "model_aliases",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("updated_by", sa.Text(), nullable=False),
        sa.Column("updated_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["models.name"], name=op.f("fk_model_aliases_name_models"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name", "alias", name=op.f("pk_model_aliases")),
    )
    op.create_table(
        "model_versions",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column(
            "source", sa.JSON(none_as_null=True), nullable=False, comment="where it came from; an endpoint's address without credentials"
        ),
        sa.Column("artifact", sa.JSON(none_as_null=True), nullable=True, comment="reference of the file; null for an endpoint"),
        sa.Column("settings", sa.JSON(none_as_null=True), nullable=False, comment="labels, threshold and the like"),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["name"], ["models.name"], name=op.f("fk_model_versions_name_models"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_model_versions")),
    )
    op.create_table(
        "run_events",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_events_run_id_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_run_events")),
    )
    op.create_table(
        "run_stages",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False, comment="a stage, or a part of one such as acquisition.train"),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=True),
        sa.Column(
            "request",
            sa.JSON(none_as_null=True),
            nullable=True,
            comment="what was sent to the worker, so that another owner sends the same",
        ),
        sa.Column("job_id", sa.Text(), nullable=True),
        sa.Column(
            "tries", sa.Integer(), server_default="0", nullable=False, comment="part of the job id: rises when a person resumes the run"
        ),
        sa.Column("instance", sa.Text(), nullable=True, comment="the worker instance that holds the job"),
        sa.Column("after_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cached", sa.Boolean(), nullable=True),
        sa.Column("started_at", sa.Double(), nullable=True),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("progress", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("outputs", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("facts", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("warnings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("versions", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("manifest", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_stages_run_id_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "stage", name=op.f("pk_run_stages")),
    )


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_table("run_stages")
    op.drop_table("run_events")
    op.drop_table("model_versions")
    op.drop_table("model_aliases")
    op.drop_index(op.f("ix_dataset_versions_digest"), "dataset_versions")

    op.drop_table("dataset_versions")
    op.drop_table("uploads")
    op.drop_index(op.f("ix_runs_status_id"), "runs")
    op.drop_index(
        "ix_runs_open",
        "runs",
        postgresql_where=sa.text("status IN ('queued', 'running')"),
        sqlite_where=sa.text("status IN ('queued', 'running')"),
    )
    op.drop_index(op.f("ix_runs_name_id"), "runs")

    op.drop_table("runs")
    op.drop_table("models")
    op.drop_table("datasets")
