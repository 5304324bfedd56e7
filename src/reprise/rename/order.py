"""In which order files get their names, so that each name is free when it is asked for."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def in_turns(names: Sequence[tuple[bytes, bytes]]) -> Iterator[list[int]]:
    """Places of ``names``, (name now, name to be) in one folder, in turns that can be taken one after the other.

    Chains go from the free end on. A turn of several places is a circle: each waits for the name of the next one, the
    last for that of the first. Names that differ in case or in Unicode's form only may be one name on the disk, so
    they wait for each other as well.
    """
    waits = _waits(names)
    if not waits:  # as in nearly all folders
        yield from ([place] for place in range(len(names)))
        return
    taken = [False] * len(names)
    for start in range(len(names)):
        if taken[start]:
            continue
        if start not in waits:
            taken[start] = True
            yield [start]
            continue
        yield from _from(start, waits, taken)


def _waits(names: Sequence[tuple[bytes, bytes]]) -> dict[int, int]:
    """For each place whose name is still taken the place that has it."""
    holders = dict(zip(_folded([old for old, _ in names]), range(len(names)), strict=True))
    wanted = _folded([new for _, new in names])
    if holders.keys().isdisjoint(wanted):
        return {}
    suspects = [(place, holders[name]) for place, name in enumerate(wanted) if name in holders]
    exact = {old: place for place, (old, _) in enumerate(names)}
    waits = {place: exact.get(names[place][1], holder) for place, holder in suspects}
    return {place: holder for place, holder in waits.items() if place != holder}


def _from(start: int, waits: dict[int, int], taken: list[bool]) -> Iterator[list[int]]:
    trail: list[int] = []
    place: int | None = start
    while place is not None and not taken[place]:
        taken[place] = True
        trail.append(place)
        place = waits.get(place)
    if place in trail:
        first = trail.index(place)
        yield trail[first:]
        del trail[first:]
    for waiting in reversed(trail):
        yield [waiting]


def _folded(names: Sequence[bytes]) -> list[bytes]:
    """All of them folded; names hold no slash, so those in ASCII can be done at once."""
    joined = b"/".join(names)
    return joined.lower().split(b"/") if names and joined.isascii() else [folded_name(name) for name in names]


def folded_name(name: bytes) -> bytes:
    """Equal for names that some disk takes for the same."""
    if name.isascii():
        return name.lower()
    text = unicodedata.normalize("NFC", name.decode(errors="surrogateescape"))
    return unicodedata.normalize("NFC", text.casefold()).encode(errors="surrogateescape")
