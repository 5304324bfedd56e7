"""What lies in a folder: an album, a part of one, one without its numbers, or singles; and what suits it for a template.

Files are looked at by album and disc, in each folder below the one that is asked for.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reprise.core.items import display_path
from reprise.core.names import folded
from reprise.core.renaming import shown_name
from reprise.errors import ItemError
from reprise.rename.presets import preset
from reprise.rename.sidecars import stem_of
from reprise.rename.values import values_of
from reprise.rename.walk import walk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reprise.core.file_fields import FileFields
    from reprise.core.renaming import Value
    from reprise.rename.walk import Listing, Place

MAX_FOLDERS = 100
ROOT_FILES = "[Root Files]"
"""What the files are called that lie in the folder itself, beside its folders."""

HIGH, MEDIUM = 0.9, 0.7
"""Confidence from which a finding is called so."""

FEWEST = 3
"""Tracks that make an album."""

UNNUMBERED = 0.3
"""Share of tracks without a number from which on an album counts as incomplete."""

LATEST_START = 20
"""The number that a part of an album begins with at the latest."""


class ContextKind(StrEnum):
    ALBUM = "album"
    PARTIAL_ALBUM = "partial_album"
    INCOMPLETE_ALBUM = "incomplete_album"
    SINGLES = "singles"


@dataclass(frozen=True, slots=True)
class Context:
    """A finding. ``folder`` is relative to the root; ``album`` and ``disc`` are empty for singles.

    ``confidence`` 0 to 1; ``tracks`` it is about; ``gaps``: numbers that are missing up to the last one, or to the
    number of tracks that the tags speak of. ``preset`` is the id of what suits it.
    """

    folder: bytes
    name: str
    album: str
    disc: str
    kind: ContextKind
    confidence: float
    reason: str
    preset: str
    tracks: int
    gaps: int = 0

    @property
    def level(self) -> str:
        if self.confidence >= HIGH:
            return "high"
        return "medium" if self.confidence >= MEDIUM else "low"

    @property
    def template(self) -> str:
        return preset(self.preset).template

    def as_dict(self) -> dict[str, Any]:
        return {
            **shown_name("folder", self.folder),
            "name": self.name,
            "album": self.album,
            "disc": self.disc,
            "kind": self.kind.value,
            "confidence": self.confidence,
            "level": self.level,
            "reason": self.reason,
            "preset": self.preset,
            "template": self.template,
            "tracks": self.tracks,
            "gaps": self.gaps,
        }


@dataclass(frozen=True, slots=True)
class Contexts:
    """``warnings``: what was left out, in words."""

    items: tuple[Context, ...]
    warnings: tuple[str, ...]


@dataclass(slots=True)
class _Group:
    """The tracks of one album and disc in one folder, or all without an album."""

    album: str
    disc: str
    tracks: int = 0
    numbers: list[int] = field(default_factory=list)
    total: int = 0
    for_playing: int = 0

    def add(self, values: Mapping[str, Value]) -> None:
        self.tracks += 1
        if "track" in values and (number := int(values["track"].text)):
            self.numbers.append(number)
        if "tracks" in values:
            self.total = max(self.total, int(values["tracks"].text))
        self.for_playing += "bpm" in values or "camelot" in values


def contexts(place: Place, fields: Callable[[bytes], FileFields]) -> Contexts:
    """What the folder holds: folder by folder of those right below it, each with all below; its own files are
    "[Root Files]". Without such folders it is one itself. A file that cannot be read tells nothing.

    Raises ``LibraryError`` when it cannot be looked into.
    """
    found: list[Context] = []
    warnings: list[str] = []
    folders = 0
    for folder, listings in _by_first_level(place):
        groups = _grouped(place, listings, fields)
        if not groups:
            continue
        folders += 1
        if folders > MAX_FOLDERS:
            warnings.append(f"only the first {MAX_FOLDERS} folders were looked at")
            break
        found.extend(_findings(folder, _name(folder, place), groups))
    if folders == 1 and found and found[0].name == ROOT_FILES:
        found = [_renamed(context, display_path(place.folder or place.root)) for context in found]
    return Contexts(tuple(found), tuple(warnings))


def _by_first_level(place: Place) -> Iterator[tuple[bytes, Iterable[Listing]]]:
    from itertools import groupby

    depth = place.folder.count(b"/") + 2 if place.folder else 1

    def first_level(listing: Listing) -> bytes:
        return b"/".join(listing.folder.split(b"/")[:depth])

    yield from groupby(walk(place), key=first_level)


def _grouped(place: Place, listings: Iterable[Listing], read: Callable[[bytes], FileFields]) -> list[_Group]:
    groups: dict[tuple[str, str], _Group] = {}
    for listing in listings:
        prefix = b"/".join(part for part in (place.root.rstrip(b"/"), listing.folder) if part) + b"/"
        for track in listing.tracks:
            try:
                fields = read(prefix + track.name)
            except ItemError:
                continue
            values, _ = values_of(fields, stem_of(track.name).decode(errors="replace"))
            album = values["album"].text if "album" in values else ""
            disc = values["disc"].text if album and "disc" in values else ""
            groups.setdefault((folded(album), disc), _Group(album, disc)).add(values)
    return list(groups.values())


def _findings(folder: bytes, name: str, groups: list[_Group]) -> Iterator[Context]:
    """Albums one by one; what counts as singles together."""
    discs = Counter(folded(group.album) for group in groups)
    singles: list[tuple[_Group, float, str]] = []
    for group in groups:
        kind, confidence, reason, gaps = judged(group.album, group.numbers, group.tracks, group.total)
        if kind is ContextKind.SINGLES:
            singles.append((group, confidence, reason))
            continue
        several = discs[folded(group.album)] > 1
        suits = _suits_album(kind, several=several)
        yield Context(
            folder, name, group.album, group.disc, kind, confidence, reason, suits, group.tracks, gaps
        )
    if singles:
        yield _singles(folder, name, singles)


def judged(
    album: str, numbers: list[int], tracks: int, total: int = 0
) -> tuple[ContextKind, float, str, int]:
    """Kind, confidence, reason and gaps of tracks with these numbers; ``total``: how many the tags speak of."""
    if not album:
        return ContextKind.SINGLES, 1.0, "no album in the tags", 0
    if tracks < FEWEST:
        return ContextKind.SINGLES, 0.8, f"only {tracks} of the album {album}", 0
    without = tracks - len(numbers)
    if without > UNNUMBERED * tracks:
        return ContextKind.INCOMPLETE_ALBUM, 0.5, f"{without} of {tracks} tracks have no number", 0
    return _by_numbers(sorted(numbers), without, total)


def _by_numbers(numbers: list[int], without: int, total: int) -> tuple[ContextKind, float, str, int]:
    if len(set(numbers)) < len(numbers):
        return ContextKind.SINGLES, 0.8, "several tracks have the same number", 0
    if numbers[0] > LATEST_START:
        return ContextKind.SINGLES, 0.8, f"the numbers begin at {numbers[0]}", 0
    last = max(numbers[-1], total)
    gaps = last - len(numbers)
    if gaps == 0 and not without:
        return ContextKind.ALBUM, 0.95, f"tracks 1 to {last}, all of them", 0
    return ContextKind.PARTIAL_ALBUM, 0.75, f"{len(numbers)} numbered tracks of {last}, {gaps} missing", gaps


def _suits_album(kind: ContextKind, *, several: bool) -> str:
    if kind is ContextKind.INCOMPLETE_ALBUM:
        return "simple"
    return "album-disc" if several else "album"


def _singles(folder: bytes, name: str, singles: list[tuple[_Group, float, str]]) -> Context:
    tracks = sum(group.tracks for group, _, _ in singles)
    for_playing = sum(group.for_playing for group, _, _ in singles)
    reasons = list(dict.fromkeys(reason for _, _, reason in singles))
    reason = reasons[0] if len(reasons) == 1 else f"{tracks} tracks of {len(singles)} albums or none"
    confidence = min(confidence for _, confidence, _ in singles)
    suits = "dj" if for_playing * 2 > tracks else "simple"
    return Context(folder, name, "", "", ContextKind.SINGLES, confidence, reason, suits, tracks)


def _name(folder: bytes, place: Place) -> str:
    return ROOT_FILES if folder == place.folder else display_path(folder.rpartition(b"/")[2])


def _renamed(context: Context, name: str) -> Context:
    from dataclasses import replace

    return replace(context, name=name)
