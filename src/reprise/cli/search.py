"""``reprise search``: music that fits a text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, example, opened
from reprise.cli.finding.options import (
    exclusion_options,
    limit_option,
    playlist_options,
    query_of,
    taste_options,
)

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@click.argument("words", metavar="TEXT...", nargs=-1, required=True)
@click.option(
    "--model",
    "models",
    multiple=True,
    required=True,
    metavar="NAME",
    help="A model that reads text; several times for several.",
)
@limit_option(10)
@taste_options
@exclusion_options
@playlist_options
@common_options
@example("reprise search 'warm analogue synths, slow' --model clap -n 30")
def search(
    words: tuple[str, ...],
    models: tuple[str, ...],
    owner: str | None,
    home: Path | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Find music that sounds as TEXT describes it, by a model that knows both. For titles see `similar`."""
    with opened(owner, home, as_json=as_json) as app:
        app.models(models)
        from reprise.cli.finding.output import Output
        from reprise.search.find import find
        from reprise.search.query import Seed

        text = " ".join(words)
        found = find(app.search_ports(), query_of(app, (Seed(text),), models, options))
        return Output(app, as_json=as_json, options=options).found(found, f"fits {text!r} ({found.model})")
