"""Taking over what another system, or another installation, knows. The lines are described in ``interchange``."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reprise.core.video import TextSource, Transcript
from reprise.core.video_records import ImportedScene
from reprise.errors import CatalogueError, DiskFull, RepriseError
from reprise.video.fields import (
    BadLine,
    checked_description,
    checked_flag,
    checked_index,
    checked_segments,
    checked_span,
    checked_text,
    photo_content,
)
from reprise.video.interchange import content_digest, digest_of, shown_name, video_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reprise.core.records import Catalogue
    from reprise.video.interchange import PhotoShelf

MOST_PROBLEMS = 1000
"""Problems that are kept word for word; the others are counted."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class LineProblem:
    """Why a line was not taken over. ``line`` counts from 1."""

    line: int
    message: str


@dataclass(slots=True)
class MovedIn:
    """What an import did. Counts are of what the lines said, whether or not it was known already."""

    videos: int = 0
    scenes: int = 0
    transcripts: int = 0
    persons: int = 0
    photos: int = 0
    unknown_videos: int = 0
    refused: int = 0
    """Lines with something wrong in them, unknown videos left out."""
    problems: list[LineProblem] = field(default_factory=list)


@dataclass(slots=True)
class _Scenes:
    """The scenes of one video, as far as they were read. ``bad``: the first line that was wrong."""

    key: tuple[str, str]
    video_id: int
    line: int
    scenes: dict[int, ImportedScene] = field(default_factory=dict)
    """By index."""
    bad: int = 0


class MovingIn:
    """One import of one owner. Memory grows with the largest video, and by a number for each; not with the lines.

    ``library_id``: only videos of that library are meant, whatever the lines call it. ``beside`` reads a file that a
    line names; without it no line may. A line that is wrong is told of and left out, and the others are taken over; of a
    video with a wrong scene no scene is. Importing the same lines again changes nothing.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        owner: str,
        shelf: PhotoShelf,
        at: float,
        *,
        library_id: int | None = None,
        beside: Callable[[str], bytes] | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._owner = owner
        self._shelf = shelf
        self._at = at
        self._beside = beside
        self._libraries = [
            library
            for library in catalogue.libraries.all(owner)
            if library.kind == "video" and library_id in (None, library.id)
        ]
        self._found: tuple[tuple[str, str], int | None] | None = None
        self._open: _Scenes | None = None
        self._closed: set[int] = set()
        self._moved_in = MovedIn()
        self._line = 0

    def run(self, lines: Iterable[bytes]) -> MovedIn:
        """Take over what the lines say. Raises only what keeps all of it from being written: ``CatalogueError`` kinds,
        ``DiskFull``."""
        for self._line, line in enumerate(lines, 1):
            text = line.removeprefix(_BYTE_ORDER_MARK) if self._line == 1 else line
            if text.strip():
                self._take(text)
        self._close()
        return self._moved_in

    def _take(self, line: bytes) -> None:
        fields: dict[str, Any] | None = None
        try:
            fields = _parsed(line)
            if fields.get("type") != "scene":
                self._close()
            self._handler(fields)(fields)
        except (CatalogueError, DiskFull):  # nothing to do with the line
            raise
        except RepriseError as error:
            self._refuse(fields, error.message)
        except BadLine as error:
            self._refuse(fields, str(error))

    def _handler(self, fields: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
        handlers = {
            "video": self._video,
            "transcript": self._transcript,
            "scene": self._scene,
            "person": self._person,
            "photo": self._photo,
        }
        kind = fields.get("type")
        if not isinstance(kind, str) or kind not in handlers:
            raise BadLine(f"its type is {kind!r}; there are: {', '.join(handlers)}")
        return handlers[kind]

    def _refuse(self, fields: dict[str, Any] | None, message: str) -> None:
        self._moved_in.refused += 1
        self._tell(self._line, message)
        # A line that cannot be read may be a scene of the video that is open: some of its scenes would be lost.
        if self._open is not None and (fields is None or _key(fields) == self._open.key):
            self._open.bad = self._open.bad or self._line

    def _tell(self, number: int, message: str) -> None:
        if len(self._moved_in.problems) < MOST_PROBLEMS:
            self._moved_in.problems.append(LineProblem(number, message))

    # videos

    def _video(self, fields: dict[str, Any]) -> None:
        if self._known_video(fields) is not None:
            self._moved_in.videos += 1

    def _transcript(self, fields: dict[str, Any]) -> None:
        language = checked_text(fields, "language", most=35)
        segments = checked_segments(fields)
        video_id = self._known_video(fields)
        if video_id is None:
            return
        transcript = Transcript(TextSource.IMPORTED, segments, language)
        self._catalogue.videos.set_transcript(self._owner, video_id, transcript, self._at)
        self._moved_in.transcripts += 1

    def _scene(self, fields: dict[str, Any]) -> None:
        key = _key(fields)
        if self._open is None or self._open.key != key:
            self._close()
            video_id = self._known_video(fields)
            if video_id is None:
                return
            if video_id in self._closed:
                raise BadLine(
                    "the scenes of a video must stand together; those before are taken over already"
                )
            self._open = _Scenes(key, video_id, self._line)
        index = checked_index(fields)
        if index in self._open.scenes:
            raise BadLine(f"there is a scene {index} of this video before it")
        start, end = checked_span(fields)
        transcript = checked_text(fields, "transcript") if fields.get("transcript") is not None else None
        self._open.scenes[index] = ImportedScene(index, start, end, transcript, checked_description(fields))

    def _known_video(self, fields: dict[str, Any]) -> int | None:
        """The video that the line speaks of; one that is not there is told of once for all lines that follow."""
        key = _key(fields)
        if not key[0]:
            raise BadLine("it names no video")
        if self._found is None or self._found[0] != key:
            self._found = (key, self._look_up(*key))
            if self._found[1] is None:
                self._moved_in.unknown_videos += 1
                self._tell(
                    self._line, f"there is no video {shown_name(key[0])!r} here: scan its folder first"
                )
        return self._found[1]

    def _look_up(self, path: str, library: str) -> int | None:
        named = [one for one in self._libraries if one.name == library]
        try:
            video = video_named(self._catalogue, self._owner, named or self._libraries, path)
        except (ValueError, UnicodeError) as error:
            raise BadLine(f"its video is no path: {error}") from None
        return None if video is None else video.id

    def _close(self) -> None:
        """All scenes of the video were read."""
        group, self._open = self._open, None
        if group is None:
            return
        self._closed.add(group.video_id)
        if group.bad:
            name = shown_name(group.key[0])
            self._tell(group.line, f"the scenes of {name!r} stay as they are, because of line {group.bad}")
            return
        if not group.scenes:
            return
        scenes = [scene for _, scene in sorted(group.scenes.items())]
        self._catalogue.videos.import_scenes(self._owner, group.video_id, scenes, self._at)
        self._moved_in.scenes += len(scenes)

    # persons

    def _person(self, fields: dict[str, Any]) -> None:
        persons, owner = self._catalogue.persons, self._owner
        name = checked_text(fields, "name", needed=True)
        archived = checked_flag(fields, "archived")
        person = persons.by_name(owner, name) or persons.add(owner, name, self._at)
        if "archived" in fields and person.archived != archived:
            persons.archive(owner, person.id, self._at, archived=archived)
        self._moved_in.persons += 1

    def _photo(self, fields: dict[str, Any]) -> None:
        persons, owner = self._catalogue.persons, self._owner
        name = checked_text(fields, "person", needed=True)
        person = persons.by_name(owner, name)
        if person is None:
            raise BadLine(
                f"there is no person {name!r}; the line of a person comes before those of the photos"
            )
        content = photo_content(fields, self._beside)
        known = {digest_of(photo) for photo in persons.photos(owner, person.id)}
        if content_digest(content) not in known:
            self._shelf.add(person.id, content)
        self._moved_in.photos += 1


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line, parse_constant=_no_number)
    except RecursionError:
        raise BadLine("it is nested too deeply") from None
    except ValueError as error:
        raise BadLine(f"it is no JSON: {error}") from None
    if not isinstance(fields, dict):
        raise BadLine("it is no JSON object")
    return fields


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number in JSON")


def _key(fields: dict[str, Any]) -> tuple[str, str]:
    """Path and library as the line says them."""
    path, library = fields.get("video"), fields.get("library")
    return path if isinstance(path, str) else "", library if isinstance(library, str) else ""
