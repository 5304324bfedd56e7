"""What items are listed by: folded names in the order of each sorting, and their words.

The listing follows the items (``catalog.listing_upkeep``); triggers only note which ones changed, so that a scan pays
next to nothing for it. New items need no note: their ids are above ``listed_to``.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from reprise.catalog.migrations.columns import TEXT, WHOLE

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_HIGHEST_ID = 2**63 - 1
_SORTED = ("artist", "title", "album", "genre", "year", "bpm", "key", "duration", "updated_at", "path")
_SHOWN = (
    "library_id", "path", "title", "artist", "album", "genre", "year", "bpm", "key", "duration", "size", "updated_at",
    "missing_since",
)  # fmt: skip
"""Columns of an item whose change makes its place, its words or its library's counts others. A digest does not."""


def upgrade() -> None:
    _listing()
    _notes()
    if op.get_bind().dialect.name == "postgresql":
        _words_of_postgresql()
    else:
        op.execute(
            "CREATE VIRTUAL TABLE listing_words USING fts5"
            " (words, columnsize = 0, tokenize = 'unicode61 remove_diacritics 2')"
        )
        _triggers()


def _listing() -> None:
    op.create_table(
        "listing",
        # No foreign key: an item that is removed leaves the listing when that is brought up to date.
        sa.Column("item_id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("library_id", WHOLE, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("title", TEXT),
        sa.Column("artist", TEXT),
        sa.Column("album", TEXT),
        sa.Column("genre", TEXT),
        sa.Column("year", WHOLE),
        sa.Column("bpm", sa.Float),
        sa.Column("key", TEXT),
        sa.Column("duration", sa.Float),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("missing", WHOLE, nullable=False),
    )
    op.create_index("listing_by_id", "listing", ["owner", "item_id", "library_id"])
    for column in _SORTED:
        op.create_index(f"listing_by_{column}", "listing", ["owner", column, "item_id", "library_id"])


def _words_of_postgresql() -> None:
    op.create_table(
        "listing_words",
        sa.Column("rowid", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("words", postgresql.TSVECTOR, nullable=False),
    )
    op.create_index("listing_words_found", "listing_words", ["words"], postgresql_using="gin")


def _notes() -> None:
    # Where several write at once, one must not have to wait for another's note of the same item: each leaves its own.
    alone = op.get_bind().dialect.name == "sqlite"
    op.create_table(
        "listing_notes", sa.Column("item_id", WHOLE, primary_key=alone, nullable=False, autoincrement=False)
    )
    if not alone:
        op.create_index("listing_notes_by_id", "listing_notes", ["item_id"])
    # What the listing holds of each library, kept up with it: counting a million rows takes too long for a page.
    op.create_table(
        "listing_counts",
        sa.Column("owner", TEXT, primary_key=True),
        sa.Column("library_id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("items", WHOLE, nullable=False),
        sa.Column("missing", WHOLE, nullable=False),
        sa.Column("audio_seconds", sa.Float, nullable=False),
        sa.Column("bytes", sa.BigInteger, nullable=False),
    )
    # One row: up to which id items were listed, and how often the listing changed.
    op.create_table(
        "listing_state",
        sa.Column("listed_to", WHOLE, nullable=False),
        sa.Column("changes", WHOLE, nullable=False),
    )
    # Where new items are noted like changed ones (migration 0005), all ids count as listed.
    listed_to = 0 if alone else _HIGHEST_ID
    op.execute(f"INSERT INTO listing_state (listed_to, changes) VALUES ({listed_to}, 0)")


def _triggers() -> None:
    differs = " OR ".join(f"old.{column} IS NOT new.{column}" for column in _SHOWN)
    op.execute(
        f"CREATE TRIGGER note_changed_item AFTER UPDATE OF {', '.join(_SHOWN)} ON items WHEN {differs}"
        " BEGIN INSERT OR IGNORE INTO listing_notes (item_id) VALUES (new.id); END"
    )
    op.execute(
        "CREATE TRIGGER note_removed_item AFTER DELETE ON items"
        " BEGIN INSERT OR IGNORE INTO listing_notes (item_id) VALUES (old.id); END"
    )
