"""``similar`` over 100,000 tracks beside the store's own query, what more of a question costs, and help's CPU time."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.big_library import ARTISTS, fill_catalogue, fill_space
from benchmarks.measure import PYTHON, Row, cost_of, median_cpu, report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.app import App
    from reprise.core.items import Item
    from reprise.core.space import Space
    from reprise.search.query import Query

QUERIES = 200
MODELS = ("acoustic", "another")
GOAL = 1.25


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tracks", type=int, default=100_000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        rows = [*_similar(Path(folder), options.tracks), _help()]
    report(rows, arguments)
    return rows


def _similar(folder: Path, tracks: int) -> Iterator[Row]:
    from reprise.app import App
    from reprise.settings import load_settings

    with App(load_settings({}, home=folder / "home")) as app:
        fill_catalogue(app, folder / "music", tracks)
        spaces = [fill_space(app, tracks, model) for model in MODELS]
        space = spaces[0]
        items = app.catalogue().items.get(app.owner, range(1, tracks + 1, max(1, tracks // QUERIES)))
        seeds = list(items.values())
        vectors = app.store.get(app.owner, space.name, list(items))
        alone, whole = [], []
        for seed in seeds:
            alone.append(_query_seconds(app, space, seed.id, vectors[seed.id]))
            whole.append(_similar_seconds(app, seed))
        ours, theirs = statistics.median(whole[5:]), statistics.median(alone[5:])
        index = app.store.verify(app.owner, space.name).index
        ratio = ours / theirs
        beside = f"store's query {theirs * 1000:.2f} ms ({index.split(',')[0]})"
        yield Row(
            f"similar over {tracks:,} tracks",
            f"{ours * 1000:.2f} ms",
            beside,
            ratio,
            f"≤ {GOAL}",
            ratio <= GOAL,
        )
        yield from _more(app, seeds, ours)


def _more(app: App, seeds: list[Item], plain: float) -> Iterator[Row]:
    """What the rest of a question costs beside the plainest one."""
    from reprise.search.query import Blend, Exclusions, Query, Seed

    one, two = MODELS
    artists = Exclusions(artists=frozenset(f"artist {n}" for n in range(0, ARTISTS, 2)))
    questions: dict[str, Callable[[int], Query]] = {
        "five seeds at once": lambda n: Query(tuple(map(Seed, seeds[n : n + 5])), (one,)),
        "any of five seeds": lambda n: Query(tuple(map(Seed, seeds[n : n + 5])), (one,), blend=Blend.ANY),
        "a negative": lambda n: Query((Seed(seeds[n]),), (one,), negatives=(seeds[n + 1],)),
        "diversity": lambda n: Query((Seed(seeds[n]),), (one,), diversity=0.5),
        "half of all artists excluded": lambda n: Query((Seed(seeds[n]),), (one,), exclusions=artists),
        "two models, fused": lambda n: Query((Seed(seeds[n]),), (one, two)),
    }
    for name, question in questions.items():
        seconds = statistics.median([_find_seconds(app, question(n)) for n in range(30)])
        yield Row(
            f"similar, {name}",
            f"{seconds * 1000:.2f} ms",
            f"plain {plain * 1000:.2f} ms",
            seconds / plain,
            "",
            None,
        )


def _find_seconds(app: App, query: Query) -> float:
    from reprise.search.find import find

    began = time.perf_counter()
    find(app.search_ports(), query)
    return time.perf_counter() - began


def _query_seconds(app: App, space: Space, key: int, vector: NDArray[np.float32]) -> float:
    began = time.perf_counter()
    app.store.search(app.owner, space.name, vector, 10, exclude=[key])
    return time.perf_counter() - began


def _similar_seconds(app: App, seed: Item) -> float:
    from reprise.search.similar import similar

    began = time.perf_counter()
    similar(app.catalogue(), app.store, app.owner, seed, "acoustic", 10)
    return time.perf_counter() - began


def _help() -> Row:
    ours = median_cpu(15, lambda: cost_of([PYTHON, "-m", "reprise", "--help"]))
    python = median_cpu(15, lambda: cost_of([PYTHON, "-c", "pass"]))
    beside = f"python alone {python * 1000:.0f} ms"
    return Row("reprise --help: CPU", f"{ours * 1000:.0f} ms", beside, ours / python, "< 150 ms", ours < 0.15)


if __name__ == "__main__":
    main(sys.argv[1:])
