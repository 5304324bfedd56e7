"""Options of the commands that find music, and the question that they make."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reprise.app import App
    from reprise.core.items import Item
    from reprise.search.query import Exclusions, Query, Seed

Decorated = TypeVar("Decorated", bound="Callable[..., Any]")
SHARE = click.FloatRange(0, 1)


def limit_option(default: int) -> Callable[[Decorated], Decorated]:
    return click.option(
        "-n",
        "--limit",
        type=click.IntRange(1, 10_000),
        default=default,
        show_default=True,
        help="How many.",
    )


def taste_options(function: Decorated) -> Decorated:
    """How several models are asked, what the answer must not be like, and how varied it is."""
    return _with(
        function,
        click.option(
            "--merge",
            type=click.Choice(["fusion", "union", "intersection", "priority"]),
            default="fusion",
            show_default=True,
            help="How the answers of several models become one.",
        ),
        click.option(
            "--agree",
            type=click.IntRange(min=1),
            default=1,
            metavar="N",
            help="Only tracks that N of the models list.",
        ),
        click.option(
            "--not", "unlike", multiple=True, metavar="TRACK", help="Nothing that sounds like this one."
        ),
        click.option(
            "--not-text", "unlike_text", multiple=True, metavar="TEXT", help="Nothing that sounds like this."
        ),
        click.option(
            "--not-strength",
            type=SHARE,
            default=0.5,
            show_default=True,
            metavar="X",
            help="How much that counts, 0 to 1.",
        ),
        click.option(
            "--diversity",
            type=SHARE,
            default=0.0,
            metavar="X",
            help="How different the tracks are from each other, 0 to 1.",
        ),
    )


def exclusion_options(function: Decorated) -> Decorated:
    return _with(
        function,
        click.option("--exclude", multiple=True, metavar="TRACK", help="Leave this track out."),
        click.option(
            "--exclude-folder", multiple=True, metavar="FOLDER", help="Leave out what lies in this folder."
        ),
        click.option("--exclude-artist", multiple=True, metavar="NAME", help="Leave this artist out."),
    )


def playlist_options(function: Decorated) -> Decorated:
    return _with(
        function,
        click.option("--m3u", is_flag=True, help="Print an M3U playlist with absolute paths instead."),
        click.option(
            "--save",
            type=click.Path(path_type=Path, dir_okay=False),
            metavar="FILE",
            help="Write that playlist to a file, too.",
        ),
        click.option(
            "--send", metavar="NAME", help="Make it a playlist of that name on the Subsonic server."
        ),
    )


def _with(function: Decorated, *options: Callable[[Decorated], Decorated]) -> Decorated:
    for option in reversed(options):
        function = option(function)
    return function


def models_of(app: App, named: Sequence[str]) -> tuple[str, ...]:
    """The models named, or the one that search answers with. Raises ``UnknownModel``, ``ModelLoadFailed``."""
    from reprise.search.serving import model_of_choice

    return app.models(named or (model_of_choice(app.catalogue(), app.owner),))


def seeds_of(app: App, tracks: Sequence[str], weights: Sequence[float]) -> tuple[Seed, ...]:
    """The tracks that are meant, each with its weight. Raises ``click.UsageError`` unless all or none have one."""
    from reprise.search.query import Seed

    if weights and len(weights) != len(tracks):
        raise click.UsageError(
            f"{len(tracks)} tracks and {len(weights)} weights: give one for each, in order"
        )
    return tuple(
        Seed(track, weight)
        for track, weight in zip(tracks_of(app, tracks), weights or [1.0] * len(tracks), strict=True)
    )


def tracks_of(app: App, tracks: Sequence[str]) -> tuple[Item, ...]:
    from reprise.search.resolve import resolve_item

    return tuple(resolve_item(app.catalogue(), app.owner, track) for track in tracks)


def query_of(
    app: App,
    seeds: tuple[Seed, ...],
    models: tuple[str, ...],
    options: Mapping[str, Any],
    blend: str = "mean",
) -> Query:
    """The question, of the values that ``limit_option``, ``taste_options`` and ``exclusion_options`` gave."""
    from reprise.search.query import Blend, Merge, Query

    return Query(
        seeds,
        models,
        options["limit"],
        Blend(blend),
        Merge(options["merge"]),
        options["agree"],
        (*tracks_of(app, options["unlike"]), *options["unlike_text"]),
        options["not_strength"],
        options["diversity"],
        exclusions_of(app, options),
    )


def exclusions_of(app: App, options: Mapping[str, Any]) -> Exclusions:
    """Raises ``NotFound`` for a track or a folder that is not known."""
    from reprise.core.names import folded
    from reprise.search.query import Exclusions
    from reprise.search.resolve import resolve_folder

    for artist in options["exclude_artist"]:
        if not app.catalogue().items.by_text(app.owner, artist, 1):
            click.echo(f"no track is by {artist!r}: nothing is left out for it", err=True)
    return Exclusions(
        frozenset(item.id for item in tracks_of(app, options["exclude"])),
        tuple(resolve_folder(app.catalogue(), app.owner, text) for text in options["exclude_folder"]),
        frozenset(folded(artist) for artist in options["exclude_artist"]),
    )
