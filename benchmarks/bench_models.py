"""Neural models at their published sizes with random weights: what the engine adds to the bare network, how the source's
loop compares, memory, and what changing models takes.

``--quick`` runs all of it on tiny networks and short tracks, which shows that it works and says nothing else.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.measure import Row, report
from benchmarks.model_job import Bench, Told, embed, embed_watched, make_songs
from benchmarks.peer import Peer
from benchmarks.random_weights import PUBLISHED, TINY, make

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.peer import Work

EFFICIENCY_CPU, EFFICIENCY_GPU = 1.05, 1.10
LOOP_TIMES = 4.0
MEMORY_TIMES = 1.05
MEMORY_LEFT_MB = 50.0

SOURCE_WINDOWS = {"muq": (120.0, 15.0), "mert": (30.0, 5.0)}
"""Seconds of window and hop, by model."""

IN_A_ROW = ("muq", "mert", "music2latent")


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured. ``songs`` of ``seconds`` each beside the bare network, ``pairs`` times; ``loops`` songs
    beside the source's loop; ``row_songs`` of ``row_seconds`` for memory and changes of models."""

    weights: str
    seconds: float
    songs: dict[str, int]
    pairs: int
    loops: dict[str, int]
    row_songs: int
    row_seconds: float


FULL = Size(
    PUBLISHED,
    210.0,
    {"muq": 8, "mert": 24},
    pairs=3,
    loops={"muq": 2, "mert": 1},
    row_songs=4,
    row_seconds=40.0,
)
QUICK = Size(
    TINY, 35.0, {"muq": 3, "mert": 3}, pairs=1, loops={"muq": 1, "mert": 1}, row_songs=2, row_seconds=12.0
)


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    add_options(parser)
    parser.add_argument(
        "--part", action="append", choices=list(PARTS), help="only this; may be given several times"
    )
    options = parser.parse_args(arguments)
    size = QUICK if options.quick else FULL
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="reprise-bench-") as folder:
        bench = bench_of(options, Path(folder), size.weights, IN_A_ROW)
        for part in options.part or PARTS:
            for row in PARTS[part](bench, size):
                report([row], arguments)
                rows.append(row)
    return rows


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--quick", action="store_true", help="tiny networks, short tracks: for development")
    parser.add_argument(
        "--weights",
        type=Path,
        help="folder of weights to use and to add to; a folder that goes away if not given",
    )
    parser.add_argument("--device", default="auto", help="as the setting")
    parser.add_argument("--precision", default="auto", help="as the setting")
    parser.add_argument("--json", action="store_true", help="one JSON object per row")


def bench_of(options: argparse.Namespace, folder: Path, size: str, models: Sequence[str]) -> Bench:
    """The set-up, with weights for the models."""
    from reprise.models.accelerator import accelerator_present

    weights = options.weights or folder / "weights"
    for model in models:
        make(model, weights.resolve(), size)
    fast = accelerator_present() if options.device == "auto" else options.device != "cpu"
    coverage = "whole" if fast else "sampled"
    return Bench(folder, weights.resolve(), options.precision, options.device, coverage)


def efficiency(bench: Bench, size: Size) -> Iterator[Row]:
    """The whole job beside the bare network on the same windows, in turns."""
    for model, songs in size.songs.items():
        library = make_songs(bench.folder / f"songs-{model}", songs, size.seconds)
        turns: list[tuple[float, float, float]] = []
        with Peer("bare_network", bench.work(model, library / "0.mp3", songs), threads()) as bare:
            for turn in range(size.pairs):
                told = embed(library, [model], bench.settings(f"{model}-{turn}"))
                working = told.working_seconds(model)
                turns.append((working, bare.ask()["seconds"], told.event("job_finished")["seconds"]))
            loaded = bare.loaded
        ratio = statistics.median(job / alone for job, alone, _ in turns)
        job, alone, total = (statistics.median(column) for column in zip(*turns, strict=True))
        goal = EFFICIENCY_GPU if loaded["placement"].startswith("cuda") else EFFICIENCY_CPU
        yield Row(
            f"{model}, {bench.coverage}: whole job beside the bare network",
            f"{job:.1f} s ({total:.1f} s with scan, start and load)",
            f"{alone:.1f} s for {loaded['windows']} windows of {loaded['window_seconds']:.0f} s"
            f" ({loaded['placement']}); decoding takes {loaded['decode_seconds']:.2f} CPU s a song",
            ratio,
            f"≤ {goal:.2f}",
            ratio <= goal,
        )


def source_loop(bench: Bench, size: Size) -> Iterator[Row]:
    """The same songs by the source's loop, and by a job that hears all of each once, and as sampled."""
    for model, (window, hop) in SOURCE_WINDOWS.items():
        library = make_songs(bench.folder / f"loop-{model}", size.loops[model], size.seconds)
        whole = bench.work(model, library / "0.mp3", size.loops[model], window=window, hop=hop)
        with Peer("source_loop", whole, threads()) as loop:
            done = loop.ask()
            placement = loop.loaded["placement"]
        beside = f"{done['seconds']:.1f} s for {done['windows']} windows of {window:.0f} s every {hop:.0f} s"
        for coverage in ("whole", "sampled"):
            told = embed(library, [model], bench.settings(f"{model}-{coverage}", coverage=coverage))
            ours = told.working_seconds(model)
            faster = done["seconds"] / ours
            same = coverage == "whole"
            yield Row(
                f"{model}, {coverage}: beside the source's loop",
                f"{ours:.1f} s ({told.event('model_started')['coverage']})",
                f"{beside} ({placement})",
                faster,
                f"≥ {LOOP_TIMES:g} × faster" if same else "hears less",
                faster >= LOOP_TIMES if same else None,
            )


def in_a_row(bench: Bench, size: Size) -> Iterator[Row]:
    """Memory of all processes with one model and with three in a row, what is left of it, and the changes between."""
    library = make_songs(bench.folder / "row", size.row_songs, size.row_seconds)
    alone = {
        model: embed_watched(library, [model], bench.settings(f"alone-{model}")).most_memory
        for model in IN_A_ROW
    }
    told = embed_watched(library, IN_A_ROW, bench.settings("row"))
    largest, together = max(alone.values()), told.most_memory
    each = ", ".join(f"{model} {megabytes:,.0f} MB" for model, megabytes in alone.items())
    yield Row(
        "three models in a row: most memory at once",
        f"{together:,.0f} MB",
        f"alone: {each}",
        together / largest,
        f"≤ {MEMORY_TIMES}",
        together <= MEMORY_TIMES * largest,
    )
    memory = told.event("memory")
    grown = memory["after_mb"] - memory["before_mb"]
    yield Row(
        "the job's own process, before and after it",
        f"{memory['before_mb']:.0f} to {memory['after_mb']:.0f} MB",
        "three models, as above",
        None,
        f"< {MEMORY_LEFT_MB:.0f} MB more",
        grown < MEMORY_LEFT_MB,
    )
    for before, after in itertools.pairwise(IN_A_ROW):
        yield _change(told, before, after, _warm_seconds(bench.work(after, library / "0.mp3")))


def _warm_seconds(work: Work) -> float:
    with Peer("bare_network", work, threads()) as peer:
        return float(peer.loaded["warm_seconds"])


def _change(told: Told, before: str, after: str, warm: float) -> Row:
    """From the last vector of one model to the next one's being warm, and what that is made of."""
    stored, ended = told.at("progress", before), told.at("model_unloaded", before)
    loaded, inside = told.at("model_loaded", after), told.event("model_loaded", after)["seconds"]
    return Row(
        f"change of models: {before} to {after}",
        f"{loaded - stored:.1f} s",
        f"end {ended - stored:.1f}, cutover and start {loaded - ended - inside:.1f},"
        f" load {max(0.0, inside - warm):.1f}, warm-up {min(inside, warm):.1f} s",
        None,
        "",
        None,
    )


def threads() -> int:
    """As many as a model process gets."""
    from reprise.threads import cores

    return cores()


PARTS = {"efficiency": efficiency, "loop": source_loop, "row": in_a_row}

if __name__ == "__main__":
    main(sys.argv[1:])
