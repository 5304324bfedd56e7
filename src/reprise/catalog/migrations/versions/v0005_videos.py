"""Videos: kinds of items and what came out of them, inputs by channel, scenes, persons, preferences, reprocessings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from reprise.catalog.migrations.columns import TEXT, WHOLE

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


_SHOWN = (
    "library_id", "path", "title", "artist", "album", "genre", "year", "bpm", "key", "duration", "size", "updated_at",
    "missing_since",
)  # fmt: skip
"""As in migration 0003: columns of an item whose change its listing follows."""


def upgrade() -> None:
    _libraries()
    _kinds()
    if op.get_bind().dialect.name == "sqlite":
        _triggers()
    else:
        _triggers_of_postgresql()
    _inputs()
    _videos()
    _persons()
    _released_files()
    _preferences()
    _reprocessings()


def _libraries() -> None:
    """Music and videos may lie in the same folder: each is a library of its own."""
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    # As PostgreSQL calls it by itself; SQLite gives it no name.
    names = {"uq": "%(table_name)s_%(column_0_name)s_root_key"}
    with op.batch_alter_table("libraries", naming_convention=names if on_sqlite else None) as libraries:
        libraries.drop_constraint("libraries_owner_root_key", type_="unique")
        libraries.create_unique_constraint("one_library_of_a_kind", ["owner", "kind", "root"])


def _kinds() -> None:
    op.add_column("items", sa.Column("kind", TEXT, nullable=False, server_default="track"))
    op.add_column("items", sa.Column("parent_id", WHOLE))  # of a frame its scene, of a photo its person
    op.add_column("items", sa.Column("video_id", WHOLE))  # of a scene or a frame
    children = sa.text("video_id IS NOT NULL")
    op.create_index(
        "items_of_video", "items", ["video_id", "kind"], sqlite_where=children, postgresql_where=children
    )
    parents = sa.text("parent_id IS NOT NULL")
    others = sa.text("kind <> 'track'")  # a music library pays nothing for it
    op.create_index(
        "items_of_kind", "items", ["library_id", "kind", "path"], sqlite_where=others, postgresql_where=others
    )
    op.create_index("items_of_parent", "items", ["parent_id"], sqlite_where=parents, postgresql_where=parents)
    op.add_column("spaces", sa.Column("kind", TEXT, nullable=False, server_default="track"))
    op.add_column("spaces", sa.Column("channel", TEXT, nullable=False, server_default=""))
    op.add_column("ledger", sa.Column("spec_version", TEXT))  # of the pipeline that the row was done by


def _triggers() -> None:
    """Only tracks are listed: thousands of scenes that change at once are to leave no notes."""
    differs = " OR ".join(f"old.{column} IS NOT new.{column}" for column in _SHOWN)
    op.execute("DROP TRIGGER note_changed_item")
    op.execute("DROP TRIGGER note_removed_item")
    op.execute(
        f"CREATE TRIGGER note_changed_item AFTER UPDATE OF {', '.join(_SHOWN)} ON items"
        f" WHEN new.kind = 'track' AND ({differs})"
        " BEGIN INSERT OR IGNORE INTO listing_notes (item_id) VALUES (new.id); END"
    )
    op.execute(
        "CREATE TRIGGER note_removed_item AFTER DELETE ON items WHEN old.kind = 'track'"
        " BEGIN INSERT OR IGNORE INTO listing_notes (item_id) VALUES (old.id); END"
    )


def _triggers_of_postgresql() -> None:
    """The same, and new tracks are noted as well: of several that write at once, the one that got the higher id may
    be done first, so what is listed up to which id says nothing."""
    for name, what in (
        ("note_new_items", "SELECT id FROM added WHERE kind = 'track'"),
        ("note_changed_item", "VALUES (new.id)"),
        ("note_removed_item", "VALUES (old.id)"),
    ):
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$"
            f" BEGIN INSERT INTO listing_notes (item_id) {what}; RETURN NULL; END $$"
        )
    differs = " OR ".join(f"old.{column} IS DISTINCT FROM new.{column}" for column in _SHOWN)
    op.execute(
        "CREATE TRIGGER note_new_items AFTER INSERT ON items REFERENCING NEW TABLE AS added"
        " FOR EACH STATEMENT EXECUTE FUNCTION note_new_items()"
    )
    op.execute(
        f"CREATE TRIGGER note_changed_item AFTER UPDATE OF {', '.join(_SHOWN)} ON items FOR EACH ROW"
        f" WHEN (new.kind = 'track' AND ({differs})) EXECUTE FUNCTION note_changed_item()"
    )
    op.execute(
        "CREATE TRIGGER note_removed_item AFTER DELETE ON items FOR EACH ROW"
        " WHEN (old.kind = 'track') EXECUTE FUNCTION note_removed_item()"
    )


def _inputs() -> None:
    op.create_table(
        "inputs",
        # No foreign key: a row goes with its item, in the same transaction.
        sa.Column("item_id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("channel", TEXT, primary_key=True),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("text", TEXT),
        sa.Column("file", sa.LargeBinary),  # relative to the media folder
        sa.Column("composed", WHOLE, nullable=False),  # by which rules; see core.scene_texts
        sa.Column("updated_at", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )
    files = sa.text("file IS NOT NULL")
    op.create_index("inputs_by_file", "inputs", ["file"], sqlite_where=files, postgresql_where=files)


def _videos() -> None:
    op.create_table(
        "videos",
        sa.Column("item_id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("facts", TEXT, nullable=False),  # JSON of VideoFacts; empty: not taken apart yet
        sa.Column("digest", sa.LargeBinary),  # of the content that was taken apart
        sa.Column("scenes_given", WHOLE, nullable=False),  # 1: where scenes begin was imported
        sa.Column("transcript_source", TEXT, nullable=False),  # empty: there is none
        sa.Column("language", TEXT, nullable=False),
        sa.Column("segments", TEXT, nullable=False),  # JSON: [[start, end, text], …]
        sa.Column("updated_at", sa.Float, nullable=False),
    )
    op.create_table(
        "scenes",
        sa.Column("item_id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("video_id", WHOLE, nullable=False),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("starts", sa.Float, nullable=False),
        sa.Column("ends", sa.Float, nullable=False),
        sa.Column("own_transcript", TEXT),  # given with the scene; else it is cut out of the video's
        sa.Column("description", TEXT, nullable=False),
        sa.Column("summary", TEXT, nullable=False),
        sa.Column("tags", TEXT, nullable=False),  # JSON list
        sa.Column("described_by", TEXT, nullable=False),  # empty: by nobody
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.UniqueConstraint("video_id", "number"),
    )
    op.create_index("scenes_by_owner", "scenes", ["owner", "video_id", "number"])
    op.create_table(
        "frames",
        sa.Column("item_id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("scene_id", WHOLE, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("ordinal", WHOLE, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("file", sa.LargeBinary, nullable=False),  # relative to the media folder
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("width", WHOLE, nullable=False),
        sa.Column("height", WHOLE, nullable=False),
        sa.UniqueConstraint("scene_id", "kind", "ordinal"),
    )
    op.create_index("frames_by_file", "frames", ["file"])


def _persons() -> None:
    op.create_table(
        "persons",
        sa.Column("item_id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("folded", TEXT, nullable=False),  # the name as it is looked up
        sa.Column("archived", WHOLE, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.UniqueConstraint("owner", "folded"),
    )
    op.create_table(
        "photos",
        sa.Column("item_id", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("person_id", WHOLE, nullable=False),
        sa.Column("file", sa.LargeBinary, nullable=False),  # relative to the media folder
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("error", TEXT, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.UniqueConstraint("person_id", "digest"),
    )
    op.create_index("photos_by_owner", "photos", ["owner", "state"])
    op.create_index("photos_by_file", "photos", ["file"])


def _released_files() -> None:
    op.create_table(
        "released_files",  # of the media folder, by rows that went; deleted from the disk unless another row names them
        sa.Column("file", sa.LargeBinary, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),  # when a row last took the file up
        sqlite_with_rowid=False,
    )


def _preferences() -> None:
    op.create_table(
        "search_preferences",
        sa.Column("owner", TEXT, primary_key=True),
        sa.Column("weights", TEXT, nullable=False),  # JSON
        sa.Column("fusion", TEXT, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
    )


def _reprocessings() -> None:
    op.create_table(
        "reprocessings",
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("owner", TEXT, nullable=False),
        sa.Column("video_id", WHOLE),
        sa.Column("force", WHOLE, nullable=False),
        sa.Column("since", sa.Float),
        sa.Column("spec_version", TEXT, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("jobs", TEXT, nullable=False),  # JSON: [[owner, id], …]
        sa.Column("record", TEXT),  # JSON, once it has ended
    )
    op.create_index("reprocessings_by_time", "reprocessings", ["created_at"])
