"""``reprise spaces``: the vectors of each spec, and which of them search answers from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, emit_facts, example, opened, when, write_json, write_table
from reprise.cli.render import rendering

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.core.space import Space


@click.group(invoke_without_command=True)
@common_options
@click.pass_context
@example("reprise spaces")
def spaces(context: click.Context, owner: str | None, home: Path | None, as_json: bool) -> int:
    """List the spaces of vectors; switch back to an earlier one, verify, drop."""
    if context.invoked_subcommand:
        return 0
    with opened(owner, home, as_json=as_json) as app:
        rows = [_facts(app, space) for space in app.catalogue().spaces.all(app.owner)]
        if as_json:
            for row in rows:
                write_json(row)
            return 0
        columns = ("space", "state", "serving", "vectors", "failed", "created", "note")
        table: list[tuple[object, ...]] = [
            (*(row[column] for column in columns[:-2]), when(row["created_at"]), row["note"]) for row in rows
        ]
        write_table("", columns, table, whole=("space", "created"))
        return 0


def _facts(app: App, space: Space) -> dict[str, Any]:
    catalogue = app.catalogue()
    counts = catalogue.ledger.counts(app.owner, space.id)
    pointer = catalogue.spaces.pointer(app.owner, space.model)
    return {
        "space": space.name,
        "model": space.model,
        "state": space.state,
        "serving": pointer is not None and pointer.space.id == space.id,
        "dimension": space.dimension,
        "vectors": counts["vectors"],
        "failed": counts.get("failed", 0),
        "fingerprint": space.fingerprint,
        "created_at": space.created_at,
        "note": catalogue.spaces.note(app.owner, space.id),
    }


@spaces.command()
@click.argument("model")
@common_options
@example("reprise spaces rollback acoustic")
def rollback(model: str, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Let search with MODEL answer from the previous space again."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.engine.cutover import roll_back

        now, before = roll_back(app.catalogue(), app.owner, model)
        facts = {"event": "rolled_back", "model": model, "space": now.name, "previous": before.name}
        emit_facts(facts, [f"search with {model} answers from {now.name} again"], as_json=as_json)
        return 0


@spaces.command()
@click.argument("space")
@click.option("--anyway", is_flag=True, help="Even if it holds fewer vectors than the one that serves now.")
@common_options
@example("reprise spaces activate acoustic-1f2e3d4c5b6a")
def activate(space: str, anyway: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Let search answer from SPACE, once it has passed its gates."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.engine.cutover import cut_over

        coverage = app.settings.number("cutover_coverage")
        with rendering(app.settings, as_json=as_json) as emit:
            found = app.space_named(space)
            done = cut_over(app.catalogue(), app.keeping, emit, found, coverage=coverage, anyway=anyway)
        return 0 if done else 1


@spaces.command()
@click.argument("space", required=False)
@common_options
@example("reprise spaces verify")
def verify(space: str | None, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Check every stored vector of SPACE, or of all spaces, against its checksum and the ledger."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.diagnosis import space_report

        chosen = [app.space_named(space)] if space else app.living_spaces()
        sound = True
        for one in chosen:
            report = space_report(app, one)
            expected = app.catalogue().ledger.counts(app.owner, one.id)["vectors"]
            good = not report.damaged and report.count == expected
            sound = sound and good
            facts = {
                "event": "verified",
                "space": one.name,
                "vectors": report.count,
                "expected": expected,
                "damaged": list(report.damaged),
                "index": report.index,
                "problem": report.problem,
                "good": good,
            }
            verdict = "good" if good else f"{len(report.damaged)} damaged, {expected} expected"
            line = f"{one.name}: {report.count:,} vectors, {verdict}; index: {report.index} {report.problem}"
            emit_facts(facts, [line.rstrip()], as_json=as_json)
        return 0 if sound else 1


@spaces.command()
@click.argument("space")
@click.option("--yes", is_flag=True, help="Do not ask.")
@common_options
@example("reprise spaces drop acoustic-1f2e3d4c5b6a --yes")
def drop(space: str, yes: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Delete a SPACE that search does not answer from."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.engine.cutover import drop_space

        found = app.space_named(space)
        if not yes:
            click.confirm(f"delete the vectors of {found.name}?", abort=True, err=True)
        drop_space(app.catalogue(), app.keeping, found)
        emit_facts({"event": "dropped", "space": found.name}, [f"dropped {found.name}"], as_json=as_json)
        return 0
