"""Scenes that another system knows take the place of those that were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.catalog.scene_carrying import Stretch
from reprise.catalog.scene_inputs import best_pictures, compose_video
from reprise.catalog.scene_rows import frames_of, put_frames, put_scenes, stretches
from reprise.catalog.video_writing import (
    forget_what_described,
    put_bounds_given,
    put_description,
    spread,
)
from reprise.core.scene_texts import storable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.catalog.database import Transaction
    from reprise.catalog.scene_rows import VideoItem
    from reprise.core.video_records import ImportedScene


def put_imported(
    transaction: Transaction, owner: str, video: VideoItem, scenes: Sequence[ImportedScene], at: float
) -> list[int]:
    """Let the video have these scenes, with the pictures that were taken in their time; returns their ids in order.

    What is not said of a scene stays as it is known.
    """
    frames, known = frames_of(transaction, owner, video.id), stretches(transaction, owner, video.id)
    pictures = best_pictures(transaction, owner, video.id)
    given = [Stretch(scene.index, scene.start, scene.end) for scene in scenes]
    ids = put_scenes(transaction, owner, video, given, at)
    put_bounds_given(transaction, owner, video.id, at)
    _put_words(transaction, owner, {ids[scene.index]: scene for scene in scenes}, at)
    now = {ids[stretch.number]: stretch for stretch in given}
    numbers = {scene_id: stretch.number for scene_id, stretch in now.items()}
    put_frames(transaction, owner, video, spread(now, frames), numbers, at)
    forget_what_described(transaction, owner, video.id, known, pictures, at)
    compose_video(transaction, owner, video.id, at)
    return [ids[scene.index] for scene in scenes]


def _put_words(transaction: Transaction, owner: str, scenes: dict[int, ImportedScene], at: float) -> None:
    transaction.execute_many(
        "UPDATE scenes SET own_transcript = ?, updated_at = ? WHERE owner = ? AND item_id = ?"
        " AND (own_transcript IS NULL OR own_transcript <> ?)",
        [
            (transcript := storable(scene.transcript).strip(), at, owner, scene_id, transcript)
            for scene_id, scene in scenes.items()
            if scene.transcript is not None
        ],
    )
    for scene_id, scene in scenes.items():
        if scene.description is not None:
            put_description(transaction, owner, scene_id, scene.description, at)
