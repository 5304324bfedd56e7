"""``reprise errors``: what failed, why, and what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, emit_facts, example, opened, write_json, write_table
from reprise.errors import item_error

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.core.records import Failure


@click.command()
@click.option("--code", help="Only failures of this kind.")
@click.option("--dismissed", is_flag=True, help="Show dismissed ones too.")
@click.option(
    "--dismiss", is_flag=True, help="Dismiss them (all of --code, or one --item): they count no more."
)
@click.option("--item", "item_id", type=int, help="Only this item, with --dismiss.")
@common_options
@example("reprise errors --code truncated")
def errors(
    code: str | None,
    dismissed: bool,
    dismiss: bool,
    item_id: int | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """List what failed, with the reason and the cure of each. Try again with `reprise jobs retry`."""
    with opened(owner, home, as_json=as_json) as app:
        if dismiss:
            count = app.catalogue().ledger.dismiss(app.owner, code=code, item_id=item_id)
            emit_facts({"event": "dismissed", "count": count}, [f"{count} dismissed"], as_json=as_json)
            return 0
        found = app.catalogue().ledger.failures(app.owner, code=code, dismissed=dismissed)
        if as_json:
            _write_json(app, found)
        else:
            _write(app, found)
        return 0


def _write_json(app: App, found: list[Failure]) -> None:
    for failure in found:
        write_json(
            {
                "event": "failure",
                "item_id": failure.item_id,
                "path": failure.path,
                "label": failure.label,
                "model": failure.model,
                "code": failure.code,
                "reason": failure.message,
                "cure": item_error(failure.code, "").cure,
                "attempts": failure.attempts,
                "at": failure.at,
                "dismissed": failure.dismissed,
            }
        )
    for problem in app.scan_problems():
        write_json({"event": "scan_problem", **problem})


def _write(app: App, found: list[Failure]) -> None:
    rows: list[tuple[object, ...]] = [(f.item_id, f.model, f.code, f.message, f.path) for f in found]
    if rows:
        write_table("", ("item", "model", "code", "reason", "file"), rows, whole=("model", "code"))
        for code in sorted({failure.code for failure in found}):
            click.echo(f"{code}: {item_error(code, '').cure}")
    problems = app.scan_problems()
    if problems:
        lines: list[tuple[object, ...]] = [(p["code"], p["reason"], p["path"]) for p in problems]
        write_table("Met at the last scan:", ("code", "reason", "file"), lines, whole=("code",))
        for problem_code, cure in sorted({(p["code"], p["cure"]) for p in problems}):
            click.echo(f"{problem_code}: {cure}")
    if not rows and not problems:
        click.echo("nothing failed")
