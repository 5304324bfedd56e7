"""Read everything a file says of itself, in one opening: what a scan reads, every further tag, and the sound's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.file_fields import FileFields
from reprise.media.tags import (
    clean_text,
    fitting_number,
    metadata_of,
    read_with,
    tags_of,
    tags_of_metadata,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from av.container import InputContainer
    from tinytag import TinyTag

_LONGEST = 1_000
"""Characters of a further tag that are kept: lyrics and a program's own data may have megabytes."""

_LABEL = ("publisher", "label", "organization", "recordlabel", "tpub")
_MIX = ("mixname", "mix", "version")
_SUBTITLE = ("subtitle", "tit3", "tt3")
_REMIXER = ("remixer", "tpe4", "tp4", "mixartist", "modifiedby")
_CATALOG = ("catalog_number", "catalognumber", "catalogid", "catalog number", "labelno")
_MOOD = ("mood", "tmoo")


def read_fields(path: bytes) -> FileFields:
    """All that the file's tags say, as far as they can be understood.

    Raises ``Unreadable`` or ``Vanished``.
    """
    return read_with(path, _of_tag, _of_container) or FileFields()


def _of_tag(tag: TinyTag) -> FileFields:
    other = {name: text for name, values in tag.other.items() if (text := _line(values))} if tag.other else {}
    return _fields(
        FileFields(
            tags=tags_of(tag),
            tracks=fitting_number(tag.track_total),
            discs=fitting_number(tag.disc_total),
            composer=clean_text(tag.composer),
            comment=clean_text(tag.comment),
            bitrate=fitting_number(tag.bitrate and round(tag.bitrate)),
            sample_rate=fitting_number(tag.samplerate),
            channels=fitting_number(tag.channels),
        ),
        other,
    )


def _line(values: list[str]) -> str | None:
    text = values[0] if len(values) == 1 else "; ".join(values)
    return clean_text(text[:_LONGEST])


def _of_container(container: InputContainer) -> FileFields:
    found = metadata_of(container)
    other = {name: text for name, value in found.items() if (text := clean_text(value[:_LONGEST]))}
    sound = next((stream.codec_context for stream in container.streams.audio), None)
    return _fields(
        FileFields(
            tags=tags_of_metadata(found, container.duration),
            tracks=_of_how_many(found.get("track"), found.get("tracktotal")),
            discs=_of_how_many(found.get("disc"), found.get("disctotal")),
            composer=other.get("composer"),
            comment=other.get("comment"),
            bitrate=round(container.bit_rate / 1000) or None if container.bit_rate else None,
            sample_rate=sound.sample_rate or None if sound else None,
            channels=sound.channels or None if sound else None,
        ),
        other,
    )


def _fields(known: FileFields, other: Mapping[str, str]) -> FileFields:
    """Put the further tags under the names that several formats have for one thing."""
    if not other:
        return known

    def first(names: tuple[str, ...]) -> str | None:
        for name in names:
            if name in other:
                return other[name]
        return None

    return known._replace(
        label=first(_LABEL),
        mix=first(_MIX),
        subtitle=first(_SUBTITLE),
        remixer=first(_REMIXER),
        isrc=other.get("isrc"),
        catalog=first(_CATALOG),
        grouping=other.get("grouping"),
        mood=first(_MOOD),
        other=other,
    )


def _of_how_many(number: str | None, total: str | None) -> int | None:
    """From "12", or from what stands behind the stroke of "3/12"."""
    return whole_number(total) or whole_number((number or "").partition("/")[2])
