"""``reprise rename check``: a template's faults and their places, or what it gives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, write_json

if TYPE_CHECKING:
    from reprise.renaming import Checked

BAD = 2


@click.command("check")
@click.argument("template")
@click.option(
    "--file",
    "sample",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The track to show it with; else one that is made up.",
)
@common_options
@example("reprise rename check '{track} - {title}< [{label}]>'")
def command(template: str, sample: Path | None, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Say what is wrong with TEMPLATE, and where; if nothing is, what a track would be called. Exit code 2: it cannot
    be used."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.renaming import Renaming

        checked = Renaming(app).check(template, sample)
        if as_json:
            write_json({"event": "template", **_facts(checked)})
        else:
            _show(template, checked)
        return 0 if checked.valid else BAD


def _facts(checked: Checked) -> dict[str, object]:
    faults = [
        {
            "position": fault.position,
            "length": fault.length,
            "message": fault.message,
            "severity": fault.severity.value,
        }
        for fault in checked.faults
    ]
    return {"valid": checked.valid, "faults": faults, "example": checked.example}


def _show(template: str, checked: Checked) -> None:
    from reprise.cli.rename.faults import pointed

    for fault in checked.faults:
        for line in pointed(template, fault.position, fault.length):
            click.echo(line)
        click.echo(f"{fault.severity}: {fault.message}")
    if checked.valid:
        click.echo(checked.example)
