"""How an answer goes out: a table, JSON lines, an M3U playlist, a playlist on a server."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import counted, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from reprise.app import App
    from reprise.core.items import Item
    from reprise.search.find import Found

Row = tuple[object, ...]


class Output:
    """One command's answer on its way out."""

    def __init__(self, app: App, *, as_json: bool, options: Mapping[str, Any]) -> None:
        """``options``: those of ``playlist_options``."""
        self._app = app
        self._as_json = as_json
        self._m3u: bool = options["m3u"]
        self._save: Path | None = options["save"]
        self._send: str | None = options["send"]

    def found(self, found: Found, title: str, first: Sequence[Item] = ()) -> int:
        """Give out an answer; playlists begin with ``first``. Returns the exit code."""
        facts = {"model": found.model, "space": found.space, "partial": found.partial}
        self.warn(found.warnings)
        self.listed(
            title,
            ("#", "score", "track", "file", "id"),
            (
                (
                    (place, match.score, match.item.label, match.item.display_path, match.item.id),
                    self.facts(match.item, place, match.score) | facts | {"scores": _rounded(match.scores)},
                )
                for place, match in enumerate(found.matches, 1)
            ),
        )
        if found.partial and not self._m3u and not self._as_json:
            click.echo("the first embedding of this library is not finished: more may come", err=True)
        return self.playlists([*first, *(match.item for match in found.matches)])

    def facts(self, item: Item, place: int, score: float | None) -> dict[str, object]:
        """One track as a JSON line tells it."""
        return {
            "event": "match",
            "place": place,
            "score": None if score is None else round(score, 6),
            "item_id": item.id,
            "artist": item.tags.artist,
            "title": item.tags.title,
            "album": item.tags.album,
            "path": os.fsencode(self._app.path_of(item)).decode("utf-8", "replace"),
        } | _bounds(item)

    def listed(
        self, title: str, columns: tuple[str, ...], tracks: Iterable[tuple[Row, dict[str, object]]]
    ) -> None:
        """Each track as a row for people or as facts for scripts; nothing when the playlist itself is printed."""
        if self._as_json and not self._m3u:
            for _, facts in tracks:
                write_json(facts)
            return
        rows = [row for row, _ in tracks]
        if not self._m3u:
            write_table(title, columns, rows)

    def warn(self, warnings: Iterable[str]) -> None:
        for warning in warnings:
            if self._as_json and not self._m3u:
                write_json({"event": "warning", "message": warning})
            else:
                click.echo(warning, err=True)

    def playlists(self, items: Sequence[Item]) -> int:
        """Print, save and send what is asked for; 1 when the server does not have all of the tracks."""
        if self._m3u or self._save:
            self._as_m3u(items)
        return self._sent(self._send, items) if self._send is not None else 0

    def _as_m3u(self, items: Sequence[Item]) -> None:
        from reprise.search.playlist import m3u, save_m3u

        playlist = m3u((item, os.fsencode(self._app.path_of(item))) for item in items)
        for item, reason in playlist.left_out:
            click.echo(f"left out, {reason}: {item.display_path}", err=True)
        if self._save is not None:
            save_m3u(self._save, playlist.content)
            count = len(items) - len(playlist.left_out)
            self._told(
                {"event": "playlist_saved", "file": str(self._save), "tracks": count},
                f"{counted(count, 'track')} saved in {self._save}",
            )
        if self._m3u:
            sys.stdout.buffer.write(playlist.content)
            sys.stdout.buffer.flush()

    def _sent(self, name: str, items: Sequence[Item]) -> int:
        sent = self._app.playlist_server().send(name, items)
        missing = [
            {"item_id": item.id, "label": item.label, "path": item.display_path} for item in sent.not_found
        ]
        what = "replaced" if sent.replaced else "made"
        facts = {"name": name, "tracks": sent.sent, "replaced": sent.replaced, "not_found": missing}
        self._told(
            {"event": "playlist_sent", **facts},
            f"the playlist {name!r} was {what}: {counted(sent.sent, 'track')}",
        )
        if not self._as_json or self._m3u:
            for item in sent.not_found:
                click.echo(f"the server does not have {item.label} ({item.display_path})", err=True)
        return 1 if missing else 0

    def _told(self, facts: dict[str, object], line: str) -> None:
        if self._as_json and not self._m3u:
            write_json(facts)
        else:
            click.echo(line, err=True)


def _rounded(scores: Mapping[str, float]) -> dict[str, float]:
    return {model: round(score, 6) for model, score in scores.items()}


def _bounds(item: Item) -> dict[str, object]:
    """Of a track that lies in a longer file: its number and where, in seconds."""
    cut = item.cut
    return {} if cut is None else {"track": cut.number, "start": cut.start_seconds, "end": cut.end_seconds}
