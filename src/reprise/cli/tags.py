"""``reprise tags``: what the tags say beside what was heard, and writing that into them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, counted, example, opened, write_json, write_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.app import App
    from reprise.tagging import TagCounts, Tagging, TagRow

INTERRUPTED = 130
SHOWN = 50
"""Rows of the table for people; ``--json`` has them all."""

TOLD_EVERY = 500
WRITABLE = ("tempo", "key", "gain")
NOTATIONS = ("musical", "camelot", "open-key")


class Names(click.ParamType[tuple[str, ...]]):
    """Words of :data:`WRITABLE` with commas between them."""

    name = "names"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(word.strip().lower() for word in str(value).split(",") if word.strip()))
        if not names or not set(names) <= set(WRITABLE):
            self.fail(f"{value!r}: name what is to be written, as in tempo,key,gain", param, ctx)
        return names


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, readable=False))
@click.option(
    "--write",
    "names",
    type=Names(),
    default=(),
    metavar="NAMES",
    help="Write these: tempo,key,gain or some of them.",
)
@click.option("--overwrite", is_flag=True, help="With --write: also where the tags say something else.")
@click.option("--keep-mtime", is_flag=True, help="With --write: files keep their time of change.")
@click.option(
    "--notation",
    type=click.Choice(NOTATIONS),
    help="How keys are shown and written: Am, 8A or 1m; the setting key_display if left out.",
)
@click.option(
    "--verify", is_flag=True, help="Let a tempo that was heard win over a tag that is more than 5 % off."
)
@click.option("--dry-run", is_flag=True, help="With --write: say what would be written; write nothing.")
@common_options
@example("reprise tags ~/Music/Crate --write tempo,key")
def tags(
    folder: Path,
    names: tuple[str, ...],
    overwrite: bool,
    keep_mtime: bool,
    notation: str | None,
    verify: bool,
    dry_run: bool,
    owner: str | None,
    home: Path | None,
    as_json: bool,
) -> int:
    """Show the tags of the files in FOLDER beside what reprise analyze heard, and which of them wins.

    Nothing is written without --write. What is written goes into a copy that takes the file's place only when it is
    proven that all else in it is the same. Tags that say something else are kept unless --overwrite is given.
    """
    if not names and (overwrite or keep_mtime or dry_run):
        raise click.UsageError("--overwrite, --keep-mtime and --dry-run go with --write")
    with opened(owner, home, as_json=as_json) as app:
        from reprise.search.resolve import resolve_folder
        from reprise.tagging import KeyDisplay, Tagging

        library_id, inside = resolve_folder(app.catalogue(), app.owner, str(folder))
        shown = KeyDisplay(notation or app.settings.text("key_display"))
        verify = verify or app.settings.flag("verify_tempo")
        asked = Tagging(names, overwrite, keep_mtime, dry_run, shown, verify)
        counts = go_through(app, library_id, inside, asked, as_json=as_json)
        if counts.interrupted:
            return INTERRUPTED
        return int(counts.failed > 0)


def go_through(app: App, library_id: int, folder: bytes, asked: Tagging, *, as_json: bool) -> TagCounts:
    """Show or write, and tell of it. ``reprise analyze --write-tags`` comes here too."""
    from reprise.tagging import write_heard

    told = _Told(asked)
    tell: Callable[[TagRow], None] = _write_row if as_json else told.row
    counts = write_heard(app, library_id, folder, asked, tell)
    if as_json:
        write_json({"event": "tags_finished", "dry_run": asked.dry_run, **_facts(counts)})
    else:
        told.end(counts)
    return counts


def _facts(counts: TagCounts) -> dict[str, object]:
    return {
        "files": counts.files,
        "heard": counts.heard,
        "written": counts.written,
        "kept": counts.kept,
        "failed": counts.failed,
        "interrupted": counts.interrupted,
    }


def _write_row(row: TagRow) -> None:
    from reprise.core.items import display_path

    tagged, heard, error = row.fields.tags, row.heard, row.error
    loudness = heard.loudness if heard else None
    why = {"code": error.code, "reason": error.message, "cure": error.cure} if error else {}
    write_json(
        {
            "event": "tags",
            "path": display_path(row.path),
            "tempo": {
                "tag": tagged.bpm,
                "heard": heard.tempo.bpm if heard and heard.tempo else None,
                "wins": row.values.get("bpm"),
            },
            "key": {
                "tag": tagged.key,
                "heard": heard.key.key.name if heard and heard.key else None,
                "wins": row.values.get("key"),
            },
            "gain": {
                "tag": row.fields.tag("replaygain_track_gain") or row.fields.tag("r128_track_gain"),
                "heard": round(loudness.gain, 2) if loudness else None,
            },
            "values": row.values,
            "notes": row.notes,
            "changed": row.changed,
            "kept": row.kept,
            **why,
        }
    )


class _Told:
    """For people: a table of the first files, or what was written and what could not be."""

    def __init__(self, asked: Tagging) -> None:
        self._asked = asked
        self._rows: list[tuple[object, ...]] = []
        self._files = 0

    def row(self, row: TagRow) -> None:
        self._files += 1
        if row.error is not None:
            _tell_error(row, row.error)
        if self._asked.names and not self._asked.dry_run:
            if not self._files % TOLD_EVERY:
                click.echo(f"{counted(self._files, 'file')} looked at", err=True)
        elif len(self._rows) < SHOWN and row.error is None:
            self._rows.append(self._cells(row))

    def _cells(self, row: TagRow) -> tuple[object, ...]:
        from reprise.core.items import display_path

        name = display_path(row.path.rpartition(b"/")[2])
        heard, tagged, show = row.heard, row.fields.tags, self._asked.notation.show
        tempo = f"{heard.tempo.bpm:.1f}" if heard and heard.tempo else ""
        key = show(heard.key.key) if heard and heard.key else ""
        last = ", ".join(row.changed) if self._asked.names else "; ".join(row.notes)
        return (
            name,
            "" if tagged.bpm is None else f"{tagged.bpm:g}",
            tempo,
            _winner(row, "bpm"),
            tagged.key,
            key,
            _winner(row, "key"),
            last,
        )

    def end(self, counts: TagCounts) -> None:
        if not counts.files:
            click.echo("no file of a library lies there: reprise scan FOLDER", err=True)
            return
        if self._rows:
            last = "would be written" if self._asked.names else "notes"
            columns = ("file", "BPM tag", "heard", "wins", "key tag", "heard", "wins", last)
            write_table("", columns, self._rows)
        if (left := counts.files - counts.failed - len(self._rows)) > 0 and self._rows:
            click.echo(f"and {counted(left, 'file')} more; all of them: --json", err=True)
        if not counts.heard:
            click.echo("nothing was heard of them yet: reprise analyze FOLDER", err=True)
        if self._asked.names:
            self._summary(counts)

    def _summary(self, counts: TagCounts) -> None:
        verb = "would be written" if self._asked.dry_run else "written"
        kept = f", {counts.kept:,} say something else and are kept (--overwrite)" if counts.kept else ""
        failed = f", {counts.failed:,} failed" if counts.failed else ""
        click.echo(
            f"{counted(counts.written, 'file')} {verb}, of {counts.heard:,} heard{kept}{failed}", err=True
        )


def _winner(row: TagRow, name: str) -> str:
    value = row.values.get(name)
    return "" if value is None else f"{value.text} ({value.origin})"


def _tell_error(row: TagRow, error: Any) -> None:
    from reprise.core.items import display_path

    click.echo(f"failed: {display_path(row.path)}: {error.message}\n  cure: {error.cure}", err=True)
