"""``reprise duplicates``: which tracks are the same recording, and which only sound alike."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING

import click

from reprise.cli.common import common_options, counted, duration, example, opened, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from reprise.app import App
    from reprise.core.items import Item
    from reprise.search.duplicates import Duplicates, Evidence

SHOWN = 50
"""Groups that people are shown unless they ask for more."""

MANY_PAIRS = 2000
"""From here on comparing takes seconds, and a line says so."""

TITLES = {
    "same_recording": "the same recording",
    "part": "one recording, as far as both go",
    "alike": "sounds alike, another recording",
}


@click.command()
@click.argument("folder", required=False, metavar="[FOLDER]")
@click.option(
    "--alike/--no-alike",
    default=True,
    show_default=True,
    help="Also what only sounds alike: live versions, remakes.",
)
@click.option(
    "-n",
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help=f"How many groups; 0 for all. {SHOWN} if left out, with --json all.",
)
@common_options
@example("reprise duplicates ~/Music/New --no-alike")
def duplicates(
    folder: str | None,
    alike: bool,
    limit: int | None,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Report which tracks are duplicates, with the evidence. Nothing is deleted or merged.

    Compared are all tracks that `reprise analyze` has heard, in all libraries. With FOLDER only groups are shown of
    which a track lies there.
    """
    with opened(owner, home, as_json=as_json) as app:
        found = _find(app, folder, alike=alike)
        most = limit if limit is not None else (0 if as_json else SHOWN)
        if as_json:
            _write(app, found, most)
        else:
            _show(app, found, most)
        return 0


def _find(app: App, folder: str | None, *, alike: bool) -> list[Duplicates]:
    from reprise.errors import NotFound
    from reprise.search.duplicates import find_duplicates, in_folder
    from reprise.search.resolve import resolve_folder

    place = None if folder is None else resolve_folder(app.catalogue(), app.owner, folder)
    if not app.catalogue().analyses.count(app.owner):
        raise NotFound(
            "no track has been analysed yet, so nothing can be compared",
            cure=f"run: reprise analyze {folder or 'FOLDER'}",
        )
    found = find_duplicates(app.search_ports(), alike=alike, progress=_tell)
    return found if place is None else in_folder(found, *place)


def _tell(done: int, total: int) -> None:
    if done == 1 and total >= MANY_PAIRS:
        click.echo(f"comparing {counted(total, 'pair')} of tracks", err=True)


def _counts(found: Sequence[Duplicates]) -> dict[str, int]:
    count = Counter(group.kind.value for group in found)
    return {kind: count[kind] for kind in TITLES}


def _write(app: App, found: Sequence[Duplicates], most: int) -> None:
    from reprise.search.duplicates import evidence_facts

    for group in found[: most or None]:
        items = {item.id: item for item in group.items}
        write_json(
            {
                "event": "duplicates",
                "kind": group.kind.value,
                "certainty": round(group.certainty, 4),
                "items": [_facts(app, item) for item in group.items],
                "evidence": [
                    evidence_facts(one, items[one.first], items[one.second]) for one in group.evidence
                ],
            }
        )
    write_json(
        {"event": "duplicates_found", "tracks": app.catalogue().analyses.count(app.owner), **_counts(found)}
    )


def _facts(app: App, item: Item) -> dict[str, object]:
    from reprise.search.duplicates import format_of, kbps_of

    return {
        "item_id": item.id,
        "artist": item.tags.artist,
        "title": item.tags.title,
        "album": item.tags.album,
        "path": os.fsencode(app.path_of(item)).decode("utf-8", "replace"),
        "seconds": item.tags.duration,
        "format": format_of(item),
        "kbps": kbps_of(item),
        "bytes": item.state.size,
    }


def _show(app: App, found: Sequence[Duplicates], most: int) -> None:
    shown = found[: most or None]
    for number, group in enumerate(shown, 1):
        places = {item.id: place for place, item in enumerate(group.items, 1)}
        title = f"{number}. {TITLES[group.kind]}, certainty {group.certainty:.2f}"
        write_table(title, ("#", "track", "length", "format", "kbps", "MB", "file", "id"), _rows(group))
        for one in group.evidence:
            click.echo(f"   {places[one.first]} and {places[one.second]}: {_words(one)}")
        click.echo()
    counts = _counts(found)
    tracks = counted(app.catalogue().analyses.count(app.owner), "track")
    kinds = ", ".join(f"{count:,} × {TITLES[kind]}" for kind, count in counts.items() if count)
    click.echo(f"{tracks} compared: {kinds or 'no duplicates'}")
    if len(shown) < len(found):
        click.echo(f"{counted(len(found) - len(shown), 'group')} more; all of them with: -n 0", err=True)


def _rows(group: Duplicates) -> list[tuple[object, ...]]:
    from reprise.core.items import display_path
    from reprise.search.duplicates import format_of, kbps_of

    return [
        (
            place,
            item.label,
            duration(item.tags.duration),
            format_of(item),
            kbps_of(item) or "",
            f"{item.state.size / 1e6:.1f}",
            display_path(item.path),
            item.id,
        )
        for place, item in enumerate(group.items, 1)
    ]


def _words(one: Evidence) -> str:
    """The evidence as a person reads it."""
    from reprise.search.duplicates import Kind

    heard = f"{one.similarity:.0%} of the fingerprint over {duration(one.overlap_seconds)}"
    later = one.offset_seconds
    shifted = (
        f", {abs(later):.1f} s {'later' if later > 0 else 'earlier'} in the second"
        if abs(later) >= 0.1
        else ""
    )
    sound = "" if one.cosine is None else f"; sound {one.cosine:.3f}"
    length = one.seconds_apart
    apart = f"; {abs(length):.1f} s {'longer' if length > 0 else 'shorter'}" if abs(length) >= 0.1 else ""
    if one.kind is Kind.ALIKE:
        return f"sound {one.cosine:.3f}, but only {one.similarity:.0%} of the fingerprint{apart}"
    return f"{heard}{shifted}{sound}{apart}"
