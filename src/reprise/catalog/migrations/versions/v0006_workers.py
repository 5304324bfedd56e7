"""Several machines at work on one job: who holds what, until when, and who is there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reprise.catalog.migrations.columns import TEXT, WHOLE

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ledger", sa.Column("leased_by", TEXT, nullable=False, server_default=""))
    op.add_column(
        "jobs", sa.Column("rung_at", sa.Float)
    )  # when workers were woken for it; NULL: one came since
    op.add_column(
        "jobs", sa.Column("served_at", sa.Float, nullable=False, server_default="0")
    )  # its last slice
    op.create_table(
        "locks",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("holder", TEXT, primary_key=True),
        sa.Column("shared", WHOLE, nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
    op.create_table(
        "workers",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("host", TEXT, nullable=False),
        sa.Column("pid", WHOLE, nullable=False),
        sa.Column("device", TEXT, nullable=False),
        sa.Column("release", TEXT, nullable=False),
        sa.Column("spec_version", TEXT, nullable=False),
        sa.Column("job_id", TEXT),
        sa.Column("started_at", sa.Float, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        _many_at_work()


def _many_at_work() -> None:
    """Each worker renews what it has in hand every few seconds: few rows of millions that are open."""
    op.create_index("leased_rows", "ledger", ["leased_by"], postgresql_where=sa.text("state = 'leased'"))
    # Rows change twice on their way, and who leases next walks over what earlier ones left behind.
    op.execute(
        "ALTER TABLE ledger SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000)"
    )
