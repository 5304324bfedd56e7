"""``reprise worker``: work on jobs that a server, or anybody, has put into the queue."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, example, opened, when, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reprise.app import App


@click.command()
@click.option("--processes", type=click.IntRange(1, 256), help="How many; one per graphics card if left out.")
@click.option("--device", metavar="LIST", help="What they run on, with commas between: cuda:0,cuda:1.")
@click.option("--once", is_flag=True, help="End when nothing is left to do.")
@click.option("--health-port", type=click.IntRange(0, 65535), help="Where health and metrics are told.")
@click.option(
    "--health-host", default="127.0.0.1", show_default=True, help="Address for that; 0.0.0.0: every one."
)
@click.option("--list", "listed", is_flag=True, help="Show the workers of all machines, and end.")
@click.option("--log-level", help="debug, info, warning or error, to standard error.")
@click.option("--supervised", is_flag=True, hidden=True, help="One worker, which ends with standard input.")
@common_options
@example("reprise worker --processes 2 --health-port 9464")
def worker(
    processes: int | None,
    device: str | None,
    once: bool,
    health_port: int | None,
    health_host: str,
    listed: bool,
    log_level: str | None,
    supervised: bool,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Work on the jobs in the queue, of all owners, beside workers on any number of machines.

    Needs the settings catalogue_url and broker_url. Ctrl-C or SIGTERM ends it in order, a second one at once; what is in
    hand goes back and others go on with it.
    """
    flags = {"log_level": log_level, **({"device": device} if supervised else {})}
    with opened(owner, home, as_json=as_json, **flags) as app:
        if listed:
            return _list(app, as_json=as_json)
        from reprise.cli.render.log import server_logged
        from reprise.log_facts import records_say

        with (
            records_say(worker=app.storage.holder),
            server_logged(app.settings.text("log_level"), app.settings.text("log_format")),
        ):
            if supervised:
                return _work(app, once=once)
            return _supervise(
                app,
                [name.strip() for name in (device or "").split(",") if name.strip()],
                processes,
                once=once,
                health=None if health_port is None else (health_host, health_port),
                as_json=as_json,
            )


def _supervise(
    app: App,
    chosen: list[str],
    processes: int | None,
    *,
    once: bool,
    health: tuple[str, int] | None,
    as_json: bool,
) -> int:
    from reprise.working import devices_of, supervise

    def told(facts: Mapping[str, Any]) -> None:
        if as_json:
            write_json(dict(facts))
        elif facts["event"] != "slice_finished":
            click.echo(_in_words(facts), err=True)

    return supervise(app, devices_of(app, chosen, processes), told, once=once, health=health)


def _in_words(facts: Mapping[str, Any]) -> str:
    event = facts["event"]
    if event == "health":
        return f"health at {facts['url']}/health/ready, metrics at {facts['url']}/metrics"
    name = f"worker {facts['worker']}"
    if event == "worker_started":
        return f"{name} started on {facts['device']}, process {facts['pid']}"
    return f"{name} ended ({facts['how']}), started again in {facts['again_in']:.0f} s"


def _work(app: App, *, once: bool) -> int:
    """As the process of a supervisor, which reads what is told."""
    from reprise.cli.render.log import make_log
    from reprise.working import work_supervised

    settings = app.settings
    log = make_log(settings.text("log_level"), settings.text("log_format"))

    def told(facts: Mapping[str, Any]) -> None:
        with suppress(BrokenPipeError):  # whoever read it is gone, and standard input says so, too
            write_json(dict(facts))

    return work_supervised(app, told, log, once=once)


def _list(app: App, *, as_json: bool) -> int:
    from reprise.working import workers_there

    found = workers_there(app)
    if as_json:
        for one in found:
            write_json(asdict(one))
        return 0
    rows: list[tuple[object, ...]] = [
        (one.host, str(one.pid), one.device, one.release, one.job_id, when(one.started_at), when(one.seen_at))
        for one in found
    ]
    columns = ("host", "process", "device", "release", "job", "since", "seen")
    write_table("", columns, rows, whole=("job", "since", "seen"))
    sys.stdout.flush()
    return 0
