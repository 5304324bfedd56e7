"""Videos, their scenes and pictures, as they are asked for; what models found is written by ``video_writing``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reprise.catalog.inputs import in_parts
from reprise.catalog.scene_importing import put_imported
from reprise.catalog.scene_inputs import compose_video, lock_videos, segments_of
from reprise.catalog.text_matching import matching
from reprise.catalog.video_writing import put_transcript, video_item, write_descriptions
from reprise.core.scene_texts import COMPOSITION, lexical_fields
from reprise.core.video import (
    FrameKind,
    SavedFrame,
    Scene,
    TextSource,
    Transcript,
    Video,
    VideoFacts,
    VideoState,
)
from reprise.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reprise.catalog.database import Database, Row
    from reprise.core.plan import Selection
    from reprise.core.video import Description
    from reprise.core.video_records import ImportedScene

# A video that failed and was taken apart before failed with other content: what is known of it is not of that.
_FAILED = (
    "EXISTS (SELECT 1 FROM ledger l JOIN spaces s ON s.id = l.space_id WHERE s.owner = i.owner"
    " AND s.model = 'video-scenes' AND l.item_id = i.id AND l.state IN ('failed', 'dismissed')"
    " AND s.id = (SELECT MAX(n.id) FROM spaces n WHERE n.owner = i.owner AND n.model = 'video-scenes'"
    " AND n.state NOT IN ('retiring', 'dropped')))"
)
_VIDEO = (
    "i.id, i.owner, i.library_id, i.path, i.duration, i.updated_at, i.missing_since, v.facts, v.transcript_source,"
    f" v.updated_at, {_FAILED}, (SELECT COUNT(*) FROM scenes c WHERE c.video_id = i.id AND c.owner = i.owner)"
)
_OF_VIDEOS = "FROM items i LEFT JOIN videos v ON v.item_id = i.id WHERE i.owner = ? AND i.kind = 'video'"
_SCENE = (
    "c.item_id, c.owner, c.video_id, c.number, c.starts, c.ends, COALESCE(t.text, ''), c.description, c.summary,"
    " c.tags, (SELECT f.file FROM frames f WHERE f.scene_id = c.item_id"
    " ORDER BY CASE WHEN f.kind = 'thumbnail' THEN 0 ELSE 1 END, f.ordinal LIMIT 1), i.updated_at"
)
_OF_SCENES = (
    "FROM scenes c JOIN items i ON i.id = c.item_id"
    " LEFT JOIN inputs t ON t.item_id = c.item_id AND t.channel = 'transcript' WHERE c.owner = ?"
)
_WORDS_OF_SCENES = (
    "EXISTS (SELECT 1 FROM scenes c JOIN inputs t ON t.item_id = c.item_id AND t.channel = 'lexical'"
    " WHERE c.video_id = i.id AND {condition})"
)


class SqlVideos:
    """Implements ``core.video_records.Videos``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # videos

    def get(self, owner: str, video_id: int) -> Video:
        rows = self._database.query(f"SELECT {_VIDEO} {_OF_VIDEOS} AND i.id = ?", (owner, video_id))
        if not rows:
            raise _no_video(video_id)
        return _video(rows[0])

    def page(
        self, owner: str, *, library_id: int | None, text: str, limit: int, offset: int
    ) -> tuple[list[Video], int]:
        where, values = _present(owner, library_id)
        if text.strip():
            by_path, path_values = matching(self._database.dialect, "", text, path="i.path")
            by_words, word_values = matching(self._database.dialect, "t.text", text)
            where += f" AND (({by_path}) OR {_WORDS_OF_SCENES.format(condition=by_words)})"
            values += [*path_values, *word_values]
        count = self._database.query(f"SELECT COUNT(*) {where}", values)[0][0]
        rows = self._database.query(
            f"SELECT {_VIDEO} {where} ORDER BY i.path, i.id LIMIT ? OFFSET ?", (*values, limit, offset)
        )
        return [_video(row) for row in rows], int(count)

    def count(self, owner: str, library_id: int | None = None) -> int:
        where, values = _present(owner, library_id)
        return int(self._database.query(f"SELECT COUNT(*) {where}", values)[0][0])

    def owner_of(self, video_id: int) -> str | None:
        rows = self._database.query("SELECT owner FROM items WHERE id = ? AND kind = 'video'", (video_id,))
        return rows[0][0] if rows else None

    def owners(self) -> list[str]:
        rows = self._database.query(
            "SELECT DISTINCT owner FROM libraries WHERE kind IN ('video', 'people') ORDER BY owner"
        )
        return [row[0] for row in rows]

    def export(self, owner: str, library_id: int | None = None) -> Iterator[tuple[Video, list[Scene]]]:
        where, values = _present(owner, library_id)
        for row in self._database.stream(f"SELECT {_VIDEO} {where} ORDER BY i.path, i.id", values):
            video = _video(row)
            yield video, self._scenes(owner, "AND c.video_id = ? ORDER BY c.number", (video.id,))

    # scenes and their pictures

    def scenes(self, owner: str, video_id: int) -> list[Scene]:
        self._insist_on(owner, video_id)
        return self._scenes(owner, "AND c.video_id = ? ORDER BY c.number", (video_id,))

    def scenes_by_id(self, owner: str, scene_ids: Collection[int]) -> dict[int, Scene]:
        sql = f"SELECT {_SCENE} {_OF_SCENES} AND c.item_id IN ({{marks}})"
        return {row[0]: _scene(row) for row in in_parts(self._database, sql, (owner,), scene_ids)}

    def scene_count(self, owner: str) -> int:
        rows = self._database.query(
            "SELECT COUNT(*) FROM scenes c JOIN items i ON i.id = c.item_id"
            " WHERE c.owner = ? AND i.missing_since IS NULL",
            (owner,),
        )
        return int(rows[0][0])

    def scenes_of_frames(self, owner: str, frame_ids: Collection[int]) -> dict[int, int]:
        sql = "SELECT item_id, scene_id FROM frames WHERE owner = ? AND item_id IN ({marks})"
        return dict(in_parts(self._database, sql, (owner,), frame_ids))

    def frames(self, owner: str, scene_id: int) -> list[tuple[int, SavedFrame]]:
        rows = self._database.query(
            "SELECT item_id, kind, ordinal, at, file, digest, width, height FROM frames"
            " WHERE owner = ? AND scene_id = ? ORDER BY CASE WHEN kind = 'thumbnail' THEN 0 ELSE 1 END, ordinal",
            (owner, scene_id),
        )
        return [(item_id, SavedFrame(FrameKind(kind), *facts)) for item_id, kind, *facts in rows]

    def items_below(self, owner: str, video_ids: Collection[int]) -> list[int]:
        sql = "SELECT id FROM items WHERE owner = ? AND video_id IN ({marks}) ORDER BY id"
        return [row[0] for row in in_parts(self._database, sql, (owner,), video_ids)]

    def counts(self, owner: str, selection: Selection) -> dict[str, int]:
        low, high = selection.path_range()
        # What is in a video has no folder of its own: it is chosen by the video's.
        where = (
            "FROM items i JOIN items f ON f.id = COALESCE(i.video_id, i.id) WHERE i.owner = ? AND i.library_id = ?"
            " AND i.missing_since IS NULL AND f.kind = 'video' AND f.path >= ? AND f.path < ?"
        )
        values: list[Any] = [owner, selection.library_id, low, high]
        for condition, value in (
            ("i.updated_at >= ?", selection.since),
            ("i.id = ?", selection.item_id),
            ("f.id = ?", selection.video_id),
        ):
            if value is not None:
                where += f" AND {condition}"
                values.append(value)
        rows = self._database.query(f"SELECT i.kind, COUNT(*) {where} GROUP BY i.kind", values)
        found: dict[str, int] = dict(rows)
        return {f"{kind}s": found.get(kind, 0) for kind in ("video", "scene", "frame")}

    # words

    def transcript(self, owner: str, video_id: int) -> Transcript | None:
        self._insist_on(owner, video_id)
        rows = self._database.query(
            "SELECT transcript_source, language FROM videos WHERE owner = ? AND item_id = ?",
            (owner, video_id),
        )
        if not rows or not rows[0][0]:
            return None
        source, language = rows[0]
        return Transcript(TextSource(source), tuple(segments_of(self._database, owner, video_id)), language)

    def set_transcript(self, owner: str, video_id: int, transcript: Transcript, at: float) -> None:
        given = replace(transcript, source=TextSource.IMPORTED)
        with self._database.transaction() as transaction:
            lock_videos(transaction, owner, [video_id])
            if video_item(transaction, owner, video_id) is None:
                raise _no_video(video_id)
            put_transcript(transaction, owner, video_id, given, at)
            compose_video(transaction, owner, video_id, at)

    def describe(self, owner: str, scene_id: int, description: Description, at: float) -> None:
        given = replace(description, source=TextSource.IMPORTED)
        with self._database.transaction() as transaction:
            rows = transaction.query(
                "SELECT video_id FROM scenes WHERE owner = ? AND item_id = ?", (owner, scene_id)
            )
            if not rows:
                raise NotFound(f"there is no scene {scene_id}", cure="look which scenes the video has")
            lock_videos(transaction, owner, [rows[0][0]])
            write_descriptions(transaction, owner, [(scene_id, given)], at)

    def import_scenes(
        self, owner: str, video_id: int, scenes: Sequence[ImportedScene], at: float
    ) -> list[int]:
        with self._database.transaction() as transaction:
            lock_videos(transaction, owner, [video_id])
            video = video_item(transaction, owner, video_id)
            if video is None:
                raise _no_video(video_id)
            return put_imported(transaction, owner, video, scenes, at)

    def lexical_documents(self, owner: str, scene_ids: Collection[int]) -> dict[int, Mapping[str, str]]:
        sql = "SELECT item_id, text FROM inputs WHERE owner = ? AND item_id IN ({marks}) AND channel = 'lexical'"
        rows = in_parts(self._database, sql, (owner,), scene_ids)
        return {item_id: lexical_fields(text) for item_id, text in rows}

    def recompose(self, owner: str, library_id: int, at: float) -> int:
        rows = self._database.query(
            "SELECT DISTINCT i.video_id FROM items i JOIN inputs t ON t.item_id = i.id AND t.channel = 'lexical'"
            " WHERE i.owner = ? AND i.library_id = ? AND i.kind = 'scene' AND t.composed <> ? ORDER BY i.video_id",
            (owner, library_id, COMPOSITION),
        )
        changed = 0
        for (video_id,) in rows:  # one transaction each: others write in between
            with self._database.transaction() as transaction:
                lock_videos(transaction, owner, [video_id])
                changed += compose_video(transaction, owner, video_id, at)
        return changed

    def _insist_on(self, owner: str, video_id: int) -> None:
        if video_item(self._database, owner, video_id) is None:
            raise _no_video(video_id)

    def _scenes(self, owner: str, condition: str, values: Sequence[Any]) -> list[Scene]:
        rows = self._database.query(f"SELECT {_SCENE} {_OF_SCENES} {condition}", (owner, *values))
        return [_scene(row) for row in rows]


def _present(owner: str, library_id: int | None) -> tuple[str, list[Any]]:
    """The videos that are there, of one library or of all."""
    where, values = f"{_OF_VIDEOS} AND i.missing_since IS NULL", list[Any]([owner])
    if library_id is not None:
        where += " AND i.library_id = ?"
        values.append(library_id)
    return where, values


def _video(row: Row) -> Video:
    (
        video_id,
        owner,
        library_id,
        path,
        duration,
        updated_at,
        missing_since,
        facts,
        source,
        at,
        failed,
        scenes,
    ) = row
    known = VideoFacts(**json.loads(facts)) if facts else VideoFacts(duration or 0.0)
    state = VideoState.READY if facts else VideoState.PENDING
    return Video(
        video_id,
        owner,
        library_id,
        path,
        VideoState.FAILED if failed else state,
        known,
        scenes,
        source or "",
        max(updated_at, at or 0.0),
        missing_since,
    )


def _scene(row: Row) -> Scene:
    scene_id, owner, video_id, number, start, end, transcript, description, summary, tags, *rest = row
    thumbnail, updated_at = rest
    return Scene(
        scene_id,
        owner,
        video_id,
        number,
        start,
        end,
        transcript,
        description,
        summary,
        tuple(json.loads(tags)),
        thumbnail,
        updated_at,
    )


def _no_video(video_id: int) -> NotFound:
    return NotFound(f"there is no video {video_id}", cure="see: reprise videos list")
