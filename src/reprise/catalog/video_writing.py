"""What models found in videos and scenes, written with the ledger's commit, in its transaction."""

from __future__ import annotations

import json
from bisect import bisect_right
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, NamedTuple

from reprise.catalog.inputs import Input, in_parts, put_inputs
from reprise.catalog.person_inputs import photos_settled
from reprise.catalog.scene_carrying import Stretch
from reprise.catalog.scene_inputs import best_pictures, compose_video, lock_videos
from reprise.catalog.scene_rows import VideoItem, has_given_words, put_frames, put_scenes, stretches
from reprise.core.items import ItemKind
from reprise.core.scene_texts import clean_tags, storable
from reprise.core.video import Description, Extract, FrameKind, TextSource, Transcript, VideoFacts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reprise.catalog.database import Database, Transaction
    from reprise.core.items import InputState
    from reprise.core.ports import Told
    from reprise.core.video import SavedFrame

__all__ = ["photos_settled", "write_told"]

SPEECH = "speech"
"""The channel of a video that has sound and no transcript yet."""

_RANKS = {TextSource.HEARD: 1, TextSource.EMBEDDED: 2, TextSource.SIDECAR: 3, TextSource.IMPORTED: 4}
"""A transcript gives way to one of its own rank or a higher one."""


def write_told(
    transaction: Transaction, owner: str, rows: Sequence[tuple[int, InputState, Told]], at: float
) -> None:
    """Keep what was told of (item, its state as it was read). An item that is gone meanwhile gets nothing.

    What somebody imported or wrote is never overwritten, nor is a transcript by one of a poorer source.
    """
    described: list[tuple[int, Description]] = []
    ids = [item_id for item_id, _, _ in rows]
    lock_videos(transaction, owner, [*ids, *_videos_of(transaction, owner, ids)])
    for item_id, state, told in rows:
        if isinstance(told, Description):
            described.append((item_id, told))
            continue
        video = video_item(transaction, owner, item_id)
        if video is None:
            continue
        if isinstance(told, Extract):
            _write_extract(transaction, owner, video, state.digest, told, at)
        else:
            _write_heard(transaction, owner, video, told, at)
    write_descriptions(transaction, owner, described, at)


def _videos_of(transaction: Transaction, owner: str, scene_ids: Sequence[int]) -> list[int]:
    sql = "SELECT DISTINCT video_id FROM scenes WHERE owner = ? AND item_id IN ({marks})"
    return [row[0] for row in in_parts(transaction, sql, (owner,), scene_ids)]


def video_item(reading: Database | Transaction, owner: str, video_id: int) -> VideoItem | None:
    rows = reading.query(
        "SELECT id, library_id, missing_since FROM items WHERE owner = ? AND id = ? AND kind = ?",
        (owner, video_id, ItemKind.VIDEO),
    )
    if not rows:
        return None
    return VideoItem(*rows[0])


def put_transcript(
    transaction: Transaction, owner: str, video_id: int, transcript: Transcript | None, at: float
) -> None:
    """Let the video have this transcript, or none."""
    source, language, segments = "", "", "[]"
    if transcript is not None:
        source, language = transcript.source, storable(transcript.language)
        segments = _segments_json(transcript)
    transaction.execute(
        "INSERT INTO videos (item_id, owner, facts, scenes_given, transcript_source, language, segments, updated_at)"
        " VALUES (?, ?, '', 0, ?, ?, ?, ?) ON CONFLICT (item_id) DO UPDATE SET"
        " transcript_source = excluded.transcript_source, language = excluded.language,"
        " segments = excluded.segments, updated_at = excluded.updated_at"
        " WHERE excluded.transcript_source <> videos.transcript_source OR excluded.language <> videos.language"
        " OR excluded.segments <> videos.segments",
        (video_id, owner, source, language, segments, at),
    )
    _put_speech(transaction, owner, video_id, at)


def put_bounds_given(transaction: Transaction, owner: str, video_id: int, at: float) -> None:
    """From now on the scenes of the video are those that somebody gave; what is found adds pictures to them."""
    transaction.execute(
        "INSERT INTO videos (item_id, owner, facts, scenes_given, transcript_source, language, segments, updated_at)"
        " VALUES (?, ?, '', 1, '', '', '[]', ?)"
        " ON CONFLICT (item_id) DO UPDATE SET scenes_given = 1, updated_at = excluded.updated_at"
        " WHERE videos.scenes_given = 0",
        (video_id, owner, at),
    )


def write_descriptions(
    transaction: Transaction, owner: str, rows: Sequence[tuple[int, Description]], at: float
) -> None:
    """Keep descriptions of scenes. One that a model made gives way to one that somebody gave, never the other way."""
    scenes: dict[int, list[int]] = {}
    for scene_id, description in rows:
        found = transaction.query(
            "SELECT video_id, described_by FROM scenes WHERE owner = ? AND item_id = ?", (owner, scene_id)
        )
        if not found or (found[0][1] == TextSource.IMPORTED != description.source):
            continue
        put_description(transaction, owner, scene_id, description, at)
        scenes.setdefault(found[0][0], []).append(scene_id)
    for video_id, scene_ids in scenes.items():
        compose_video(transaction, owner, video_id, at, scene_ids)


class _Before(NamedTuple):
    """What is known of a video already."""

    digest: bytes | None = None
    scenes_given: int = 0
    transcript_source: str = ""


def _before(transaction: Transaction, owner: str, video_id: int) -> _Before:
    rows = transaction.query(
        "SELECT digest, scenes_given, transcript_source FROM videos WHERE owner = ? AND item_id = ?",
        (owner, video_id),
    )
    return _Before(*rows[0]) if rows else _Before()


def _write_extract(
    transaction: Transaction, owner: str, video: VideoItem, digest: bytes | None, extract: Extract, at: float
) -> None:
    before = _before(transaction, owner, video.id)
    other_content = before.digest not in (None, digest)
    scenes, pictures = stretches(transaction, owner, video.id), best_pictures(transaction, owner, video.id)
    _put_facts(transaction, owner, video.id, digest, extract.facts, at)
    kept = before.transcript_source and not (
        other_content and before.transcript_source != TextSource.IMPORTED
    )
    if _replaces(extract.transcript, before.transcript_source if kept else ""):
        put_transcript(transaction, owner, video.id, extract.transcript, at)
    elif not kept:
        put_transcript(transaction, owner, video.id, None, at)
    _put_scenes(transaction, owner, video, before, extract, at)
    forget_what_described(transaction, owner, video.id, scenes, pictures, at, other_content=other_content)
    compose_video(transaction, owner, video.id, at)
    _put_speech(transaction, owner, video.id, at)


def _replaces(new: Transcript | None, source: str) -> bool:
    if new is None:
        return False
    return not source or _RANKS[new.source] >= _RANKS[TextSource(source)]


def _put_facts(
    transaction: Transaction, owner: str, video_id: int, digest: bytes | None, facts: VideoFacts, at: float
) -> None:
    transaction.execute(
        "INSERT INTO videos (item_id, owner, facts, digest, scenes_given, transcript_source, language, segments,"
        " updated_at) VALUES (?, ?, ?, ?, 0, '', '', '[]', ?) ON CONFLICT (item_id) DO UPDATE SET"
        " facts = excluded.facts, digest = excluded.digest, updated_at = excluded.updated_at",
        (video_id, owner, json.dumps(asdict(facts)), digest, at),
    )


def _put_scenes(
    transaction: Transaction, owner: str, video: VideoItem, before: _Before, extract: Extract, at: float
) -> None:
    """Scenes that somebody gave stay, and take in the pictures of their time; so do those of which somebody said
    something, when none is found any more."""
    known = stretches(transaction, owner, video.id)
    stay = before.scenes_given or (not extract.scenes and has_given_words(transaction, owner, video.id))
    if known and stay:
        frames = spread(known, [frame for scene in extract.scenes for frame in scene.frames])
        numbers = {scene_id: stretch.number for scene_id, stretch in known.items()}
    else:
        found = [Stretch(scene.index, scene.start, scene.end) for scene in extract.scenes]
        ids = put_scenes(transaction, owner, video, found, at)
        numbers = {scene_id: number for number, scene_id in ids.items()}
        frames = {ids[scene.index]: scene.frames for scene in extract.scenes}
    put_frames(transaction, owner, video, frames, numbers, at)


def spread(scenes: Mapping[int, Stretch], frames: Sequence[SavedFrame]) -> dict[int, tuple[SavedFrame, ...]]:
    """The pictures to the scenes, by id, in whose time they were taken: one thumbnail each, all keyframes, in the
    order that they had."""
    in_order = sorted(scenes.items(), key=lambda scene: scene[1].start)
    starts = [stretch.start for _, stretch in in_order]
    of_scene: dict[int, dict[FrameKind, list[SavedFrame]]] = {}
    for frame in sorted(frames, key=lambda frame: (frame.ordinal, frame.at)):
        place = bisect_right(starts, frame.at) - 1
        if place < 0 or frame.at >= max(in_order[place][1].end, starts[place] + 1e-6):
            continue
        kinds = of_scene.setdefault(in_order[place][0], {})
        kinds.setdefault(frame.kind, []).append(frame)
    return {
        scene_id: (*_numbered(kinds.get(FrameKind.THUMBNAIL, [])[:1]), *_numbered(kinds.get(FrameKind.KEYFRAME, [])))
        for scene_id, kinds in of_scene.items()
    }  # fmt: skip


def _numbered(frames: Sequence[SavedFrame]) -> list[SavedFrame]:
    return [replace(frame, ordinal=ordinal) for ordinal, frame in enumerate(frames)]


def forget_what_described(
    transaction: Transaction,
    owner: str,
    video_id: int,
    scenes: Mapping[int, Stretch],
    pictures: Mapping[int, tuple[bytes, bytes]],
    at: float,
    *,
    other_content: bool = False,
) -> None:
    """What a model wrote of another picture of another stretch says nothing about this one.

    ``scenes`` and ``pictures`` are those from before.
    """
    now, shown = stretches(transaction, owner, video_id), best_pictures(transaction, owner, video_id)
    moved = {
        scene_id
        for scene_id, stretch in now.items()
        if scene_id in scenes and (other_content or not stretch.is_about(scenes[scene_id]))
    }
    transaction.execute_many(
        "UPDATE scenes SET description = '', summary = '', tags = '[]', described_by = '', updated_at = ?"
        " WHERE owner = ? AND item_id = ? AND described_by = ?",
        [
            (at, owner, scene_id, TextSource.DESCRIBED)
            for scene_id in moved
            if shown.get(scene_id) != pictures.get(scene_id)
        ],
    )


def _write_heard(
    transaction: Transaction, owner: str, video: VideoItem, transcript: Transcript, at: float
) -> None:
    before = _before(transaction, owner, video.id)
    if not _replaces(transcript, before.transcript_source):
        return
    put_transcript(transaction, owner, video.id, transcript, at)
    compose_video(transaction, owner, video.id, at)


def put_description(
    transaction: Transaction, owner: str, scene_id: int, description: Description, at: float
) -> None:
    """Write it, whatever was there; nothing is composed yet."""
    tags = json.dumps(list(clean_tags(description.tags)), ensure_ascii=False)
    words = (*map(_stripped, (description.description, description.summary)), tags, description.source)
    transaction.execute(
        "UPDATE scenes SET description = ?, summary = ?, tags = ?, described_by = ?, updated_at = ?"
        " WHERE owner = ? AND item_id = ?"
        " AND (description <> ? OR summary <> ? OR tags <> ? OR described_by <> ?)",
        (*words, at, owner, scene_id, *words),
    )


def _put_speech(transaction: Transaction, owner: str, video_id: int, at: float) -> None:
    """There is something to transcribe in a video that has sound and no transcript."""
    rows = transaction.query(
        "SELECT facts, digest, transcript_source FROM videos WHERE owner = ? AND item_id = ?",
        (owner, video_id),
    )
    facts, digest, source = rows[0]
    to_hear = bool(facts) and json.loads(facts)["has_audio"] and not source and digest is not None
    inputs = {SPEECH: Input(digest)} if to_hear else {}
    put_inputs(transaction, owner, (SPEECH,), {video_id: inputs}, at)


def _segments_json(transcript: Transcript) -> str:
    segments = [
        [segment.start, segment.end, text]
        for segment in transcript.segments
        if (text := _stripped(segment.text))
    ]
    return json.dumps(segments, ensure_ascii=False, separators=(",", ":"))


def _stripped(text: str) -> str:
    return storable(text).strip()
