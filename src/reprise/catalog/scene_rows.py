"""Rows of scenes and their pictures: thousands at once, and each keeps its id as long as it has its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from reprise.catalog.forgetting import remove_items
from reprise.catalog.inputs import Input, put_inputs
from reprise.catalog.pictures import release_of_items
from reprise.catalog.scene_carrying import GivenWords, Stretch, carry
from reprise.core.items import ItemKind
from reprise.core.made_up_paths import frame_path, scene_path
from reprise.core.scene_texts import IMAGE
from reprise.core.video import FrameKind, SavedFrame, TextSource

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reprise.catalog.database import Transaction


class VideoItem(NamedTuple):
    """The item of a video, as far as its scenes need it."""

    id: int
    library_id: int
    missing_since: float | None


def put_scenes(
    transaction: Transaction, owner: str, video: VideoItem, scenes: Sequence[Stretch], at: float
) -> dict[int, int]:
    """Let the video have these scenes and no others; returns their ids by number.

    A scene of the same number keeps its id. What somebody said of a stretch goes to the scene that covers it now.
    """
    before = _scenes(transaction, owner, video.id)
    given = [(stretch, words) for _, stretch, words in before if words is not None]
    settled = carry(given, scenes)
    known = {stretch.number: (item_id, stretch) for item_id, stretch, _ in before}
    numbers = {scene.number for scene in scenes}
    remove_items(
        transaction, owner, [item_id for number, (item_id, _) in known.items() if number not in numbers]
    )
    ids = {number: item_id for number, (item_id, _) in known.items() if number in numbers}
    ids |= _add_scenes(
        transaction, owner, video, [scene for scene in scenes if scene.number not in known], at
    )
    transaction.execute_many(
        "UPDATE scenes SET starts = ?, ends = ?, updated_at = ? WHERE owner = ? AND item_id = ?",
        [
            (scene.start, scene.end, at, owner, ids[scene.number])
            for scene in scenes
            if scene.number in known and known[scene.number][1] != scene
        ],
    )
    _settle_words(transaction, owner, {ids[number]: words for number, words in settled.items()}, at)
    return ids


def put_frames(
    transaction: Transaction,
    owner: str,
    video: VideoItem,
    frames: Mapping[int, Sequence[SavedFrame]],
    numbers: Mapping[int, int],
    at: float,
) -> None:
    """Let each scene of the video, by id, have these pictures and no others. ``numbers``: of the scenes, by id."""
    wanted = {
        (scene_id, str(frame.kind), frame.ordinal): frame for scene_id, of in frames.items() for frame in of
    }
    known = _frames(transaction, owner, video.id)
    remove_items(transaction, owner, [item_id for key, (item_id, _) in known.items() if key not in wanted])
    other = [item_id for key, (item_id, file) in known.items() if key in wanted and wanted[key].file != file]
    release_of_items(transaction, owner, other)
    new = [key for key in wanted if key not in known]
    places = {
        (scene_id, kind, ordinal): frame_path(video.id, numbers[scene_id], kind, ordinal)
        for scene_id, kind, ordinal in new
    }
    added = _add_items(
        transaction,
        owner,
        video,
        ItemKind.FRAME,
        [(path, key[0]) for key, path in places.items()],
        at,
    )
    ids = {key: known[key][0] if key in known else added[places[key]] for key in wanted}
    transaction.execute_many(
        "INSERT INTO frames (item_id, owner, scene_id, kind, ordinal, at, file, digest, width, height)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (item_id) DO UPDATE SET at = excluded.at,"
        " file = excluded.file, digest = excluded.digest, width = excluded.width, height = excluded.height",
        [
            (ids[key], owner, *key, frame.at, frame.file, frame.digest, frame.width, frame.height)
            for key, frame in wanted.items()
        ],
    )
    inputs = {ids[key]: {IMAGE: Input(frame.digest, file=frame.file)} for key, frame in wanted.items()}
    put_inputs(transaction, owner, (IMAGE,), inputs, at)


def frames_of(transaction: Transaction, owner: str, video_id: int) -> list[SavedFrame]:
    """All pictures of the video."""
    rows = transaction.query(
        "SELECT f.kind, f.ordinal, f.at, f.file, f.digest, f.width, f.height FROM scenes s"
        " JOIN frames f ON f.scene_id = s.item_id WHERE s.owner = ? AND s.video_id = ?",
        (owner, video_id),
    )
    return [SavedFrame(FrameKind(kind), *facts) for kind, *facts in rows]


def stretches(transaction: Transaction, owner: str, video_id: int) -> dict[int, Stretch]:
    """The scenes of a video by id, in order."""
    return {item_id: stretch for item_id, stretch, _ in _scenes(transaction, owner, video_id)}


def has_given_words(transaction: Transaction, owner: str, video_id: int) -> bool:
    """Whether somebody said something of a scene of the video."""
    return any(words is not None for _, _, words in _scenes(transaction, owner, video_id))


def _scenes(
    transaction: Transaction, owner: str, video_id: int
) -> list[tuple[int, Stretch, GivenWords | None]]:
    """Id, bounds and what somebody gave, if anybody did, in order."""
    rows = transaction.query(
        "SELECT item_id, number, starts, ends, own_transcript, description, summary, tags, described_by"
        " FROM scenes WHERE owner = ? AND video_id = ? ORDER BY number",
        (owner, video_id),
    )
    return [(row[0], Stretch(*row[1:4]), _given(*row[4:])) for row in rows]


def _given(
    transcript: str | None, description: str, summary: str, tags: str, described_by: str
) -> GivenWords | None:
    if described_by == TextSource.IMPORTED:
        return GivenWords(transcript, description, summary, tuple(json.loads(tags)), described=True)
    return GivenWords(transcript) if transcript is not None else None


def _add_scenes(
    transaction: Transaction, owner: str, video: VideoItem, scenes: Sequence[Stretch], at: float
) -> dict[int, int]:
    places = {scene.number: scene_path(video.id, scene.number) for scene in scenes}
    rows = [(path, video.id) for path in places.values()]
    added = _add_items(transaction, owner, video, ItemKind.SCENE, rows, at)
    ids = {number: added[path] for number, path in places.items()}
    transaction.execute_many(
        "INSERT INTO scenes (item_id, owner, video_id, number, starts, ends, description, summary, tags,"
        " described_by, updated_at) VALUES (?, ?, ?, ?, ?, ?, '', '', '[]', '', ?)",
        [(ids[scene.number], owner, video.id, scene.number, scene.start, scene.end, at) for scene in scenes],
    )
    return ids


def _add_items(
    transaction: Transaction,
    owner: str,
    video: VideoItem,
    kind: ItemKind,
    rows: Sequence[tuple[bytes, int]],
    at: float,
) -> dict[bytes, int]:
    """Items of (path, parent) that are in the video; returns their ids by path."""
    if not rows:
        return {}
    transaction.execute_many(
        "INSERT INTO items (owner, library_id, kind, path, size, mtime_ns, parent_id, video_id, updated_at,"
        " missing_since) VALUES (?, ?, ?, ?, 0, 0, ?, ?, ?, ?)",
        [
            (owner, video.library_id, kind, path, parent_id, video.id, at, video.missing_since)
            for path, parent_id in rows
        ],
    )
    found = transaction.query(
        "SELECT path, id FROM items WHERE owner = ? AND video_id = ? AND kind = ?", (owner, video.id, kind)
    )
    return dict(found)


def _frames(
    transaction: Transaction, owner: str, video_id: int
) -> dict[tuple[int, str, int], tuple[int, bytes]]:
    """Id and file of the video's pictures by scene, kind and ordinal."""
    rows = transaction.query(
        "SELECT f.scene_id, f.kind, f.ordinal, f.item_id, f.file FROM scenes s JOIN frames f ON f.scene_id = s.item_id"
        " WHERE s.owner = ? AND s.video_id = ?",
        (owner, video_id),
    )
    return {(scene_id, kind, ordinal): (item_id, file) for scene_id, kind, ordinal, item_id, file in rows}


def _settle_words(
    transaction: Transaction, owner: str, settled: Mapping[int, GivenWords | None], at: float
) -> None:
    whole = {item_id: words for item_id, words in settled.items() if words is None or words.described}
    said = {item_id: words.transcript for item_id, words in settled.items() if words and not words.described}
    transaction.execute_many(
        "UPDATE scenes SET own_transcript = ?, description = ?, summary = ?, tags = ?, described_by = ?,"
        " updated_at = ? WHERE owner = ? AND item_id = ?",
        [(*_columns(words), at, owner, item_id) for item_id, words in whole.items()],
    )
    transaction.execute_many(
        "UPDATE scenes SET own_transcript = ?, updated_at = ? WHERE owner = ? AND item_id = ?",
        [(transcript, at, owner, item_id) for item_id, transcript in said.items()],
    )


def _columns(words: GivenWords | None) -> tuple[str | None, str, str, str, str]:
    if words is None:
        return None, "", "", "[]", ""
    return words.transcript, words.description, words.summary, _json(words.tags), TextSource.IMPORTED


def _json(tags: Iterable[str]) -> str:
    return json.dumps(list(tags), ensure_ascii=False)
