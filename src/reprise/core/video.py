"""Videos and what is in them: scenes, their words and pictures, and the persons who may be seen there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class VideoState(StrEnum):
    """How far a video is. ``FAILED``: it could not be taken apart; the ledger says why."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


class FrameKind(StrEnum):
    """What a picture of a scene is for. ``THUMBNAIL``: what people see of it; ``KEYFRAME``: what models see."""

    THUMBNAIL = "thumbnail"
    KEYFRAME = "keyframe"


class PhotoState(StrEnum):
    UPLOADED = "uploaded"
    READY = "ready"
    FAILED = "failed"


class TextSource(StrEnum):
    """Where words came from. What somebody imported or wrote is never overwritten by what was read or heard."""

    SIDECAR = "sidecar"
    EMBEDDED = "embedded"
    HEARD = "heard"
    DESCRIBED = "described"
    IMPORTED = "imported"


@dataclass(frozen=True, slots=True)
class Segment:
    """Words with their time in seconds from the start of the video; ``start`` <= ``end``."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What is said in a video. ``language``: ISO 639-1, or empty when nobody knows."""

    source: TextSource
    segments: tuple[Segment, ...]
    language: str = ""


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What the container says, checked by looking. ``duration`` in seconds, ``rotation`` in degrees clockwise.

    Width and height are those of the upright picture. ``fps`` is the mean rate. All 0 for a file without pictures.
    """

    duration: float
    width: int = 0
    height: int = 0
    fps: float = 0.0
    rotation: int = 0
    has_audio: bool = False
    has_video: bool = False
    subtitles: int = 0
    """Streams of subtitles in the container."""


@dataclass(frozen=True, slots=True)
class SavedFrame:
    """A picture in the media folder. ``file``: its path relative to that folder; ``digest``: sha256 of its bytes.

    ``at``: seconds from the start of the video. ``width`` and ``height`` in pixels.
    """

    kind: FrameKind
    ordinal: int
    at: float
    file: bytes
    digest: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class FoundScene:
    """One scene as it was found. ``start`` and ``end`` in seconds."""

    index: int
    start: float
    end: float
    frames: tuple[SavedFrame, ...] = ()


@dataclass(frozen=True, slots=True)
class Extract:
    """What taking a video apart gave. ``transcript``: from subtitles; ``None`` when there are none."""

    facts: VideoFacts
    scenes: tuple[FoundScene, ...]
    transcript: Transcript | None = None


@dataclass(frozen=True, slots=True)
class Description:
    """What somebody, or a model, wrote about what a scene shows."""

    description: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    source: TextSource = TextSource.DESCRIBED


@dataclass(frozen=True, slots=True)
class Video:
    """A video as the catalogue knows it. ``transcript`` is where its words came from, or empty."""

    id: int
    owner: str
    library_id: int
    path: bytes
    state: VideoState
    facts: VideoFacts
    scenes: int
    transcript: str
    updated_at: float
    missing_since: float | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A scene as the catalogue knows it. ``transcript`` is what is said while it lasts, and a little around it."""

    id: int
    owner: str
    video_id: int
    index: int
    start: float
    end: float
    transcript: str
    description: str
    summary: str
    tags: tuple[str, ...]
    thumbnail: bytes | None
    """Relative to the media folder."""
    updated_at: float


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may be seen. ``photos`` by state; ``has_vector``: searching for them works."""

    id: int
    owner: str
    name: str
    archived: bool
    photos: Mapping[PhotoState, int]
    has_vector: bool
    updated_at: float


@dataclass(frozen=True, slots=True)
class Photo:
    """A reference photo of a person. ``error``: why it failed, at most 500 characters."""

    id: int
    owner: str
    person_id: int
    file: bytes
    state: PhotoState
    error: str
    updated_at: float
