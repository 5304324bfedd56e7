"""``reprise cues``: where tracks begin, drop and break down; and all of it for Rekordbox."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, counted, example, opened, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.app import App
    from reprise.core.analysis import Analysis, CueKind
    from reprise.core.items import Item

SHOWN = 200
"""Tracks that people are shown; scripts get all."""


@click.command()
@click.argument("folder")
@click.option(
    "--rekordbox",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write tracks, beat grids and cues as XML for Rekordbox.",
)
@click.option("--force", is_flag=True, help="With --rekordbox: replace FILE if it is there.")
@common_options
@example("reprise cues ~/Music --rekordbox cues.xml")
def cues(
    folder: str, rekordbox: Path | None, force: bool, owner: str | None, home: Path | None, as_json: bool
) -> int:
    """List the cues of the tracks in FOLDER: intro, up to four drops, up to three breakdowns.

    They are found by `reprise analyze FOLDER`. No music file is changed.
    """
    with opened(owner, home, as_json=as_json) as app:
        from reprise.errors import NotFound
        from reprise.search.resolve import resolve_folder

        place = resolve_folder(app.catalogue(), app.owner, folder)
        if next(_heard(app, place), None) is None:
            raise NotFound(
                f"no track in {folder} has been analysed yet", cure=f"run: reprise analyze {folder}"
            )
        if rekordbox is not None:
            _export(app, place, rekordbox, replace=force, as_json=as_json)
        elif as_json:
            for item, analysis in _heard(app, place):
                write_json(_facts(app, item, analysis))
        else:
            _show(app, place)
        return 0


def _heard(app: App, place: tuple[int, bytes]) -> Iterator[tuple[Item, Analysis]]:
    from reprise.search.heard import heard_tracks

    return heard_tracks(app.catalogue(), app.owner, *place)


def _facts(app: App, item: Item, analysis: Analysis) -> dict[str, object]:
    tempo, key = analysis.tempo, analysis.key
    return {
        "event": "cues",
        "item_id": item.id,
        "artist": item.tags.artist,
        "title": item.tags.title,
        "path": os.fsencode(app.path_of(item)).decode("utf-8", "replace"),
        "bpm": tempo.bpm if tempo else None,
        "first_beat": tempo.first_beat if tempo else None,
        "key": key.key.name if key else None,
        "cues": [
            {"slot": slot, "kind": cue.kind.value, "seconds": cue.seconds, "strength": cue.strength}
            for slot, cue in enumerate(analysis.cues)
        ],
    }


def _show(app: App, place: tuple[int, bytes]) -> None:
    tracks = _heard(app, place)
    rows = [_row(item, analysis) for item, analysis in islice(tracks, SHOWN)]
    write_table("", ("track", "BPM", "key", "intro", "drops", "breakdowns", "file"), rows)
    more = sum(1 for _ in tracks)
    if more:
        click.echo(f"{counted(more, 'track')} more; all of them with: --json", err=True)


def _row(item: Item, analysis: Analysis) -> tuple[object, ...]:
    from reprise.core.analysis import CueKind

    tempo, key = analysis.tempo, analysis.key
    return (
        item.label,
        f"{tempo.bpm:.1f}" if tempo else "",
        key.key.name if key else "",
        _times(analysis, CueKind.INTRO),
        _times(analysis, CueKind.DROP),
        _times(analysis, CueKind.BREAKDOWN),
        item.display_path,
    )


def _times(analysis: Analysis, kind: CueKind) -> str:
    """Minutes, seconds and tenths, as players show them."""
    tenths = [round(cue.seconds * 10) for cue in analysis.cues if cue.kind is kind]
    return "  ".join(f"{at // 600}:{at // 10 % 60:02d}.{at % 10}" for at in tenths)


def _export(app: App, place: tuple[int, bytes], target: Path, *, replace: bool, as_json: bool) -> None:
    from reprise.media.rekordbox import save_collection

    left_out = 0

    def refused(item: Item, reason: str) -> None:
        nonlocal left_out
        left_out += 1
        if as_json:
            write_json({"event": "left_out", "item_id": item.id, "path": item.display_path, "reason": reason})
        else:
            click.echo(f"left out, {reason}: {item.display_path}", err=True)

    root = app.catalogue().libraries.get(app.owner, place[0]).root
    tracks = ((item, os.path.join(root, item.file), heard) for item, heard in _heard(app, place))
    written = save_collection(target, tracks, refused, replace=replace)
    if as_json:
        write_json({"event": "cues_exported", "file": str(target), "tracks": written, "left_out": left_out})
    else:
        without = f", {counted(left_out, 'track')} left out" if left_out else ""
        click.echo(f"{counted(written, 'track')} written to {target}{without}", err=True)
