"""What a file says of itself in full, for names and for comparing: every tag, and the shape of its sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reprise.core.items import Tags

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_TAGS = Tags()
_NOTHING: Mapping[str, str] = {}
_FOLDING = str.maketrans("", "", " _-")


class FileFields(NamedTuple):
    """``tags`` as a scan reads them, and all the rest. A tuple: a plan of renaming makes one for each file.

    ``tracks`` and ``discs``: of how many. ``subtitle``: what some programs keep the mix in. ``bitrate`` in kbit/s,
    ``sample_rate`` in Hz. ``other``: every further tag as one line of text, by its lower-case name.
    """

    tags: Tags = _NO_TAGS
    tracks: int | None = None
    discs: int | None = None
    label: str | None = None
    mix: str | None = None
    subtitle: str | None = None
    remixer: str | None = None
    composer: str | None = None
    comment: str | None = None
    isrc: str | None = None
    catalog: str | None = None
    grouping: str | None = None
    mood: str | None = None
    bitrate: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    other: Mapping[str, str] = _NOTHING

    def tag(self, name: str) -> str | None:
        """The tag called ``name`` as text, whatever its case and spelling: "Catalog Number" is "catalognumber"."""
        folded = name.lower().translate(_FOLDING)
        own = _NAMED.get(folded, folded)
        value = getattr(self.tags if own in Tags._fields else self, own) if own in _FIELDS else None
        if value is not None:
            return f"{value:g}" if isinstance(value, float) else str(value)
        return next((text for key, text in self.other.items() if key.translate(_FOLDING) == folded), None)


_FIELDS = frozenset(FileFields._fields + Tags._fields) - {"tags", "other"}
_NAMED = {
    "albumartist": "album_artist",
    "samplerate": "sample_rate",
    "publisher": "label",
    "catalognumber": "catalog",
    "tracknumber": "track",
    "discnumber": "disc",
    "initialkey": "key",
    "date": "year",
}
"""Names that people know a field by, without space, underscore and hyphen."""


@dataclass(frozen=True, slots=True)
class OnlineFacts:
    """What MusicBrainz knows of the recording that a fingerprint was recognised as. ``confidence`` 0 to 1."""

    recording: str
    confidence: float
    artist: str | None = None
    title: str | None = None
    album: str | None = None
    year: int | None = None
