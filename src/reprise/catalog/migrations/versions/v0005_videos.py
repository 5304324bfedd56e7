"""Videos: kinds of items and what came out of them, inputs by channel, scenes, persons, preferences, reprocessings."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _kinds()
    _inputs()
    _videos()
    _persons()
    _preferences()
    _reprocessings()


def _kinds() -> None:
    op.add_column("items", sa.Column("kind", sa.Text, nullable=False, server_default="track"))
    op.add_column("items", sa.Column("parent_id", sa.Integer))  # of a frame its scene, of a photo its person
    op.add_column("items", sa.Column("video_id", sa.Integer))  # of a scene or a frame
    children = sa.text("video_id IS NOT NULL")
    op.create_index(
        "items_of_video", "items", ["video_id", "kind"], sqlite_where=children, postgresql_where=children
    )
    parents = sa.text("parent_id IS NOT NULL")
    op.create_index("items_of_parent", "items", ["parent_id"], sqlite_where=parents, postgresql_where=parents)
    op.add_column("spaces", sa.Column("kind", sa.Text, nullable=False, server_default="track"))
    op.add_column("spaces", sa.Column("channel", sa.Text, nullable=False, server_default=""))
    op.add_column("ledger", sa.Column("spec_version", sa.Text))  # of the pipeline that the row was done by


def _inputs() -> None:
    op.create_table(
        "inputs",
        # No foreign key: a row goes with its item, in the same transaction.
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("file", sa.LargeBinary),  # relative to the media folder
        sa.Column("composed", sa.Integer, nullable=False),  # by which rules; see core.scene_texts
        sa.Column("updated_at", sa.Float, nullable=False),
        sqlite_with_rowid=False,
    )


def _videos() -> None:
    op.create_table(
        "videos",
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("facts", sa.Text, nullable=False),  # JSON of core.video.VideoFacts
        sa.Column("transcript_source", sa.Text, nullable=False),  # empty: there is none
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("segments", sa.Text, nullable=False),  # JSON: [[start, end, text], …]
        sa.Column("updated_at", sa.Float, nullable=False),
    )
    op.create_table(
        "scenes",
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("video_id", sa.Integer, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("starts", sa.Float, nullable=False),
        sa.Column("ends", sa.Float, nullable=False),
        sa.Column("own_transcript", sa.Text),  # given with the scene; else it is cut out of the video's
        sa.Column("description", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),  # JSON list
        sa.Column("described_by", sa.Text, nullable=False),  # empty: by nobody
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.UniqueConstraint("video_id", "number"),
    )
    op.create_index("scenes_by_owner", "scenes", ["owner", "video_id", "number"])
    op.create_table(
        "frames",
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("scene_id", sa.Integer, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("file", sa.LargeBinary, nullable=False),  # relative to the media folder
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("width", sa.Integer, nullable=False),
        sa.Column("height", sa.Integer, nullable=False),
        sa.UniqueConstraint("scene_id", "kind", "ordinal"),
    )


def _persons() -> None:
    op.create_table(
        "persons",
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),  # the name as it is looked up
        sa.Column("archived", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.UniqueConstraint("owner", "folded"),
    )
    op.create_table(
        "photos",
        sa.Column("item_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("person_id", sa.Integer, nullable=False),
        sa.Column("file", sa.LargeBinary, nullable=False),  # relative to the media folder
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.UniqueConstraint("person_id", "digest"),
    )
    op.create_index("photos_by_owner", "photos", ["owner", "state"])


def _preferences() -> None:
    op.create_table(
        "search_preferences",
        sa.Column("owner", sa.Text, primary_key=True),
        sa.Column("weights", sa.Text, nullable=False),  # JSON
        sa.Column("fusion", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
    )


def _reprocessings() -> None:
    op.create_table(
        "reprocessings",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("video_id", sa.Integer),
        sa.Column("force", sa.Integer, nullable=False),
        sa.Column("since", sa.Float),
        sa.Column("spec_version", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("jobs", sa.Text, nullable=False),  # JSON: [[owner, id], …]
    )
    op.create_index("reprocessings_by_time", "reprocessings", ["created_at"])
