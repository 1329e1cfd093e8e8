"""Runs that are evaluated again: their revisions, and what asked for them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go to this revision."""
    op.create_index(op.f("ix_runs_dataset_id"), "runs", ["dataset", "id"], unique=False)
    op.create_index(op.f("ix_runs_rows_key_id"), "runs", ["rows_key", "id"], unique=False)
    op.create_table(
        "reevaluations",
        sa.Column("id", sa.Text(), nullable=False, comment="ULID in lower case: sorts by creation"),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("finished_at", sa.Double(), nullable=True),
        sa.Column("spec", sa.JSON(none_as_null=True), nullable=False, comment="which runs, and what to measure"),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.Double(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False, comment="rises with every claim; fences a stale owner"),
        sa.Column("takeovers", sa.Integer(), server_default="0", nullable=False, comment="owners that died since a run was last finished"),
        sa.Column("cancel_requested", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("problem", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="0", nullable=False, comment="rises with every change"),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("idempotency_hash", sa.Text(), nullable=True, comment="sha256 of the request that came with the key"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reevaluations")),
        sa.UniqueConstraint("created_by", "idempotency_key", name=op.f("uq_reevaluations_created_by_idempotency_key")),
    )
    op.create_index(op.f("ix_reevaluations_status_id"), "reevaluations", ["status", "id"], unique=False)
    op.create_table(
        "reevaluation_items",
        sa.Column("reevaluation_id", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="waiting", nullable=False),
        sa.Column("result", sa.JSON(none_as_null=True), nullable=True, comment="what came of it, as the API shows it"),
        sa.Column("verdict_changed", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("gates_changed", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["reevaluation_id"], ["reevaluations.id"], name=op.f("fk_reevaluation_items_reevaluation_id_reevaluations"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("reevaluation_id", "position", name=op.f("pk_reevaluation_items")),
    )
    op.create_index(op.f("ix_reevaluation_items_run_id"), "reevaluation_items", ["run_id"], unique=False)
    op.create_table(
        "run_revisions",
        sa.Column("run_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False, comment="1 is the evaluation that came with the run"),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("reevaluation", sa.Text(), nullable=True, comment="the re-evaluation that made it; null for the first"),
        sa.Column(
            "evaluation", sa.JSON(none_as_null=True), nullable=False, comment="the section as a run file would hold it, task included"
        ),
        sa.Column("fingerprint", sa.Text(), nullable=True, comment="of the job that made it"),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("metrics", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("gates", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("warnings", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("versions", sa.JSON(none_as_null=True), nullable=False, comment="of metrics and libraries"),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=False, comment="references of report, html and junit by name"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name=op.f("fk_run_revisions_run_id_runs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_run_revisions")),
    )


def downgrade() -> None:
    """Go back to the revision before. The first evaluation of every run is the one that stays: the others leave with their table."""
    # Without this a run would show the numbers of an evaluation that nothing tells of any more.
    op.execute(
        "UPDATE runs SET verdict = r.verdict, metrics = r.metrics, gates = r.gates, warnings = r.warnings, report = r.report "
        "FROM run_revisions AS r WHERE r.run_id = runs.id AND r.number = 1"
    )
    op.drop_table("run_revisions")
    op.drop_index(op.f("ix_reevaluation_items_run_id"), "reevaluation_items")
    op.drop_table("reevaluation_items")
    op.drop_index(op.f("ix_reevaluations_status_id"), "reevaluations")
    op.drop_table("reevaluations")
    op.drop_index(op.f("ix_runs_rows_key_id"), "runs")
    op.drop_index(op.f("ix_runs_dataset_id"), "runs")
