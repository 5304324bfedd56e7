"""``reprise models``: what can embed."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@common_options
@example("reprise models --json")
def models(owner: str | None, home: Path | None, as_json: bool) -> int:
    """List the embedding models, built in and installed, with what they need and their licence."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.core.spec import fingerprint

        if as_json:
            for card in app.cards.values():
                write_json(asdict(card) | {"fingerprint": fingerprint(card.spec)})
            return 0
        rows: list[tuple[object, ...]] = [
            (card.name, card.spec.dimension, card.memory_mb,
             card.licence + ("" if card.commercial_use else " (non-commercial)"), card.summary)
            for card in app.cards.values()
        ]  # fmt: skip
        write_table("", ("model", "numbers", "memory MB", "licence", "summary"), rows, whole=("model",))
        return 0
