"""Moving in and out: videos' words and scenes, persons and their photos, as JSON lines.

One object a line, UTF-8, of these kinds; what has a ``?`` may be left out, and fields that are not listed are ignored:

``{"type": "video", "video": PATH, "library"?: NAME}``
    A video. It is not made by an import, only looked for: scan its folder first.
``{"type": "transcript", "video": PATH, "library"?, "language"?: "en", "segments": [{"start", "end", "text"}, …]}``
    What is said in a video, in seconds from its start.
``{"type": "scene", "video": PATH, "library"?, "index": 0…, "start", "end", "transcript"?, "description"?, "summary"?,
"tags"?: [TEXT, …]}``
    A scene. Those of one video stand together; they replace the scenes that were found in it. Without a transcript it is
    cut out of the video's; without a description what is known of that stays.
``{"type": "person", "name": NAME, "archived"?: false}``
``{"type": "photo", "person": NAME, "content": BASE64}`` or with ``"file": PATH`` instead, relative to the JSON lines
    A photo of a person who is in a line before, or known already.

A path is relative to the folder of its library, with ``/`` between names; or absolute. Paths that are no text are
written as Python does it (PEP 383).
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any, Protocol

from reprise.core.items import display_path
from reprise.core.scene_texts import Speech, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.items import Library
    from reprise.core.records import Catalogue
    from reprise.core.video import Photo, Scene, Transcript, Video


class PhotoShelf(Protocol):
    """Where photos are kept."""

    def read(self, file: bytes) -> bytes:
        """The bytes of a file in the media folder. Raises ``OSError``."""

    def add(self, person_id: int, content: bytes) -> Photo:
        """Keep a photo of a person; one that is there already is that one. Raises ``RepriseError`` kinds."""


def export_lines(
    catalogue: Catalogue, owner: str, shelf: PhotoShelf, library_id: int | None = None
) -> Iterator[bytes]:
    """All that the owner has of videos and persons, one line after the other, in memory that does not grow.

    With a library: its videos only, and no persons. A photo whose file is lost is left out.
    """
    names = {library.id: library.name for library in catalogue.libraries.all(owner)}
    for video, scenes in catalogue.videos.export(owner, library_id):
        key = {"video": os.fsdecode(video.path), "library": names[video.library_id]}
        transcript = catalogue.videos.transcript(owner, video.id)
        yield _line({"type": "video", **key})
        if transcript is not None:
            yield _line({"type": "transcript", **key, **_said(transcript)})
        speech = Speech(transcript.segments if transcript else ())
        for scene in scenes:
            yield _line({"type": "scene", **key, **_seen(scene, speech)})
    if library_id is None:
        yield from _persons(catalogue, owner, shelf)


def video_named(catalogue: Catalogue, owner: str, libraries: list[Library], path: str) -> Video | None:
    """The video at the path, which is absolute or relative to one of the libraries."""
    raw = os.fsencode(path)
    for library in libraries:
        root = library.root.rstrip(b"/") + b"/"
        inside = raw.removeprefix(root)
        item = catalogue.items.by_path(owner, library.id, inside)
        if item is not None and item.missing_since is None:
            return catalogue.videos.get(owner, item.id)
    return None


def shown_name(path: str) -> str:
    """A path of a line for people."""
    return display_path(os.fsencode(path))


def digest_of(photo: Photo) -> str:
    """The hexadecimal digest of a photo's bytes, by which its file is called."""
    return os.fsdecode(os.path.splitext(os.path.basename(photo.file))[0])


def content_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _persons(catalogue: Catalogue, owner: str, shelf: PhotoShelf) -> Iterator[bytes]:
    for person in catalogue.persons.all(owner, archived=True):
        yield _line({"type": "person", "name": person.name, "archived": person.archived})
        for photo in sorted(catalogue.persons.photos(owner, person.id), key=digest_of):
            try:
                content = shelf.read(photo.file)
            except FileNotFoundError:
                continue
            yield _line(
                {"type": "photo", "person": person.name, "content": base64.b64encode(content).decode()}
            )


def _said(transcript: Transcript) -> dict[str, Any]:
    segments = [{"start": one.start, "end": one.end, "text": one.text} for one in transcript.segments]
    return {"language": transcript.language, "segments": segments}


def _seen(scene: Scene, speech: Speech) -> dict[str, Any]:
    """The scene's own words only: what is cut out of the video's transcript is in that."""
    facts: dict[str, Any] = {"index": scene.index, "start": scene.start, "end": scene.end}
    if scene.transcript != said(speech, scene.start, scene.end):
        facts["transcript"] = scene.transcript
    if scene.description or scene.summary or scene.tags:
        facts |= {"description": scene.description, "summary": scene.summary, "tags": list(scene.tags)}
    return facts


def _line(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, separators=(",", ":")).encode() + b"\n"
