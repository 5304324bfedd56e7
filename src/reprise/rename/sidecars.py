"""Files that belong to a track by their name: ``01 Song.flac`` has ``01 Song.lrc`` and ``01 Song.jpg``."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from reprise.rename.clashes import clash_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

SUFFIXES = (
    b".lrc", b".cue", b".jpg", b".jpeg", b".png", b".webp", b".nfo", b".asd", b".txt", b".description.txt", b".log",
)  # fmt: skip
"""What goes along: words, sheets, pictures, notes, Ableton's analysis, and the descriptions of Reprise."""

Held: TypeAlias = "Callable[[bytes, bytes], tuple[str, str] | None]"
"""Asked with the name that a file has and the one that it would get."""

_LONGEST_FIRST = tuple(sorted(SUFFIXES, key=len, reverse=True))


class Sidecar(NamedTuple):
    """``new`` is its name to be. ``code`` and ``reason``: why it keeps its own; both empty if it goes along."""

    old: bytes
    new: bytes
    code: str = ""
    reason: str = ""


def stem_of(name: bytes) -> bytes:
    """The name without what comes after its last dot."""
    place = name.rfind(b".")
    return name[:place] if place > 0 else name


def sidecars(
    moves: Sequence[tuple[bytes, bytes]], others: Iterable[bytes], limit: int, held: Held
) -> dict[bytes, list[Sidecar]]:
    """What goes along with the tracks of a folder, by the old name of the track that each stands behind.

    Args:
        moves: the old and new names of all tracks in the folder, those that keep their names included.
        others: the names of everything else in it.
        limit: how many bytes a name may have.
        held: why a file cannot get another name at all, as code and reason.
    """
    names = list(others)
    found = _belonging(moves, names)
    refused = {name: trouble for name, (_, targets) in found.items() if (trouble := held(name, targets[0]))}
    return _without_clashes(found, {clash_key(new) for _, new in moves}, names, limit, refused)


def _belonging(
    moves: Sequence[tuple[bytes, bytes]], names: Iterable[bytes]
) -> dict[bytes, tuple[bytes, list[bytes]]]:
    """For each sidecar of a track that moves: the track, and the names that it would get by each track of its stem."""
    by_stem: dict[bytes, list[tuple[bytes, bytes]]] = {}
    for old, new in moves:
        by_stem.setdefault(stem_of(old), []).append((old, new))
    found = {}
    for name in names:
        suffix = _suffix(name)
        tracks = by_stem.get(name[: len(name) - len(suffix)], []) if suffix else []
        if any(old != new for old, new in tracks):
            targets = {stem_of(new) + suffix for _, new in tracks}
            found[name] = (tracks[0][0], sorted(targets))
    return found


def _suffix(name: bytes) -> bytes:
    """The end that makes it a sidecar, as it is written; nothing if it is none."""
    lower = name.lower()
    return next((name[-len(suffix) :] for suffix in _LONGEST_FIRST if lower.endswith(suffix)), b"")


def _without_clashes(
    found: Mapping[bytes, tuple[bytes, list[bytes]]],
    tracks: set[str],
    names: Sequence[bytes],
    limit: int,
    refused: dict[bytes, tuple[str, str]],
) -> dict[bytes, list[Sidecar]]:
    """Whoever cannot go stays, and its name with it, which may stop another: until nothing changes."""
    while True:
        staying = {clash_key(name) for name in names if name not in found or name in refused}
        taken = tracks | staying
        before = len(refused)
        for name, (_, targets) in found.items():
            if name in refused:
                continue
            trouble = _trouble(targets, taken, limit)
            if trouble:
                refused[name] = trouble
            else:
                taken.add(clash_key(targets[0]))
        if len(refused) == before:
            break
    result: dict[bytes, list[Sidecar]] = {}
    for name, (track, targets) in found.items():
        new = name if name in refused else targets[0]
        result.setdefault(track, []).append(Sidecar(name, new, *refused.get(name, ("", ""))))
    return result


def _trouble(targets: Sequence[bytes], taken: set[str], limit: int) -> tuple[str, str] | None:
    if len(targets) > 1:
        return "name_clash", "it belongs to several tracks, which get different names"
    if len(targets[0]) > limit:
        return "too_long", f"its name would be longer than {limit} bytes"
    if clash_key(targets[0]) in taken:
        return "name_taken", "a file of the name that it would get is there"
    return None
