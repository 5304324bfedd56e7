"""What is done to healthy files: each way, with each seed, to each format. The same call gives the same bytes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_HEADER_BYTES = 512
_CUTS = (1, 2, 3, 4, 7, 10, 12, 20, 30, 44, 64, 100, 128, 200, 400)
"""Bytes that are left: where formats keep what they are."""
_PARTS = 16
_FEWEST_LEFT = (1, 2, 8, 128)
"""Bytes that are missing at the end."""
_HOLE_BYTES = 300


@dataclass(frozen=True, slots=True)
class Odd:
    """One odd file. ``name``: relative to its folder, in bytes. ``kind``: what was done to it."""

    name: bytes
    kind: str
    content: bytes


def damaged(healthy: Mapping[str, bytes], flips: int) -> Iterator[Odd]:
    """Everything that is done to everything; ``flips``: how many seeds of flipped bits each format gets."""
    for suffix, content in healthy.items():
        yield from _cut(suffix, content)
        yield from _misnamed(suffix, content, list(healthy))
        yield from _holed(suffix, content)
        yield from _flipped(suffix, content, flips)


def sample(odd: Sequence[Odd], count: int, seed: int) -> list[Odd]:
    """One of each kind, and at random up to ``count``."""
    dice = random.Random(seed)
    shuffled = dice.sample(list(odd), len(odd))
    first = {one.kind: one for one in reversed(shuffled)}
    others = [one for one in shuffled if first[one.kind] is not one]
    return [*first.values(), *others[: max(0, count - len(first))]]


def _cut(suffix: str, content: bytes) -> Iterator[Odd]:
    size = len(content)
    lengths = {
        *_CUTS,
        *(size * part // _PARTS for part in range(1, _PARTS)),
        *(size - left for left in _FEWEST_LEFT),
    }
    for length in sorted(length for length in lengths if 0 < length < size):
        yield _odd("cut", f"cut at {length}", suffix, content[:length])


def _misnamed(suffix: str, content: bytes, others: Sequence[str]) -> Iterator[Odd]:
    for other in others:
        if other != suffix:
            yield _odd("misnamed", f"misnamed {suffix[1:]}", other, content)


def _holed(suffix: str, content: bytes) -> Iterator[Odd]:
    dice = random.Random(suffix)
    for share in (0.02, 0.3, 0.6, 0.95):
        at = round(len(content) * share)
        rest = content[at + _HOLE_BYTES :]
        for name, filling in (("zeros", bytes(_HOLE_BYTES)), ("noise", dice.randbytes(_HOLE_BYTES))):
            yield _odd("hole", f"{name} at {share}", suffix, content[:at] + filling + rest)
        yield _odd("hole", f"missing at {share}", suffix, content[:at] + rest)
        yield _odd("hole", f"twice at {share}", suffix, content[:at] + content)


def _flipped(suffix: str, content: bytes, seeds: int) -> Iterator[Odd]:
    for seed in range(seeds):
        dice = random.Random(f"{suffix} {seed}")
        kind, reach = (
            ("flips in the body", len(content)) if seed % 2 else ("flips in the header", _HEADER_BYTES)
        )
        found = bytearray(content)
        for _ in range(1 + seed % 12):
            found[dice.randrange(min(reach, len(content)))] ^= 1 << dice.randrange(8)
        yield _odd(kind, f"flips {seed}", suffix, bytes(found))


def _odd(kind: str, name: str, suffix: str, content: bytes) -> Odd:
    return Odd(f"{kind}/{suffix[1:]}/{name}{suffix}".encode(), kind, content)
