"""``reprise split``: the tracks of cue sheets as files of their own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, counted, example, opened, write_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.cuts import SplitTrack
    from reprise.core.ports import ScanProblem

OUTPUT = click.Path(path_type=Path, file_okay=False, readable=False)


@click.command()
@click.argument("folder_or_cue", type=click.Path(path_type=Path, readable=False))
@click.option("--output", required=True, metavar="DIRECTORY", type=OUTPUT, help="Where the files go.")
@common_options
@example("reprise split ~/Music/Album/album.cue --output ~/Music/Split")
def split(folder_or_cue: Path, output: Path, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Write the tracks of a cue sheet, or of all sheets in a folder, as FLAC files with tags.

    To embed tracks this is not needed: they are heard where they are. What is there already and the same is left as
    it is; another file of that name is never replaced.
    """
    from reprise.splitting import split as split_files

    with opened(owner, home, as_json=as_json) as app:
        failed = write_tracks(split_files(app, folder_or_cue, output), as_json=as_json)
        return int(failed > 0)


def write_tracks(results: Iterator[SplitTrack | ScanProblem], *, as_json: bool) -> int:
    """Do the writing that ``results`` stand for and tell of each; returns how many tracks and sheets failed."""
    from reprise.core.ports import ScanProblem

    counts = {"written": 0, "unchanged": 0, "failed": 0, "problems": 0}
    for result in results:
        if isinstance(result, ScanProblem):
            counts["problems"] += 1
            _tell_problem(result, as_json=as_json)
        else:
            counts[result.state] += 1
            _tell_track(result, as_json=as_json)
    if as_json:
        write_json({"event": "split_finished", **counts})
    else:
        problems = f", {counted(counts['problems'], 'sheet')} not used" if counts["problems"] else ""
        click.echo(
            f"{counted(counts['written'], 'track')} written, {counts['unchanged']:,} there already,"
            f" {counts['failed']:,} failed{problems}",
            err=True,
        )
    return counts["failed"] + counts["problems"]


def _tell_track(track: SplitTrack, *, as_json: bool) -> None:
    from reprise.core.items import display_path

    source, target, error = display_path(track.source), display_path(track.target), track.error
    if as_json:
        why = {"code": error.code, "reason": error.message, "cure": error.cure} if error else {}
        write_json({"event": "track_split", "source": source, "path": target, "state": track.state, **why})
    elif error is not None:
        click.echo(f"failed: {source}: {error.message}\n  {target}\n  cure: {error.cure}", err=True)
    elif track.state == "written":
        click.echo(target)


def _tell_problem(problem: ScanProblem, *, as_json: bool) -> None:
    from reprise.core.items import display_path
    from reprise.engine.scan import problem_cure

    facts = {"code": problem.code, "reason": problem.message, "cure": problem_cure(problem.code)}
    path = display_path(problem.path)
    if as_json:
        write_json({"event": "scan_problem", **facts, "path": path})
    else:
        click.echo(f"not used: {path}: {problem.message}", err=True)
