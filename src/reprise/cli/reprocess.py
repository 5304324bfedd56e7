"""``reprise reprocess``: embeddings of videos and persons are brought up to the pipeline of today."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, counted, example, opened, when, write_json, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.core.video_records import Reprocessing
    from reprise.reprocessing import Asked, Reprocessor

LISTED = 20
_THINGS = ("videos", "scenes", "photos", "persons")


@click.command()
@click.option("--scope", type=click.Choice(["video", "owner", "all"]), help="Whose embeddings.")
@click.option(
    "--video-id", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="With --scope video: which."
)
@click.option("--owner-id", metavar="NAME", help="With --scope owner: whose.")
@click.option("--force", is_flag=True, help="Make anew also what is up to date.")
@click.option(
    "--since",
    metavar="TIME",
    help="Only what was updated at or after this time (2026-11-20, 2026-11-20T18:30).",
)
@click.option("--dry-run", is_flag=True, help="Say what there is to do, step by step; change nothing.")
@click.option("--list", "listing", is_flag=True, help="List the newest runs instead, also those of a server.")
@click.option("--show", "shown", metavar="RUN", help="Show how far a run is, or how it ended, instead.")
@click.option("--workers", type=int, help="Processes that embed; 0: one per core.")
@click.option("--log-level", help="debug, info, warning or error, to standard error.")
@common_options
@example("reprise reprocess --scope all")
def reprocess(
    scope: str | None,
    video_id: int | None,
    owner_id: str | None,
    force: bool,
    since: str | None,
    dry_run: bool,
    listing: bool,
    shown: str | None,
    workers: int | None,
    log_level: str | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Bring the embeddings of a video, of an owner or of everybody up to the pipeline of today.

    What is up to date is left alone, and nothing is deleted: search answers all the while. Scenes, words and pictures
    are kept as they are; no video is opened. An interrupted run is gone on with by the same command.

    \b
    Exit codes: 0 all is up to date; 1 something failed; 2 wrong arguments.
    """
    with opened(owner, home, as_json=as_json, workers=workers, log_level=log_level) as app:
        from reprise.cli.since import parse_since
        from reprise.core.video_records import Scope
        from reprise.errors import UsageError
        from reprise.reprocessing import Asked, Reprocessor

        reprocessor = Reprocessor(app)
        if listing:
            return _list(reprocessor, as_json=as_json)
        if shown is not None:
            return _show(reprocessor, shown, as_json=as_json)
        if scope is None:
            raise UsageError("--scope is missing", cure="give --scope video, --scope owner or --scope all")
        asked = Asked(Scope(scope), video_id, owner_id, force, parse_since(since))
        if dry_run:
            return _estimate(reprocessor, asked, as_json=as_json)
        return _run(app, reprocessor, asked, as_json=as_json)


def _run(app: App, reprocessor: Reprocessor, asked: Asked, *, as_json: bool) -> int:
    from reprise.cli.render.parts import rendering_parts
    from reprise.cli.work import EXIT_CODES

    version = reprocessor.spec.version
    if not as_json:
        click.echo(f"spec {version}")
    count = reprocessor.video_count(asked)
    begun: list[Reprocessing] = []

    def begin(run: Reprocessing) -> None:
        begun.append(run)
        if as_json:
            write_json(
                {"event": "reprocess_started", "run_id": run.id, "spec_version": version,
                 "scope": run.scope, "video_count": count, "jobs": [job_id for _, job_id in run.jobs]}
            )  # fmt: skip

    def told(text: str) -> None:
        if not as_json:
            click.echo(text, err=True)

    with rendering_parts(app.settings, version, as_json=as_json) as emit:
        finished = reprocessor.run_here(asked, emit, told=told, begun=begin)
    record = reprocessor.progress(begun[0].id)
    if as_json:
        write_json({"event": "reprocess_record", **record})
        write_json(finished.as_dict())
    else:
        _summarise(record)
    if finished.state == "failed":
        return 1
    return max(EXIT_CODES[finished.state], int(record["error_count"] > 0))


def _estimate(reprocessor: Reprocessor, asked: Asked, *, as_json: bool) -> int:
    version = reprocessor.spec.version
    found = reprocessor.estimates(asked)
    if as_json:
        for selection, estimates in found:
            where = {"owner": selection.owner, "library_id": selection.library_id, "spec_version": version}
            for estimate in estimates:
                write_json({"event": "estimate"} | where | asdict(estimate))
        return 0
    click.echo(f"spec {version}")
    click.echo(f"Nothing was changed. A run would do, in {counted(reprocessor.video_count(asked), 'video')}:")
    rows: list[tuple[object, ...]] = [
        (selection.owner, selection.library_id, estimate.model, estimate.to_do, estimate.items,
         ", ".join(f"{count:,} {reason}" for reason, count in estimate.reasons.items()))
        for selection, estimates in found
        for estimate in estimates
    ]  # fmt: skip
    write_table("", ("owner", "library", "model", "to do", "of", "because"), rows, whole=("model",))
    return 0


def _list(reprocessor: Reprocessor, *, as_json: bool) -> int:
    records = [reprocessor.progress(run.id) for run in reprocessor.newest(LISTED)]
    if as_json:
        for record in records:
            write_json({"event": "reprocess_record", **record})
        return 0
    rows: list[tuple[object, ...]] = [
        (record["run_id"], record["spec_version"], record["scope"], record["state"].replace("_", " "),
         f"{record['percent']:.1f} %", record["error_count"], when(record["created_at"]))
        for record in records
    ]  # fmt: skip
    columns = ("run", "spec", "scope", "state", "percent", "errors", "created")
    write_table("", columns, rows, whole=("run", "percent", "created"))
    return 0


def _show(reprocessor: Reprocessor, run_id: str, *, as_json: bool) -> int:
    record = reprocessor.progress(run_id)
    if as_json:
        write_json({"event": "reprocess_record", **record})
        return 0
    click.echo(f"spec {record['spec_version']}")
    _summarise(record)
    return 0


def _summarise(record: dict[str, Any]) -> None:
    """What became of everything, and the first ten errors, on standard output."""
    click.echo(f"run {record['run_id']}: {record['state'].replace('_', ' ')}, scope {record['scope']}")
    rows: list[tuple[object, ...]] = [(thing, *_fates(record[thing])) for thing in _THINGS]
    rows += [(f"step {step['step']}", *_fates(step)) for step in record["steps"]]
    write_table("", ("", "total", "processed", "skipped", "failed", "left"), rows)
    if count := record["not_extracted_count"]:
        names = ", ".join(video["name"] for video in record["not_extracted"])
        more = ", …" if count > len(record["not_extracted"]) else ""
        click.echo(f"{counted(count, 'video')} without scenes yet: {names}{more}")
        click.echo("  take them in with: reprise videos ingest")
    for error in record["errors"]:
        where = f"{error['path']} (item {error['item_id']})" if error["item_id"] else f"job {error['job_id']}"
        click.echo(f"failed: {error['model']}: {where}: {error['code']}: {error['reason']}")
    if record["error_count"] > len(record["errors"]):
        click.echo(f"{record['error_count']:,} errors in all; list them with: reprise errors")


def _fates(tally: dict[str, Any]) -> tuple[int, ...]:
    return tuple(tally[fate] for fate in ("total", "processed", "skipped", "failed", "left"))
