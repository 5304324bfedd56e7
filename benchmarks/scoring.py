"""How right tempi and keys are: what the scoring of a labelled folder computes, and no file is read here but the table.

Sources: Gouyon et al. 2006 (tempo within 4 %, in any octave), MIREX audio key detection (weights of near misses).
"""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from reprise.core.musical_key import MusicalKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

OCTAVES = (0.25, 0.5, 1.0, 2.0, 4.0)
ANY_METRE = (1 / 3, 0.5, 1.0, 2.0, 3.0)
"""Gouyon's "accuracy 2": octaves, and thirds for triple metre."""


@dataclass(frozen=True, slots=True)
class Truth:
    """One labelled track. ``bpm`` and ``key`` are ``None`` where the table leaves them empty."""

    path: str
    bpm: float | None
    key: MusicalKey | None
    style: str = ""
    split: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a listener said of a track; ``error`` is the reason when it could say nothing.

    ``strengths`` of the alternatives, and ``features`` (the acoustic embedding), for learning from tags.
    """

    path: str
    bpm: float | None = None
    confidence: float = 0.0
    alternatives: tuple[float, ...] = ()
    key: MusicalKey | None = None
    error: str | None = None
    strengths: tuple[float, ...] = ()
    features: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """Shares, 0 to 1, of ``tempi`` tracks with a tempo and ``keys`` with a key; ``None`` when there are none.

    ``exact_1``, ``exact_4``: within 1 % and 4 %; ``fine``: within 0.1 %; ``octave_1``: the same but for an octave;
    ``any_1``: but for an octave or a third; ``given_1``: the true tempo is the answer or one of its alternatives.
    ``mirex``: keys with part of a point for near misses. ``beatless_none``: tracks without a tempo that got none.
    """

    tracks: int
    failed: int
    tempi: int
    fine: float | None
    exact_1: float | None
    exact_4: float | None
    octave_1: float | None
    any_1: float | None
    given_1: float | None
    keys: int
    key_exact: float | None
    mirex: float | None
    beatless: int
    beatless_none: float | None


@dataclass(frozen=True, slots=True)
class Certainty:
    """How often answers between two confidences are right within 4 %."""

    low: float
    high: float
    tracks: int
    right: float | None


def read_truths(table: Path) -> tuple[list[Truth], list[str]]:
    """The labelled tracks, and a line for each row that says nothing of use.

    Raises:
        ValueError: the table has no column ``path``, or neither ``bpm`` nor ``key``.
    """
    truths, faults = [], []
    with table.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = set(reader.fieldnames or ())
        if "path" not in columns or not columns & {"bpm", "key"}:
            raise ValueError(
                f"{table} needs the columns path, and bpm or key; it has {', '.join(sorted(columns))}"
            )
        for row in reader:
            try:
                truths.append(_truth({name: (value or "").strip() for name, value in row.items() if name}))
            except ValueError as error:
                faults.append(f"line {reader.line_num}: {error}")
    return truths, faults


def _truth(row: dict[str, str]) -> Truth:
    if not row.get("path"):
        raise ValueError("no path")
    text = row.get("key", "")
    key = MusicalKey.parse(text) if text else None
    if text and key is None:
        raise ValueError(f"{text!r} is no key")
    return Truth(row["path"], _bpm(row.get("bpm", "")), key, row.get("style", ""), row.get("split", ""))


def _bpm(text: str) -> float | None:
    if not text:
        return None
    try:
        bpm = float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no tempo") from None
    if not (math.isfinite(bpm) and bpm > 0):
        raise ValueError(f"{text!r} is no tempo")
    return bpm


def near(heard: float | None, true: float, tolerance: float, factors: Sequence[float] = (1.0,)) -> bool:
    """Whether a tempo is one of the factors times the true one, within a share of it."""
    if heard is None:
        return False
    return any(abs(heard - factor * true) <= tolerance * factor * true for factor in factors)


def mirex_weight(heard: MusicalKey | None, true: MusicalKey) -> float:
    """1 for the key, 0.5 a fifth above it, 0.3 for its relative, 0.2 for its parallel, 0 for any other."""
    if heard is None:
        return 0.0
    if heard == true:
        return 1.0
    if heard.minor == true.minor and (heard.tonic - true.tonic) % 12 == 7:
        return 0.5
    if heard == true.relative:
        return 0.3
    return 0.2 if heard.tonic == true.tonic else 0.0


def score(pairs: Sequence[tuple[Truth, Answer]]) -> Score:
    """A failed track counts as wrong in all that it has a label for."""
    tempi = [(truth.bpm, answer) for truth, answer in pairs if truth.bpm is not None]
    keys = [mirex_weight(answer.key, truth.key) for truth, answer in pairs if truth.key is not None]
    beatless = [answer.bpm is None for truth, answer in pairs if truth.bpm is None and answer.error is None]
    return Score(
        tracks=len(pairs),
        failed=sum(answer.error is not None for _, answer in pairs),
        tempi=len(tempi),
        fine=_mean(near(answer.bpm, bpm, 0.001) for bpm, answer in tempi),
        exact_1=_mean(near(answer.bpm, bpm, 0.01) for bpm, answer in tempi),
        exact_4=_mean(near(answer.bpm, bpm, 0.04) for bpm, answer in tempi),
        octave_1=_mean(near(answer.bpm, bpm, 0.01, OCTAVES) for bpm, answer in tempi),
        any_1=_mean(near(answer.bpm, bpm, 0.01, ANY_METRE) for bpm, answer in tempi),
        given_1=_mean(
            any(near(given, bpm, 0.01) for given in (answer.bpm, *answer.alternatives))
            for bpm, answer in tempi
        ),
        keys=len(keys),
        key_exact=_mean(weight == 1.0 for weight in keys),
        mirex=_mean(keys),
        beatless=len(beatless),
        beatless_none=_mean(beatless),
    )


def certainties(
    pairs: Sequence[tuple[Truth, Answer]], edges: Sequence[float] = (0, 0.4, 0.6, 0.8, 0.95, 1)
) -> list[Certainty]:
    """How often answers of each confidence are right; a confidence that means something rises with it."""
    told = [
        (answer.confidence, near(answer.bpm, truth.bpm, 0.04))
        for truth, answer in pairs
        if truth.bpm is not None and answer.bpm is not None
    ]
    out = []
    for low, high in pairwise(edges):
        right = [
            hit for confidence, hit in told if low <= confidence < high or (high == edges[-1] == confidence)
        ]
        out.append(Certainty(low, high, len(right), _mean(right)))
    return out


def _mean(values: Iterable[float]) -> float | None:
    listed = list(values)
    return sum(listed) / len(listed) if listed else None
