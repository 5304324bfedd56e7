"""The inputs of scenes, composed from what the catalogue knows of them."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from reprise.catalog.inputs import Input, in_parts, put_inputs, text_input
from reprise.core.items import display_path
from reprise.core.scene_texts import (
    IMAGE,
    LOOK,
    TEXT_CHANNELS,
    TRANSCRIPT,
    SceneWords,
    Speech,
    compose,
    is_to_be_described,
)
from reprise.core.video import FrameKind, Segment, TextSource

if TYPE_CHECKING:
    from collections.abc import Collection

    from reprise.catalog.database import Database, Row, Transaction


class Picture(NamedTuple):
    """A picture that is looked at: its digest, and its file relative to the media folder."""

    digest: bytes
    file: bytes


def compose_video(
    transaction: Transaction, owner: str, video_id: int, at: float, scene_ids: Collection[int] | None = None
) -> int:
    """Bring the inputs of the video's scenes, or of these of them, up to what is known; returns how many changed."""
    rows = transaction.query(
        "SELECT item_id, starts, ends, own_transcript, description, summary, tags, described_by FROM scenes"
        " WHERE owner = ? AND video_id = ?",
        (owner, video_id),
    )
    chosen = None if scene_ids is None else set(scene_ids)
    scenes = {row[0]: _words(row) for row in rows if chosen is None or row[0] in chosen}
    if not scenes:
        return 0
    speech, name = Speech(segments_of(transaction, owner, video_id)), file_name(transaction, owner, video_id)
    pictures = best_pictures(transaction, owner, video_id)
    wanted = {}
    for scene_id, words in scenes.items():
        texts = compose(words, speech, name)
        inputs = {channel: text_input(text) for channel, text in texts.items()}
        if picture := pictures.get(scene_id):
            inputs[IMAGE] = Input(picture.digest, file=picture.file)
            if is_to_be_described(words, texts.get(TRANSCRIPT, "")):
                inputs[LOOK] = inputs[IMAGE]
        wanted[scene_id] = inputs
    return put_inputs(transaction, owner, (*TEXT_CHANNELS, IMAGE, LOOK), wanted, at)


def lock_videos(transaction: Transaction, owner: str, video_ids: Collection[int]) -> None:
    """Part of what writes about these videos, before it does: of several that do so at once the last one composes the
    scenes, and has to see what all wrote."""
    sql = f"SELECT id FROM items WHERE owner = ? AND id IN ({{marks}}) ORDER BY id{transaction.locked}"
    list(in_parts(transaction, sql, (owner,), sorted(video_ids)))


def best_pictures(transaction: Transaction, owner: str, video_id: int) -> dict[int, Picture]:
    """For each scene of the video the picture that stands for it: the first keyframe, else the first thumbnail."""
    rows = transaction.query(
        "SELECT f.scene_id, f.kind, f.digest, f.file FROM scenes s JOIN frames f ON f.scene_id = s.item_id"
        " WHERE s.owner = ? AND s.video_id = ? ORDER BY f.scene_id, f.ordinal",
        (owner, video_id),
    )
    found: dict[int, Picture] = {}
    for kind in (FrameKind.KEYFRAME, FrameKind.THUMBNAIL):
        for scene_id, of_kind, digest, file in rows:
            if of_kind == kind:
                found.setdefault(scene_id, Picture(digest, file))
    return found


def segments_of(reading: Database | Transaction, owner: str, video_id: int) -> list[Segment]:
    rows = reading.query("SELECT segments FROM videos WHERE owner = ? AND item_id = ?", (owner, video_id))
    return [Segment(*values) for values in json.loads(rows[0][0])] if rows else []


def file_name(reading: Database | Transaction, owner: str, video_id: int) -> str:
    """The name of the video's file for people, without its folder."""
    rows = reading.query("SELECT path FROM items WHERE owner = ? AND id = ?", (owner, video_id))
    return display_path(os.path.basename(rows[0][0])) if rows else ""


def recompose_later(transaction: Transaction, owner: str, video_ids: Collection[int]) -> None:
    """The name of a video is among the words of its scenes: those of renamed ones are composed anew later."""
    transaction.execute_many(
        "UPDATE inputs SET composed = 0 WHERE owner = ? AND channel = 'lexical'"
        " AND item_id IN (SELECT id FROM items WHERE video_id = ? AND kind = 'scene')",
        [(owner, video_id) for video_id in video_ids],
    )


def _words(row: Row) -> SceneWords:
    _, start, end, transcript, description, summary, tags, described_by = row
    given = described_by == TextSource.IMPORTED
    return SceneWords(start, end, transcript, description, summary, tuple(json.loads(tags)), given)
