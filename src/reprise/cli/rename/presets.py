"""``reprise rename presets``: ready templates, and what templates are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table

if TYPE_CHECKING:
    from pathlib import Path


@click.command("presets")
@click.option("--fields", is_flag=True, help="List the fields of templates instead.")
@common_options
@example("reprise rename presets --fields")
def command(fields: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """List templates that are ready to use, each with a name that it gives."""
    with opened(owner, home, as_json=as_json):
        if fields:
            _write_fields(as_json=as_json)
        else:
            _write_presets(as_json=as_json)
        return 0


def _write_presets(*, as_json: bool) -> None:
    from reprise.rename.presets import PRESETS

    if as_json:
        for one in PRESETS:
            write_json({"event": "preset", **one._asdict(), "example": one.example})
        return
    for one in PRESETS:
        click.echo(f"{click.style(one.id, bold=True)}: {one.summary}\n  {one.template}\n  {one.example}")


def _write_fields(*, as_json: bool) -> None:
    from reprise.renaming import Renaming

    fields = Renaming.fields()
    if as_json:
        for field in fields:
            write_json({"event": "field", **field._asdict()})
        return
    rows: list[tuple[object, ...]] = [(f"{{{name}}}", summary, sample) for name, summary, sample in fields]
    rows.append(("{tag:NAME}", "any other tag of the file, by its name", ""))
    write_table("", ("field", "what it is", "example"), rows)
