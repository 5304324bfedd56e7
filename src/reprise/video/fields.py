"""The fields of a line that moves in, checked one by one."""

from __future__ import annotations

import base64
import binascii
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from reprise.core.video import Description, Segment, TextSource

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MOST_INDEX = 999_999
MOST_SECONDS = 1_000_000.0
"""No video is longer: that is eleven days."""


class BadLine(ValueError):
    """A line that cannot be taken over, and why."""


def checked_text(
    fields: Mapping[str, Any], name: str, *, needed: bool = False, most: int | None = None
) -> str:
    """The text of a field; empty when it is left out and not needed."""
    text = fields.get(name)
    if text is None:
        text = ""
    if not isinstance(text, str):
        raise BadLine(f"its {name} is no text")
    if not _is_whole(text):
        raise BadLine(f"its {name} holds half a character")
    if needed and not text.strip():
        raise BadLine(f"it has no {name}")
    if most is not None and len(text) > most:
        raise BadLine(f"its {name} has more than {most} characters")
    return text


def checked_flag(fields: Mapping[str, Any], name: str) -> bool:
    flag = fields.get(name, False)
    if not isinstance(flag, bool):
        raise BadLine(f"its {name} is neither true nor false")
    return flag


def checked_index(fields: Mapping[str, Any]) -> int:
    index = fields.get("index")
    if not isinstance(index, int) or isinstance(index, bool) or not 0 <= index <= MOST_INDEX:
        raise BadLine(f"its index is no whole number of 0 to {MOST_INDEX:,}")
    return index


def checked_span(fields: Mapping[str, Any]) -> tuple[float, float]:
    """Start and end in seconds; the end lies behind the start."""
    start, end = _seconds(fields, "start"), _seconds(fields, "end")
    if end <= start:
        raise BadLine(f"it ends at {end:g} s, and starts at {start:g} s")
    return start, end


def checked_segments(fields: Mapping[str, Any]) -> tuple[Segment, ...]:
    segments = fields.get("segments")
    if not isinstance(segments, list):
        raise BadLine("it has no list of segments")
    return tuple(_segment(number, one) for number, one in enumerate(segments, 1))


def checked_description(fields: Mapping[str, Any]) -> Description | None:
    """What is said of what a scene shows; ``None`` when the line says nothing about that."""
    if all(fields.get(name) is None for name in ("description", "summary", "tags")):
        return None
    tags = fields.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise BadLine("its tags are no list of texts")
    if not all(map(_is_whole, tags)):
        raise BadLine("one of its tags holds half a character")
    return Description(
        checked_text(fields, "description"),
        checked_text(fields, "summary"),
        tuple(tags),
        TextSource.IMPORTED,
    )


def photo_content(fields: Mapping[str, Any], beside: Callable[[str], bytes] | None) -> bytes:
    """The bytes of a photo, from the line itself or from the file that it names."""
    content, file = fields.get("content"), fields.get("file")
    if isinstance(content, str):
        try:
            return base64.b64decode(content, validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadLine(f"its content is no Base64: {error}") from None
    if not isinstance(file, str) or not file:
        raise BadLine("it has neither content nor file")
    if beside is None:
        raise BadLine("it names a file, which cannot be read from here: send the content")
    return _read(file, beside)


def _read(file: str, beside: Callable[[str], bytes]) -> bytes:
    path = PurePosixPath(file)
    if path.is_absolute() or ".." in path.parts:
        raise BadLine("its file does not lie beside the lines")
    try:
        return beside(file)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise BadLine(f"its file cannot be read: {reason}") from None


def _is_whole(text: str) -> bool:
    r"""Whether it is text that a database takes: JSON can say half a surrogate pair (``\ud800``)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _segment(number: int, fields: object) -> Segment:
    if not isinstance(fields, dict):
        raise BadLine(f"segment {number} is no JSON object")
    try:
        start, end = _seconds(fields, "start"), _seconds(fields, "end")
        text = checked_text(fields, "text")
    except BadLine as error:
        raise BadLine(f"segment {number}: {error}") from None
    if end < start:
        raise BadLine(f"segment {number} ends before it starts")
    return Segment(start, end, text)


def _seconds(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadLine(f"its {name} is no number of seconds")
    if not 0 <= value <= MOST_SECONDS:
        raise BadLine(f"its {name} is not between 0 and {MOST_SECONDS:,.0f} seconds")
    return float(value)
