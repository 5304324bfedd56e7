"""Which tracks of a library are the same recording, which share a part of one, and which only sound alike.

Candidates come from what their fingerprints have in common (keys, ``core.fingerprints``) and from vectors that are
nearly equal on tracks of nearly the same length; each candidate is then compared fingerprint against fingerprint.
Nothing is merged: what comes out is evidence.
"""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reprise.core.fingerprints import Match, compare, heard_seconds
from reprise.search.candidates import ALIKE_COSINE, Tracks, candidates
from reprise.search.serving import answering_models, serving_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reprise.core.items import Item
    from reprise.search.space_queries import SearchPorts

    Pair = tuple[int, int]

MODELS = ("acoustic", "analysis")
"""Models whose vectors may say that two tracks sound alike: both have the numbers that the limit was measured on."""

WHOLE_SHARE = 0.9
"""So much of what is heard in the longer of two tracks must overlap for them to be one recording from end to end."""

KEPT_FINGERPRINTS = 4096
"""In memory while candidates are compared, about 20 MB."""


class Kind(StrEnum):
    """``SAME_RECORDING``: one recording from end to end, whatever it is coded with. ``PART``: they share a stretch of
    one recording, as a track and its excerpt do. ``ALIKE``: they sound nearly the same and are equally long, but are
    not one recording: a live version, a remake.
    """

    SAME_RECORDING = "same_recording"
    PART = "part"
    ALIKE = "alike"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for two items to be the same. ``first`` and ``second`` are their ids, the lower one first.

    ``similarity``, ``offset_seconds``, ``overlap_seconds`` as in ``core.fingerprints.Match``; ``cosine`` of their
    vectors, ``None`` where one has none; ``seconds_apart``: how much longer the second is.
    """

    kind: Kind
    first: int
    second: int
    similarity: float
    offset_seconds: float
    overlap_seconds: float
    cosine: float | None
    seconds_apart: float

    @property
    def certainty(self) -> float:
        """0 to 1, to order by. What only sounds alike stays below a half."""
        if self.kind is Kind.ALIKE:
            return 0.5 * ((self.cosine or 0.0) - ALIKE_COSINE) / (1.0 - ALIKE_COSINE)
        return self.similarity


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Items that belong together, by id, with the evidence of every pair that was compared; of ``PART`` and ``ALIKE``
    always two. ``certainty`` is that of the weakest evidence.
    """

    kind: Kind
    items: tuple[Item, ...]
    evidence: tuple[Evidence, ...]

    @property
    def certainty(self) -> float:
        return min(evidence.certainty for evidence in self.evidence)


def find_duplicates(
    ports: SearchPorts,
    library_id: int | None = None,
    *,
    alike: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> list[Duplicates]:
    """Duplicates among the owner's tracks, or those of one library; missing files are left out.

    The same recordings first, then parts, then what only sounds alike (unless that is not wanted); the surest first.

    Args:
        progress: told how many candidate pairs have been compared, and of how many.
    """
    tracks = _tracks(ports, library_id)
    pairs = candidates(tracks)
    evidence: list[Evidence] = []
    match = _comparison(ports)
    for done, (first, second) in enumerate(pairs, 1):
        found = _evidence(tracks, first, second, match(tracks.id_of(first), tracks.id_of(second)))
        if found is not None and (alike or found.kind is not Kind.ALIKE):
            evidence.append(found)
        if progress is not None:
            progress(done, len(pairs))
    return sorted(_grouped(ports, evidence), key=_order)


def in_folder(found: Iterable[Duplicates], library_id: int, folder: bytes) -> list[Duplicates]:
    """Those of which at least one track lies in the folder, relative to the root of its library."""
    start = folder + b"/" if folder else b""
    return [
        group
        for group in found
        if any(item.library_id == library_id and item.path.startswith(start) for item in group.items)
    ]


def evidence_facts(evidence: Evidence, first: Item, second: Item) -> dict[str, Any]:
    """The evidence as plain JSON values, with how the two files differ."""
    kbps = kbps_of(first), kbps_of(second)
    return {
        "first": evidence.first,
        "second": evidence.second,
        "similarity": round(evidence.similarity, 4),
        "offset_seconds": round(evidence.offset_seconds, 2),
        "overlap_seconds": round(evidence.overlap_seconds, 1),
        "cosine": None if evidence.cosine is None else round(evidence.cosine, 4),
        "seconds_apart": round(evidence.seconds_apart, 2),
        "bytes_apart": second.state.size - first.state.size,
        "kbps_apart": None if None in kbps else (kbps[1] or 0) - (kbps[0] or 0),
        "formats": [format_of(first), format_of(second)],
    }


def format_of(item: Item) -> str:
    """The suffix of the file without its dot, in lower case."""
    return os.fsdecode(os.path.splitext(item.file)[1]).lower().lstrip(".")


def kbps_of(item: Item) -> int | None:
    """Kilobits per second of the whole file, pictures included; unknown without a duration, and of a cut."""
    seconds = item.tags.duration
    return round(item.state.size * 8 / seconds / 1000) if seconds and item.cut is None else None


def _order(group: Duplicates) -> tuple[int, float, int]:
    return list(Kind).index(group.kind), -group.certainty, group.items[0].id


def _tracks(ports: SearchPorts, library_id: int | None) -> Tracks:
    analyses = ports.catalogue.analyses
    tracks = Tracks.read(analyses.fingerprints(ports.owner, library_id))
    models = [model for model in MODELS if model in answering_models(ports.catalogue, ports.owner)]
    if models and len(tracks):
        space = serving_space(ports.catalogue, ports.owner, models[0])
        tracks.add_vectors(ports.store.scan(ports.owner, space.name), space.dimension)
    return tracks


def _comparison(ports: SearchPorts) -> Callable[[int, int], tuple[Match, float]]:
    """Compares two items by id; also gives what share of the longer one overlaps, 0 to 1."""

    @lru_cache(maxsize=KEPT_FINGERPRINTS)
    def of(item_id: int) -> tuple[bytes, float]:
        analysis = ports.catalogue.analyses.get(ports.owner, item_id)
        fingerprint = analysis.fingerprint if analysis else b""
        return fingerprint, heard_seconds(fingerprint)

    def match(first: int, second: int) -> tuple[Match, float]:
        (one, one_heard), (other, other_heard) = of(first), of(second)
        found = compare(one, other)
        return found, found.overlap_seconds / max(one_heard, other_heard, 1e-9)

    return match


def _evidence(tracks: Tracks, first: int, second: int, compared: tuple[Match, float]) -> Evidence | None:
    match, share = compared
    cosine = tracks.cosine(first, second)
    kind = _kind(match, share, cosine, near=tracks.equally_long(first, second))
    if kind is None:
        return None
    apart = float(tracks.seconds[second] - tracks.seconds[first])
    return Evidence(
        kind,
        tracks.id_of(first),
        tracks.id_of(second),
        match.similarity,
        match.offset_seconds,
        match.overlap_seconds,
        cosine,
        apart,
    )


def _kind(match: Match, share: float, cosine: float | None, *, near: bool) -> Kind | None:
    if match.same:
        return Kind.SAME_RECORDING if share >= WHOLE_SHARE else Kind.PART
    return Kind.ALIKE if near and cosine is not None and cosine >= ALIKE_COSINE else None


def _grouped(ports: SearchPorts, evidence: Sequence[Evidence]) -> Iterator[Duplicates]:
    """The same recordings as one group each; parts and likenesses once for each pair of recordings."""
    same = [one for one in evidence if one.kind is Kind.SAME_RECORDING]
    recording = _connected([(one.first, one.second) for one in same])
    groups: dict[int, list[Evidence]] = defaultdict(list)
    for one in same:
        groups[recording[one.first]].append(one)
    pairs: dict[tuple[Kind, int, int], Evidence] = {}
    for one in evidence:
        if one.kind is not Kind.SAME_RECORDING:
            low, high = sorted(recording.get(end, end) for end in (one.first, one.second))
            if low != high:
                best = pairs.get((one.kind, low, high), one)
                pairs[one.kind, low, high] = max(best, one, key=lambda found: found.certainty)
    for found in [*groups.values(), *([one] for one in pairs.values())]:
        ids = sorted({end for one in found for end in (one.first, one.second)})
        items = ports.catalogue.items.get(ports.owner, ids)
        if len(items) == len(ids):  # unless one was forgotten meanwhile
            yield Duplicates(found[0].kind, tuple(items[one] for one in ids), tuple(found))


def _connected(pairs: Sequence[Pair]) -> dict[int, int]:
    """For each id the lowest one that it hangs together with."""
    lowest: dict[int, int] = {}

    def find(one: int) -> int:
        while (above := lowest.setdefault(one, one)) != one:
            lowest[one] = lowest[above]
            one = above
        return one

    for first, second in pairs:
        low, high = sorted((find(first), find(second)))
        lowest[high] = low
    return {one: find(one) for one in list(lowest)}
