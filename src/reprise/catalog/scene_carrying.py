"""What people, or other systems, said of scenes goes along when the scenes are found elsewhere."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SAME_SECONDS = 0.05
"""Bounds that differ by less are the same: a frame lasts as long at 20 a second."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A scene by its bounds, in seconds."""

    number: int
    start: float
    end: float

    def is_about(self, other: Stretch) -> bool:
        return abs(self.start - other.start) < SAME_SECONDS and abs(self.end - other.end) < SAME_SECONDS

    def shared(self, other: Stretch) -> float:
        """Seconds that both have; negative when they are apart."""
        return min(self.end, other.end) - max(self.start, other.start)


@dataclass(frozen=True, slots=True)
class GivenWords:
    """What somebody gave. ``described``: whether the description, the summary and the tags are theirs."""

    transcript: str | None = None
    description: str = ""
    summary: str = ""
    tags: tuple[str, ...] = ()
    described: bool = False

    def joined(self, other: GivenWords) -> GivenWords:
        """Both, where two scenes became one."""
        transcripts = [text for text in (self.transcript, other.transcript) if text is not None]
        return GivenWords(
            "\n".join(transcripts) if transcripts else None,
            "\n".join(filter(None, (self.description, other.description))),
            "\n".join(filter(None, (self.summary, other.summary))),
            tuple(dict.fromkeys((*self.tags, *other.tags))),
            self.described or other.described,
        )


def carry(
    before: Sequence[tuple[Stretch, GivenWords]], found: Sequence[Stretch]
) -> Mapping[int, GivenWords | None]:
    """What the found scenes, by number, are to say instead of what they say; ``None``: what they had went elsewhere.

    Words go to the scene that shares most of their time. A scene that is where it was keeps its own.
    """
    now = {stretch.number: stretch for stretch in found}
    in_order = sorted(found, key=lambda stretch: stretch.start)
    starts = [stretch.start for stretch in in_order]
    settled: dict[int, GivenWords | None] = {}
    stay = {old.number: words for old, words in before if (new := now.get(old.number)) and new.is_about(old)}
    moved = [(old, words) for old, words in before if old.number not in stay]
    for old, _ in moved:
        if old.number in now:
            settled[old.number] = None
    for old, words in moved:
        target = _nearest(old, in_order, starts).number
        there = settled.get(target) or stay.get(target)
        settled[target] = there.joined(words) if there else words
    return settled


def _nearest(old: Stretch, in_order: Sequence[Stretch], starts: Sequence[float]) -> Stretch:
    """The scene that shares most time with the old one; the earlier of two that share the same."""
    first = max(0, bisect_right(starts, old.start) - 1)
    best = in_order[first]
    for place in range(first + 1, len(in_order)):
        if in_order[place].start >= old.end:
            break
        if in_order[place].shared(old) > best.shared(old):
            best = in_order[place]
    return best
