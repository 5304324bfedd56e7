"""``reprise doctor``: checks everything and says the cure of what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from reprise.app import App
    from reprise.diagnosis import Finding

MARKS = {True: "ok", False: "FAULT", None: "note"}


@click.command()
@click.option(
    "--try",
    "trying",
    is_flag=True,
    help="Play the whole way in a folder that goes away: start a server, scan, embed, search, stop.",
)
@common_options
@example("reprise doctor")
def doctor(trying: bool, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Check settings, folders, database, vectors, models and disk; say the cure of each fault."""
    with opened(owner, home, as_json=as_json) as app:
        findings = list(_rehearsed() if trying else _diagnosed(app))
        if as_json:
            for finding in findings:
                write_json(
                    {
                        "event": "finding",
                        "check": finding.check,
                        "good": finding.good,
                        "fact": finding.fact,
                        "cure": finding.cure,
                    }
                )
        else:
            rows: list[tuple[object, ...]] = [(MARKS[f.good], f.check, f.fact, f.cure) for f in findings]
            write_table("", ("", "check", "what was found", "cure"), rows)
        return 1 if any(finding.good is False for finding in findings) else 0


def _diagnosed(app: App) -> Iterable[Finding]:
    from reprise.diagnosis import diagnose

    return diagnose(app)


def _rehearsed() -> Iterable[Finding]:
    from reprise.rehearsal import rehearse

    return rehearse(lambda text: click.echo(f"{text} …", err=True))
