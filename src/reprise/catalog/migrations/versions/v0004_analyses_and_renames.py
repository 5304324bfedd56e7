"""What was heard of each track, and the journal of renaming."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reprise.catalog.migrations.columns import TEXT, WHOLE

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _analyses()
    _renames()


def _analyses() -> None:
    op.create_table(
        "analyses",
        # No foreign key: a row goes with its item, in the same transaction.
        sa.Column("item_id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("spec", TEXT, nullable=False),  # fingerprint of the spec it was heard with
        sa.Column("digest", sa.LargeBinary, nullable=False),  # of the content that was heard
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("whole", WHOLE, nullable=False),  # 0: only a part of the track was listened to
        sa.Column("bpm", sa.Float),
        sa.Column("camelot", TEXT),
        sa.Column("loudness", sa.Float),
        sa.Column("facts", TEXT, nullable=False),  # JSON of core.analysis.Analysis.as_dict
        sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    )
    op.create_index("analyses_by_owner", "analyses", ["owner", "item_id"])


def _renames() -> None:
    op.create_table(
        "rename_sessions",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),  # absolute; folders below are relative to it
        sa.Column("state", TEXT, nullable=False),
        sa.Column("total", WHOLE, nullable=False),
        sa.Column("turns", WHOLE, nullable=False),
        sa.Column("done", WHOLE, nullable=False),
        sa.Column("failed", WHOLE, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("finished_at", sa.Float),
        sa.Column("options", TEXT, nullable=False),  # JSON: the plan, what was asked, what was rewritten
        sa.Column("error", TEXT, nullable=False),
    )
    op.create_index("rename_sessions_by_owner", "rename_sessions", ["owner", "created_at"])
    op.create_table(
        "rename_moves",
        sa.Column("session_id", TEXT, sa.ForeignKey("rename_sessions.id"), primary_key=True),
        sa.Column("turn", WHOLE, primary_key=True, autoincrement=False),  # files that trade places share one
        sa.Column("number", WHOLE, primary_key=True, autoincrement=False),  # as in the plan
        sa.Column("folder", sa.LargeBinary, nullable=False),
        sa.Column("old", sa.LargeBinary, nullable=False),
        sa.Column("new", sa.LargeBinary, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("inode", sa.BigInteger, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary),  # of the sound, if the catalogue knew it
        sa.Column("code", TEXT, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sqlite_with_rowid=False,  # stored in the order in which it is read
    )
