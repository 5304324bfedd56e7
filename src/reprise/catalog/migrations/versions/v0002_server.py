"""What a server keeps: people, their sessions and tokens, the feed of events, schedules, ids of other servers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reprise.catalog.migrations.columns import TEXT, WHOLE

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _people()
    _hosted_jobs()
    _feed()
    _schedules()
    _followed_servers()


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("password_hash", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("must_change", WHOLE, nullable=False),
        sa.Column("preferences", TEXT, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("id_hash", sa.LargeBinary, primary_key=True),
        sa.Column("user_name", TEXT, sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("seen_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    op.create_table(
        "tokens",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("user_name", TEXT, sa.ForeignKey("users.name", ondelete="CASCADE"), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float),
        sa.Column("last_used_at", sa.Float),
    )


def _hosted_jobs() -> None:
    # A job with queued_at set is for a server to run; one without belongs to the command that made it.
    op.add_column("jobs", sa.Column("queued_at", sa.Float))
    op.add_column("jobs", sa.Column("priority", WHOLE, nullable=False, server_default="10"))
    op.add_column("jobs", sa.Column("asked_by", TEXT, nullable=False, server_default=""))
    waiting = sa.text("queued_at IS NOT NULL AND active = 1")
    op.create_index(
        "hosted_jobs", "jobs", ["priority", "queued_at"], sqlite_where=waiting, postgresql_where=waiting
    )


def _feed() -> None:
    op.create_table(
        "feed",
        sa.Column("seq", WHOLE, primary_key=True, autoincrement=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("job_id", TEXT),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("data", TEXT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("feed_of_job", "feed", ["job_id", "seq"])


def _schedules() -> None:
    op.create_table(
        "schedules",
        sa.Column("id", WHOLE, primary_key=True, autoincrement=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("library_id", WHOLE, sa.ForeignKey("libraries.id", ondelete="CASCADE"), nullable=False),
        sa.Column("models", TEXT, nullable=False),
        sa.Column("cron", TEXT, nullable=False),
        sa.Column("enabled", WHOLE, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("ran_at", sa.Float),
        sa.Column("outcome", TEXT, nullable=False, server_default=""),
    )


def _followed_servers() -> None:
    op.add_column("libraries", sa.Column("watch", WHOLE, nullable=False, server_default="1"))
    # Which item a music server means by its own id. No foreign key to items, as in the ledger.
    op.create_table(
        "foreign_ids",
        sa.Column("owner", TEXT, primary_key=True),
        sa.Column("server", TEXT, primary_key=True),
        sa.Column("foreign_id", TEXT, primary_key=True),
        sa.Column("item_id", WHOLE, nullable=False),
        sa.Column("mark", TEXT, nullable=False, server_default=""),
    )
    op.create_index("foreign_id_of_item", "foreign_ids", ["owner", "server", "item_id"])
