"""``reprise models``: what can embed, and how fast it does so here."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table
from reprise.errors import ModelError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from reprise.app import App
    from reprise.core.choices import ModelChoices
    from reprise.core.spec import ModelCard


class ByName(click.Group):
    """``models muq`` is short for ``models show muq``."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            return "show", self.commands["show"], args
        return super().resolve_command(ctx, args)


@click.group(cls=ByName, invoke_without_command=True)
@click.option(
    "--benchmark", is_flag=True, help="Measure what the models, or those named, give on this machine."
)
@common_options
@click.pass_context
@example("reprise models muq")
def models(
    context: click.Context, benchmark: bool, owner: str | None, home: Path | None, as_json: bool
) -> int:
    """List the embedding models, built in and installed, with what they need and their licence.

    Followed by names it shows their data cards.
    """
    if context.invoked_subcommand:
        return 0
    with opened(owner, home, as_json=as_json) as app:
        if benchmark:
            return _benchmark(app, _windowed(app), as_json=as_json)
        if as_json:
            for card in app.installed.cards.values():
                write_json(_facts(card))
        else:
            rows: list[tuple[object, ...]] = [
                (card.name, card.spec.dimension, card.memory_mb, _licence(card), _state(card), card.summary)
                for card in app.installed.cards.values()
            ]
            columns = ("model", "numbers", "memory MB", "licence", "weights", "summary")
            write_table("", columns, rows, whole=("model",))
        for name, error in app.installed.broken.items():
            click.echo(f"{name}: {error.message}", err=True)
        return 0


@models.command()
@click.argument("names", nargs=-1, required=True)
@common_options
@click.pass_context
@example("reprise models show muq")
def show(
    context: click.Context, names: tuple[str, ...], owner: str | None, home: Path | None, as_json: bool
) -> int:
    """Show the data cards of models: source, licence, windows, layers, memory, weights."""
    above = context.parent.params if context.parent else {}
    as_json = as_json or above["as_json"]
    with opened(owner or above["owner"], home or above["home"], as_json=as_json) as app:
        chosen = app.models(names)
        if above["benchmark"]:
            return _benchmark(app, chosen, as_json=as_json)
        for name in chosen:
            card = app.installed.card(name)
            if as_json:
                write_json(_facts(card))
            else:
                _show(app, card)
        return 0


@models.command()
@click.argument("names", nargs=-1, required=True)
@common_options
@example("reprise models fetch muq mert")
def fetch(names: tuple[str, ...], owner: str | None, home: Path | None, as_json: bool) -> int:
    """Bring the weights of models to disk, ahead of a job. The licence is said first."""
    failed = False
    with opened(owner, home, as_json=as_json) as app:
        for name in app.models(names):
            try:
                card = app.installed.ready(name, lambda line: click.echo(line, err=True))
            except ModelError as error:
                failed = True
                _say(
                    {
                        "event": "fetched",
                        "model": name,
                        "code": error.code,
                        "message": error.message,
                        "cure": error.cure,
                    },
                    f"{error.message}\n  cure: {error.cure}",
                    as_json=as_json,
                )
            else:
                _say(
                    {"event": "fetched", "model": name, "weights": card.spec.weights},
                    f"{name}: {_state(card)}",
                    as_json=as_json,
                )
    return 1 if failed else 0


def _say(facts: dict[str, Any], line: str, *, as_json: bool) -> None:
    if as_json:
        write_json(facts)
    else:
        click.echo(line)


def _facts(card: ModelCard) -> dict[str, Any]:
    from reprise.core.spec import fingerprint

    return asdict(card) | {"fingerprint": fingerprint(card.spec)}


def _licence(card: ModelCard) -> str:
    return card.licence if card.commercial_use else f"non-commercial: {card.licence}"


def _state(card: ModelCard) -> str:
    if card.missing:
        return "refused" if card.spec.weights == "refused" else "not there yet"
    return "needs none" if card.spec.weights == "none" else "there"


def _show(app: App, card: ModelCard) -> None:
    write_table(f"{card.name}: {card.summary}", ("", ""), [tuple(row) for row in _rows(app, card)])
    click.echo()


def _rows(app: App, card: ModelCard) -> Iterator[tuple[str, object]]:
    """The data card. What may forbid its use comes first."""
    from reprise.core.spec import fingerprint

    spec = card.spec
    yield "licence of the weights", _licence(card)
    yield "source", f"{card.source}, revision {card.revision}" if card.revision else card.source
    yield "weights", _state(card)
    if card.missing:
        yield "to do", _to_do(app, card)
    elif spec.weights != "none":
        yield "digest", spec.weights
    if spec.sample_rate:
        yield "sample rate", f"{spec.sample_rate:,} Hz"
    yield "hears" if spec.sample_rate else "takes in", card.coverage
    yield "pooling", spec.pooling
    yield "numbers", spec.dimension
    yield "memory", f"{card.memory_mb:,} MB"
    yield "reads text", card.reads_text
    yield from card.facts
    yield "fingerprint", fingerprint(spec)


def _to_do(app: App, card: ModelCard) -> str:
    if card.spec.weights == "refused" or not card.repository:
        return card.missing
    from reprise.measuring import weights_folder

    folder = weights_folder(app, card.name)
    return f"reprise models fetch {card.name}, or put {card.missing} into {folder}"


def _windowed(app: App) -> list[str]:
    from reprise.core.spec import Execution

    return [name for name, card in app.installed.cards.items() if card.execution is Execution.WINDOWED]


def _benchmark(app: App, names: Sequence[str], *, as_json: bool) -> int:
    """One line for each way in which a model can run here; those whose weights are missing say so and are left out.

    Returns the exit code: 1 when one failed, or nothing was there to be measured.
    """
    from reprise.measuring import ways_to_run

    rows: list[dict[str, Any]] = []
    for name in names:
        card = app.installed.card(name)
        if card.missing:
            click.echo(f"{name}: {_to_do(app, card)}", err=True)
            continue
        for choices in ways_to_run(app, name):
            click.echo(f"{name}: {choices.engine}, {choices.precision} …", err=True)
            rows.append(_measured(app, name, choices))
            if as_json:
                write_json({"event": "benchmark", **rows[-1]})
    if rows and not as_json:
        columns = ("model", "engine", "precision", "load s", "batch", "audio s per s", "memory MB", "ran as")
        table = [tuple(row[key] for key in _COLUMNS) for row in rows]
        write_table("", columns, table, whole=("model",))
    return 1 if not rows or any(row["error"] for row in rows) else 0


_COLUMNS = ("model", "engine", "precision", "load_seconds", "batch", "speed", "memory_mb", "placement")


def _measured(app: App, name: str, choices: ModelChoices) -> dict[str, Any]:
    from reprise.measuring import measure

    facts: dict[str, Any] = {"model": name, "engine": choices.engine, "precision": choices.precision}
    try:
        if choices.engine == "openvino":
            measure(app, name, choices)  # compiles, which is done once
        found = measure(app, name, choices)
    except (ModelError, UsageError) as error:
        return facts | dict.fromkeys(_COLUMNS[3:7]) | {"placement": error.message, "error": error.code}
    return facts | {
        "load_seconds": round(found.load_seconds, 2),
        "batch": found.batch,
        "speed": round(found.audio_seconds_per_second, 1),
        "memory_mb": round(found.memory_mb),
        "placement": found.placement,
        "error": "",
    }
