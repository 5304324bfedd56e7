"""The first schema: libraries, items, spaces, ledger, jobs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reprise.catalog.migrations.columns import TEXT, WHOLE

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
        sa.Column("id", WHOLE, primary_key=True, autoincrement=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("exclude", TEXT, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("scanned_at", sa.Float),
        sa.UniqueConstraint("owner", "root"),
    )


def _items() -> None:
    op.create_table(
        "items",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("library_id", WHOLE, sa.ForeignKey("libraries.id"), nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("title", TEXT),
        sa.Column("artist", TEXT),
        sa.Column("album", TEXT),
        sa.Column("album_artist", TEXT),
        sa.Column("genre", TEXT),
        sa.Column("year", WHOLE),
        sa.Column("track", WHOLE),
        sa.Column("disc", WHOLE),
        sa.Column("bpm", sa.Float),
        sa.Column("key", TEXT),
        sa.Column("duration", sa.Float),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("missing_since", sa.Float),
        sa.UniqueConstraint("library_id", "path"),
        sqlite_autoincrement=True,
    )


def _spaces() -> None:
    op.create_table(
        "spaces",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("model", TEXT, nullable=False),
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("inputs", TEXT, nullable=False),
        sa.Column("dimension", WHOLE, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("note", TEXT, nullable=False, server_default=""),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.UniqueConstraint("owner", "name"),
    )
    op.create_table(
        "pointers",
        sa.Column("owner", TEXT, primary_key=True),
        sa.Column("model", TEXT, primary_key=True),
        sa.Column("space_id", WHOLE, sa.ForeignKey("spaces.id"), nullable=False),
        sa.Column("previous_id", WHOLE, sa.ForeignKey("spaces.id")),
        sa.Column("switched_at", sa.Float, nullable=False),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("work_key", TEXT, nullable=False),
        sa.Column("same_work", TEXT, nullable=False),
        sa.Column("active", WHOLE, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("control", TEXT, nullable=False),
        sa.Column("request", TEXT, nullable=False),
        sa.Column("spec_version", TEXT, nullable=False),
        sa.Column("planned", WHOLE, nullable=False),
        sa.Column("items", WHOLE, nullable=False),
        sa.Column("percent", sa.Float, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("started_at", sa.Float),
        sa.Column("finished_at", sa.Float),
        sa.Column("error", TEXT, nullable=False),
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
        sa.Column("job_id", TEXT, sa.ForeignKey("jobs.id"), primary_key=True),
        sa.Column("model", TEXT, primary_key=True),
        sa.Column("position", WHOLE, nullable=False),
        sa.Column("space_id", WHOLE, sa.ForeignKey("spaces.id")),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("total", WHOLE, nullable=False, server_default="0"),
        sa.Column("done", WHOLE, nullable=False, server_default="0"),
        sa.Column("skipped", WHOLE, nullable=False, server_default="0"),
        sa.Column("failed", WHOLE, nullable=False, server_default="0"),
        sa.Column("error", TEXT, nullable=False, server_default=""),
        sa.Column("seconds", sa.Float, nullable=False, server_default="0"),
        sa.Column("audio_seconds", sa.Float, nullable=False, server_default="0"),
    )


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("space_id", WHOLE, sa.ForeignKey("spaces.id"), primary_key=True),
        # No foreign key: the database would look through the whole ledger for each item that is removed.
        sa.Column("item_id", WHOLE, primary_key=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary),
        sa.Column("has_vector", WHOLE, nullable=False),
        sa.Column("attempts", WHOLE, nullable=False),
        sa.Column("job_id", TEXT),
        sa.Column("lease_until", sa.Float),
        sa.Column("error_code", TEXT),
        sa.Column("error_message", TEXT),
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
        sa.Column("library_id", WHOLE, sa.ForeignKey("libraries.id"), primary_key=True),
        sa.Column("path", sa.LargeBinary, primary_key=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("message", TEXT, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
    )


def _speeds() -> None:
    op.create_table(
        "speeds",
        sa.Column("fingerprint", TEXT, primary_key=True),
        sa.Column("machine", TEXT, primary_key=True),
        sa.Column("audio_seconds_per_second", sa.Float, nullable=False),
        sa.Column("operations_per_second", sa.Float, nullable=False),
        sa.Column("measured_at", sa.Float, nullable=False),
    )
