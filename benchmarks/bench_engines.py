"""What each engine and precision that this machine has gives for each model, and how well it agrees with PyTorch in float32.

The networks have their published sizes and random weights, so the agreement is that of such numbers; with real ones it
is measured whenever a model is loaded with the precision ``auto``. ``reprise models --benchmark`` measures the weights
that are there, one way after the other; here all ways of a model are loaded at once and take turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.bench_models import add_options, bench_of, threads
from benchmarks.measure import Row, report
from benchmarks.model_job import make_songs
from benchmarks.peer import Peer
from benchmarks.random_weights import PUBLISHED, TINY
from reprise.models.precision import agreement
from reprise.models.ways import ways

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.model_job import Bench
    from benchmarks.peer import Work
    from reprise.core.choices import ModelChoices

MODELS = ("muq", "mert", "music2latent", "clap")

MOST_WINDOWS = 3
"""Of 5 or 10 s; Music2Latent takes them one at a time."""

FEWER = {"music2latent": 1}


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    add_options(parser)
    parser.add_argument("--model", action="append", choices=MODELS)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args(arguments)
    models = options.model or MODELS
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        bench = bench_of(options, Path(folder), TINY if options.quick else PUBLISHED, models)
        track = make_songs(Path(folder) / "songs", 1, 35.0 if options.quick else 70.0) / "0.mp3"
        for model in models:
            rows += of_model(bench, model, track, options.rounds)
            report([row for row in rows if row.promise.startswith(f"{model}:")], arguments)
    return rows


def of_model(bench: Bench, model: str, track: Path, rounds: int) -> Iterator[Row]:
    """All ways of one model, loaded at once, in turns. The first of them is what the others are compared with."""
    works = [_work(bench, model, track, choices) for choices in ways(_choices(bench, model, track))]
    with ExitStack() as stack:
        peers = [stack.enter_context(Peer("bare_network", work, threads())) for work in works]
        turns = [[peer.ask()["seconds"] for peer in peers] for _ in range(rounds)]
        loaded = [peer.loaded for peer in peers]
    reference = _features(works[0])
    for place, work in enumerate(works):
        own = [turn[place] for turn in turns]
        faster = statistics.median(turn[0] / turn[place] for turn in turns)
        sound = loaded[place]["windows"] * loaded[place]["window_seconds"]
        cosine = agreement([reference], [_features(work)])
        yield Row(
            f"{model}: {work.choices['engine']}, {work.choices['precision']}",
            f"{sound / statistics.median(own):.1f} s of sound a second",
            f"{loaded[place]['placement']}; load {loaded[place]['load_seconds']:.1f} s; cosine {cosine:.6f}",
            faster,
            "",
            None,
        )


def _choices(bench: Bench, model: str, track: Path) -> ModelChoices:
    return bench.work(model, track).model_choices()


def _work(bench: Bench, model: str, track: Path, choices: ModelChoices) -> Work:
    most = FEWER.get(model, MOST_WINDOWS)
    chosen: dict[str, Any] = {"engine": choices.engine, "precision": choices.precision}
    return bench.work(model, track, most_windows=most, **chosen)


def _features(work: Work) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Of the first window, as the peer left them. Shape (D,) or (T, D)."""
    features: np.ndarray[tuple[int, ...], np.dtype[np.float32]] = np.load(Path(work.output) / "features.npy")[
        0
    ]
    return features


if __name__ == "__main__":
    main(sys.argv[1:])
