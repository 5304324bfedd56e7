"""``reprise doctor``: checks everything and says the cure of what is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table

if TYPE_CHECKING:
    from pathlib import Path

MARKS = {True: "ok", False: "FAULT", None: "note"}


@click.command()
@common_options
@example("reprise doctor")
def doctor(owner: str | None, home: Path | None, as_json: bool) -> int:
    """Check settings, folders, database, vectors, models and disk; say the cure of each fault."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.diagnosis import diagnose

        findings = list(diagnose(app))
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
