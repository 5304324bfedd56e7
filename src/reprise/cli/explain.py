"""``reprise explain``: why an item is in its state."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, duration, example, opened, when, write_json
from reprise.cli.heard import explained

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.core.items import Item
    from reprise.engine.explain import Verdict


@click.command()
@click.argument("track")
@common_options
@example("reprise explain 'Artist/Album/01 Title.mp3'")
def explain(track: str, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Say, per model, why TRACK (a path, a title or an id) is or is not computed again."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.core.spec import fingerprint_inputs
        from reprise.engine.explain import explain as judge
        from reprise.search.resolve import resolve_item

        item = resolve_item(app.catalogue(), app.owner, track)
        analysis = app.catalogue().analyses.get(app.owner, item.id)
        cards = app.installed.cards
        verdicts = judge(app.catalogue(), cards, item)
        inputs = {name: dict(fingerprint_inputs(card.spec)) for name, card in cards.items()}
        if as_json:
            heard = {"analysis": analysis.as_dict() if analysis else None}
            models = {"models": [asdict(v) for v in verdicts], "fingerprint_inputs": inputs}
            write_json(_facts(item) | heard | models)
            return 0
        _show_item(item)
        for name, text in explained(analysis) if analysis else ():
            click.echo(f"  {name:<10} {text}")
        for verdict in verdicts:
            if verdict.space:
                _show(verdict, inputs.get(verdict.model, {}))
        _show_unasked([verdict.model for verdict in verdicts if not verdict.space])
        return 0


def _facts(item: Item) -> dict[str, object]:
    state = item.state
    return {
        "item_id": item.id,
        "label": item.label,
        "path": item.display_path,
        "size": state.size,
        "mtime_ns": state.mtime_ns,
        "digest": state.digest.hex() if state.digest else None,
        "duration": item.tags.duration,
        "missing_since": item.missing_since,
    }


def _show_item(item: Item) -> None:
    digest = item.state.digest.hex() if item.state.digest else "not read yet"
    click.echo(f"{item.label}  (item {item.id})")
    click.echo(f"  file       {item.display_path}")
    click.echo(f"  content    {item.state.size:,} bytes, essence {digest}")
    click.echo(f"  length     {duration(item.tags.duration)}")
    if item.missing_since is not None:
        click.echo(f"  missing    since {when(item.missing_since)}; its embeddings are kept for a while")


def _show_unasked(models: list[str]) -> None:
    """Models that nobody asked to embed the item need no paragraph each."""
    if models:
        click.echo(f"\nnot embedded by {', '.join(models)}")
        click.echo("  cure       reprise embed FOLDER --model NAME")


def _show(verdict: Verdict, inputs: dict[str, str | int]) -> None:
    click.echo(f"\n{verdict.model}: {verdict.state}")
    click.echo(f"  why        {verdict.why}")
    if verdict.cure:
        click.echo(f"  cure       {verdict.cure}")
    if verdict.spec_version:
        click.echo(f"  pipeline   {verdict.spec_version}")
    click.echo(f"  space      {verdict.space} ({verdict.space_state}), attempts {verdict.attempts}")
    for name, then, now in verdict.differences:
        click.echo(f"  changed    {name}: {then!r} then, {now!r} now")
    facts = ", ".join(f"{name} {value}" for name, value in inputs.items())
    click.echo(f"  fingerprint of: {facts}")
