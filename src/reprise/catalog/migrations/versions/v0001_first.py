"""The first schema: libraries, items, spaces, ledger, jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _libraries()
    _items()
    _spaces()
    _jobs()
    _ledger()
    _scan_problems()
    _speeds()


def _libraries() -> None:
    op.create_table(
        "libraries",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("exclude", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("scanned_at", sa.Float),
        sa.UniqueConstraint("owner", "root"),
    )


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("library_id", sa.Integer, sa.ForeignKey("libraries.id"), nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("title", sa.Text),
        sa.Column("artist", sa.Text),
        sa.Column("album", sa.Text),
        sa.Column("album_artist", sa.Text),
        sa.Column("genre", sa.Text),
        sa.Column("year", sa.Integer),
        sa.Column("track", sa.Integer),
        sa.Column("disc", sa.Integer),
        sa.Column("bpm", sa.Float),
        sa.Column("key", sa.Text),
        sa.Column("duration", sa.Float),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("missing_since", sa.Float),
        sa.UniqueConstraint("library_id", "path"),
        sqlite_autoincrement=True,
    )


def _spaces() -> None:
    op.create_table(
        "spaces",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("owner", "name"),
    )
    op.create_table(
        "pointers",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("space_id", sa.Integer, sa.ForeignKey("spaces.id"), nullable=False),
        sa.Column("previous_id", sa.Integer, sa.ForeignKey("spaces.id")),
        sa.Column("switched_at", sa.Float, nullable=False),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("work_key", sa.Text, nullable=False),
        sa.Column("same_work", sa.Text, nullable=False),
        sa.Column("active", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("control", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("spec_version", sa.Text, nullable=False),
        sa.Column("planned", sa.Integer, nullable=False),
        sa.Column("items", sa.Integer, nullable=False),
        sa.Column("percent", sa.Float, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float),
        sa.Column("finished_at", sa.Float),
        sa.Column("error", sa.Text, nullable=False),
    )
    # Of two starts of the same work at once, across processes, the database lets one in.
    op.create_index(
        "one_active_job",
        "jobs",
        ["owner", "work_key"],
        unique=True,
        sqlite_where=sa.text("active = 1"),
        postgresql_where=sa.text("active = 1"),
    )
    op.create_table(
        "job_models",
        sa.Column("job_id", sa.Text, sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("space_id", sa.Integer, sa.ForeignKey("spaces.id")),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("total", sa.Integer, nullable=False, server_default="0"),
        sa.Column("done", sa.Integer, nullable=False, server_default="0"),
        sa.Column("skipped", sa.Integer, nullable=False, server_default="0"),
        sa.Column("failed", sa.Integer, nullable=False, server_default="0"),
        sa.Column("error", sa.Text, nullable=False, server_default=""),
        sa.Column("seconds", sa.Float, nullable=False, server_default="0"),
        sa.Column("audio_seconds", sa.Float, nullable=False, server_default="0"),
    )


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("space_id", sa.Integer, sa.ForeignKey("spaces.id"), primary_key=True),
        # No foreign key: the database would look through the whole ledger for each item that is removed.
        sa.Column("item_id", sa.Integer, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("has_vector", sa.Integer, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("job_id", sa.Text),
        sa.Column("lease_until", sa.Float),
        sa.Column("error_code", sa.Text),
        sa.Column("error_message", sa.Text),
        sa.Column("updated_at", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    open_rows = sa.text("state IN ('pending', 'leased')")
    op.create_index(
        "open_work",
        "ledger",
        ["job_id", "space_id", "state", "attempts", "item_id"],
        sqlite_where=open_rows,
        postgresql_where=open_rows,
    )
    failed_rows = sa.text("state IN ('failed', 'dismissed')")
    op.create_index(
        "failures",
        "ledger",
        ["owner", "error_code", "item_id"],
        sqlite_where=failed_rows,
        postgresql_where=failed_rows,
    )


def _scan_problems() -> None:
    op.create_table(
        "scan_problems",
        sa.Column("library_id", sa.Integer, sa.ForeignKey("libraries.id"), primary_key=True),
        sa.Column("path", sa.LargeBinary, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
    )


def _speeds() -> None:
    op.create_table(
        "speeds",
        sa.Column("fingerprint", sa.Text, primary_key=True),
        sa.Column("machine", sa.Text, primary_key=True),
        sa.Column("audio_seconds_per_second", sa.Float, nullable=False),
        sa.Column("operations_per_second", sa.Float, nullable=False),
        sa.Column("measured_at", sa.Float, nullable=False),
    )
