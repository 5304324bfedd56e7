"""``reprise status``: what there is, what is embedded, what is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, duration, example, opened, when, write_json, write_table
from reprise.cli.libraries import HOLDS
from reprise.core.items import display_path

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App


@click.command()
@common_options
@example("reprise status")
def status(owner: str | None, home: Path | None, as_json: bool) -> int:
    """Show libraries, what is embedded by which model, open work and the newest job."""
    with opened(owner, home, as_json=as_json) as app:
        libraries, models = _libraries(app), _models(app)
        newest = app.catalogue().jobs.all(app.owner, 1)
        if as_json:
            newest_id = newest[0].id if newest else None
            write_json(
                {"owner": app.owner, "libraries": libraries, "models": models, "newest_job": newest_id}
            )
            return 0
        _show(libraries, models)
        for job in newest:
            click.echo(
                f"\nnewest job: {job.id}, {job.state.replace('_', ' ')}, {job.percent:.1f} %, {when(job.created_at)}"
            )
        return 0


def _libraries(app: App) -> list[dict[str, Any]]:
    found = []
    for library in app.catalogue().libraries.all(app.owner):
        counts = app.catalogue().libraries.counts(app.owner, library.id)
        found.append(
            {
                "id": library.id,
                "name": library.name,
                "kind": library.kind,
                "root": display_path(library.root),
                "items": counts.items,
                "missing": counts.missing,
                "audio_seconds": counts.audio_seconds,
                "bytes": counts.bytes,
            }
        )
    return found


def _models(app: App) -> list[dict[str, Any]]:
    catalogue = app.catalogue()
    serving = {pointer.space.id for pointer in catalogue.spaces.pointers(app.owner)}
    found = []
    for space in catalogue.spaces.all(app.owner):
        if space.state == "dropped":
            continue
        counts = catalogue.ledger.counts(app.owner, space.id)
        found.append(
            {
                "model": space.model,
                "space": space.name,
                "state": space.state,
                "serving": space.id in serving,
                "vectors": counts["vectors"],
                "open": counts.get("pending", 0) + counts.get("leased", 0),
                "failed": counts.get("failed", 0),
            }
        )
    return found


def _show(libraries: list[dict[str, Any]], models: list[dict[str, Any]]) -> None:
    rows: list[tuple[object, ...]] = [
        (row["id"], HOLDS[row["kind"]], row["name"], row["items"], row["missing"],
         duration(row["audio_seconds"]), row["root"])
        for row in libraries
    ]  # fmt: skip
    columns: tuple[str, ...] = ("id", "holds", "name", "items", "missing", "length", "folder")
    write_table("Libraries", columns, rows, whole=("length",))
    click.echo()
    columns = ("space", "state", "serving", "vectors", "open", "failed")
    write_table("Embeddings", columns, [tuple(row[column] for column in columns) for row in models])
