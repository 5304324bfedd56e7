"""``reprise scenes``: scenes of videos that fit a text, and who is in them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, counted, example, opened, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from reprise.search.scenes.answer import ChannelReport, SceneAnswer, SceneMatch
    from reprise.search.scenes.query import SceneQuery

_WORDS_SHOWN = 60


def _weights(
    _context: click.Context, _parameter: click.Parameter, value: str | None
) -> dict[str, float] | None:
    """``transcript=0.4,lexical=0.6`` as a table. What the weights may be is the search's to say."""
    if value is None:
        return None
    weights: dict[str, float] = {}
    for entry in filter(None, map(str.strip, value.split(","))):
        name, _, number = (part.strip() for part in entry.partition("="))
        try:
            weights[name] = float(number)
        except ValueError:
            raise click.BadParameter(f"{entry!r} is no channel with a number, as in transcript=0.4") from None
    return weights


@click.command()
@click.argument("words", metavar="QUERY...", nargs=-1, required=True)
@click.option("--video", "video_id", type=int, metavar="ID", help="Only scenes of this video.")
@click.option("--library", "library_id", type=int, metavar="ID", help="Only scenes of this library.")
@click.option(
    "-n", "--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="How many scenes."
)
@click.option(
    "--weights",
    callback=_weights,
    metavar="LIST",
    help="What each channel counts, 0 to 1: transcript, visual, summary, lexical, image, person.",
)
@click.option("--fusion", type=click.Choice(["minmax", "rrf"]), help="By scores or by ranks.")
@click.option(
    "--threshold",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="The least similarity of texts, instead of each channel's own.",
)
@click.option("--save-weights", is_flag=True, help="Keep weights and fusion for later searches.")
@click.option("--explain", is_flag=True, help="Say what each channel gave each scene.")
@common_options
@example("reprise scenes 'person:Anna, cooking soup' --weights transcript=0.6,lexical=0.4 --explain")
def scenes(
    words: tuple[str, ...],
    owner: str | None,
    home: Path | None,
    as_json: bool,
    explain: bool,
    **options: Any,
) -> int:
    """Find scenes of videos by what is said, seen and written, and by who is in them (person:NAME, or a known name)."""
    with opened(owner, home, as_json=as_json) as app:
        from reprise.scene_search import SceneSearch

        answer = SceneSearch(app).search(_query(" ".join(words), options))
        if as_json:
            _as_json(answer)
        else:
            _as_table(answer, explain=explain)
        return 0


def _query(text: str, options: Mapping[str, Any]) -> SceneQuery:
    from reprise.search.scenes.query import Fusion, SceneQuery

    return SceneQuery(
        text,
        options["video_id"],
        options["library_id"],
        options["limit"],
        options["weights"],
        Fusion(options["fusion"]) if options["fusion"] else None,
        options["threshold"],
        save=options["save_weights"],
    )


def _as_json(answer: SceneAnswer) -> None:
    for place, match in enumerate(answer.matches, 1):
        write_json(_facts(match, place))
    write_json(
        {
            "event": "scenes_found",
            "count": len(answer.matches),
            "query": answer.query.text,
            "persons": [{"id": person.id, "name": person.name} for person in answer.persons],
            "rest": answer.rest,
            "spec_version": answer.spec_version,
            "fusion": answer.fusion,
            "weights": answer.weights,
            "channels": [_channel(report) for report in answer.channels],
            "degraded": answer.degraded,
            "seconds": round(answer.seconds, 4),
        }
    )


def _facts(match: SceneMatch, place: int) -> dict[str, object]:
    scene = match.scene
    return {
        "event": "scene",
        "place": place,
        "score": round(match.score, 6),
        "display": round(match.display, 4),
        "match": match.support,
        "scene_id": scene.id,
        "video_id": match.video.id,
        "video": os.fsdecode(match.video.path),
        "index": scene.index,
        "start": scene.start,
        "end": scene.end,
        "transcript": scene.transcript,
        "description": scene.description,
        "tags": list(scene.tags),
        "channels": {
            channel: {"raw": round(part.raw, 6), "scaled": round(part.scaled, 6), "rank": part.rank}
            for channel, part in match.parts.items()
        },
    }


def _channel(report: ChannelReport) -> dict[str, object]:
    return {
        "name": report.channel,
        "state": report.state,
        "reason": report.reason,
        "weight": report.weight,
        "found": report.found,
        "space": report.space,
    }


def _as_table(answer: SceneAnswer, *, explain: bool) -> None:
    rows: list[tuple[object, ...]] = [
        (place, match.display, *_where(match), _found_by(match), _words(match), match.scene.id)
        for place, match in enumerate(answer.matches, 1)
    ]
    whom = "".join(f", with {person.name}" for person in answer.persons)
    title = f"{counted(len(rows), 'scene')} for {answer.rest or answer.query.text!r}{whom}"
    write_table(f"{title} (pipeline {answer.spec_version})", _COLUMNS, rows, whole=("time",))
    for line in _told(answer):
        click.echo(line, err=True)
    if explain:
        _explain(answer)


_COLUMNS = ("#", "score", "video", "time", "found by", "words", "id")


def _where(match: SceneMatch) -> tuple[str, str]:
    from reprise.core.items import display_path

    return display_path(match.video.path), f"{_clock(match.scene.start)}-{_clock(match.scene.end)}"


def _clock(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def _found_by(match: SceneMatch) -> str:
    listed = ", ".join(match.parts)
    return f"{listed} (best guess)" if match.support == "best_guess" else listed


def _words(match: SceneMatch) -> str:
    text = match.scene.transcript or match.scene.description or match.scene.summary
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain if len(plain) <= _WORDS_SHOWN else plain[: _WORDS_SHOWN - 1] + "…"


def _told(answer: SceneAnswer) -> Iterable[str]:
    """Channels that did not answer, or not wholly; those with one reason together."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for report in answer.channels:
        if report.state not in {"answered", "unasked"}:
            reasons.setdefault((report.state, report.reason), []).append(report.channel)
    said = {"partial": "not all of", "failed": "no answer from", "absent": "not searched:"}
    return [f"{said[state]} {', '.join(channels)}: {reason}" for (state, reason), channels in reasons.items()]


def _explain(answer: SceneAnswer) -> None:
    for place, match in enumerate(answer.matches, 1):
        click.echo(f"#{place}: score {match.score:.4f}, {match.support.replace('_', ' ')}")
        for channel, part in match.parts.items():
            weight = answer.weights.get(channel, 0.0)
            click.echo(
                f"  {channel:<10} {part.raw:8.4f} -> {part.scaled:.4f} x {weight:.4f}, rank {part.rank}"
            )
