"""Paths of items that are no files: no disk has them, because each begins with a NUL byte.

A scene is ``\\0v<video>/<index>``, its pictures ``<scene>/<kind>/<ordinal>``, a person ``\\0p<number>`` and a photo
``\\0p<person>/<digest>``. They never change, whatever becomes of the files.
"""

from __future__ import annotations

import re

_IN_A_VIDEO = re.compile(rb"\0v(\d+)/(\d+)(?:/(\w+)/(\d+))?")
_OF_A_PERSON = re.compile(rb"\0p(\d+)(?:/([0-9a-f]+))?")
_SHOWN_DIGITS = 8


def scene_path(video_id: int, index: int) -> bytes:
    return b"\0v%d/%06d" % (video_id, index)


def frame_path(video_id: int, index: int, kind: str, ordinal: int) -> bytes:
    return b"%s/%s/%d" % (scene_path(video_id, index), kind.encode(), ordinal)


def person_path(person_id: int) -> bytes:
    return b"\0p%d" % person_id


def photo_path(person_id: int, digest: bytes) -> bytes:
    return b"%s/%s" % (person_path(person_id), digest.hex().encode())


def video_of(path: bytes) -> int | None:
    """The video that a scene or its picture is of; ``None`` for any other path."""
    found = _IN_A_VIDEO.fullmatch(path)
    return int(found[1]) if found else None


def shown_path(path: bytes) -> str | None:
    """Such a path for people, who count scenes and pictures from 1; ``None`` for any other path."""
    if found := _IN_A_VIDEO.fullmatch(path):
        video, index, kind, ordinal = found.groups()
        scene = f"video {int(video)}, scene {int(index) + 1}"
        return scene if kind is None else f"{scene}, {kind.decode()} {int(ordinal) + 1}"
    if found := _OF_A_PERSON.fullmatch(path):
        person, digest = found.groups()
        shown = f"person {int(person)}"
        return shown if digest is None else f"{shown}, photo {digest.decode()[:_SHOWN_DIGITS]}"
    return None
