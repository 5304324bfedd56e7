"""How right Reprise's tempi and keys are: ``python -m benchmarks.score_analysis FOLDER [--truth truth.csv]``.

The table beside the tracks has the columns path (below the folder), bpm and key, and if you like style and split: any
labelled folder of your own will do, as well as the one that ``python -m benchmarks.corpus`` renders. ``--peers
essentia,librosa`` scores those in the same run, where they are installed. ``--prior`` shows what the library's own tempo
tags are worth: the octave is learnt from the tracks of the split ``train``, and from all but a fifth in turn.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.score_peers import LISTENERS, PACKAGES
from benchmarks.score_prior import with_prior
from benchmarks.scoring import Answer, Score, Truth, certainties, read_truths, score

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Pairs = list[tuple[Truth, Answer]]

COLUMNS = (
    ("fine", "0.1%"),
    ("exact_1", "1%"),
    ("exact_4", "4%"),
    ("octave_1", "octave"),
    ("any_1", "any"),
    ("given_1", "given"),
    ("key_exact", "key"),
    ("mirex", "mirex"),
    ("beatless_none", "no beat"),
)
"""Fields of :class:`Score` and their headings."""

TEMPO_FIELDS = ["fine", "exact_1", "exact_4", "octave_1", "any_1", "given_1", "beatless_none"]
KEY_FIELDS = ["key_exact", "mirex"]


def heard(truth: Truth, folder: Path, listener: str) -> Answer:
    """What a listener says of one track; whatever goes wrong is the track's own fault, and is told."""
    path = folder / truth.path
    try:
        if not path.is_file():
            return Answer(truth.path, error="there is no such file")
        return replace(LISTENERS[listener](path), path=truth.path)
    except Exception as error:  # noqa: BLE001  a peer raises what it likes; the reason becomes the row
        return Answer(truth.path, error=f"{type(error).__name__}: {error}")


def groups(pairs: Pairs) -> dict[str, Pairs]:
    """All tracks, those of each split, and those of each style, where the table names them."""
    named: dict[str, Pairs] = {"all": pairs}
    for split in sorted({truth.split for truth, _ in pairs} - {""}):
        named[f"split {split}"] = [pair for pair in pairs if pair[0].split == split]
    for style, split in sorted({(truth.style, truth.split) for truth, _ in pairs if truth.style}):
        label = f"{style} ({split})" if split else style
        named[label] = [pair for pair in pairs if (pair[0].style, pair[0].split) == (style, split)]
    return named


def report(listener: str, pairs: Pairs) -> dict[str, Any]:
    """One listener's scores as plain values."""
    return {
        "listener": listener,
        "groups": {name: asdict(score(chosen)) | unsaid(pairs) for name, chosen in groups(pairs).items()},
        "confidence": {
            name: [asdict(row) for row in certainties(chosen)]
            for name, chosen in groups(pairs).items()
            if name == "all" or name.startswith("split ")
        },
        "failed": [{"path": truth.path, "reason": answer.error} for truth, answer in pairs if answer.error],
    }


def unsaid(pairs: Pairs) -> dict[str, None]:
    """The fields in which a listener is not judged: one that tells no track's tempo, or no key, does not hear that."""
    answers = [answer for _, answer in pairs if answer.error is None]
    without = [] if any(answer.bpm for answer in answers) else TEMPO_FIELDS
    return dict.fromkeys([*without, *([] if any(answer.key for answer in answers) else KEY_FIELDS)])


def show(found: dict[str, Any]) -> Iterable[str]:
    """The report as lines of a table."""
    yield f"\n{found['listener']}"
    yield f"{'':<28}{'tracks':>7}" + "".join(f"{heading:>9}" for _, heading in COLUMNS)
    for name, values in found["groups"].items():
        numbers = Score(**values)
        shares = (getattr(numbers, field) for field, _ in COLUMNS)
        yield f"{name:<28}{numbers.tracks:>7}" + "".join(f"{_share(share):>9}" for share in shares)
    for name, rows in found["confidence"].items():
        told = ", ".join(
            f"{row['low']:g}-{row['high']:g}: {_share(row['right'])} of {row['tracks']}" for row in rows
        )
        yield f"right within 4 % by confidence, {name}: {told}"
    for row in found["failed"]:
        yield f"failed: {row['path']}: {row['reason']}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def listeners(asked: str) -> tuple[list[str], list[str]]:
    """Who listens, and a line for each peer that cannot."""
    names, absent = ["reprise"], []
    for package in filter(None, asked.split(",")):
        if package not in PACKAGES:
            absent.append(f"{package} is no peer that is known here: {', '.join(PACKAGES)}")
        elif importlib.util.find_spec(package) is None:
            absent.append(f"{package} is not installed in this environment, so it was not scored")
        else:
            names += PACKAGES[package]
    return names, absent


def main(arguments: Sequence[str] | None = None, say: Callable[[str], object] = print) -> int:
    """Exit code 0 when all tracks were scored, 1 when some failed, 2 when the table is of no use."""
    asked = _parse(arguments)
    table = asked.folder / asked.truth
    try:
        truths, faults = read_truths(table)
    except (OSError, ValueError) as error:
        print(f"{table}: {error}", file=sys.stderr)
        return 2
    truths = [truth for truth in truths if asked.split in {"", truth.split}]
    names, absent = listeners(asked.peers)
    for line in [*faults, *absent]:
        print(line, file=sys.stderr)
    reports = []
    with ProcessPoolExecutor(asked.processes) as pool:
        for name in names:
            answers = pool.map(partial(heard, folder=asked.folder, listener=name), truths, chunksize=2)
            pairs = list(zip(truths, answers, strict=True))
            reports.append(report(name, pairs))
            if name == "reprise" and asked.prior:
                reports += [report(title, settled) for title, settled in with_prior(pairs).items()]
    if asked.json:
        say(json.dumps({"table": str(table), "faults": faults, "absent": absent, "listeners": reports}))
    else:
        for found in reports:
            say("\n".join(show(found)))
    return 1 if faults or any(found["failed"] for found in reports) else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.score_analysis", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--truth", default="truth.csv", help="the table, below the folder")
    parser.add_argument("--split", default="", help="only the tracks of this split")
    parser.add_argument("--peers", default="", help=f"of {', '.join(PACKAGES)}, with commas between")
    parser.add_argument("--prior", action="store_true", help="also with the octave learnt from tempo tags")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(main())
