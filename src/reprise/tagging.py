"""Composition root of tags: what files say beside what was heard of them, and writing that into them."""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.core.cuts import CUT_MARK
from reprise.core.file_fields import FileFields
from reprise.core.items import InputState
from reprise.core.ports import WHOLE, Part
from reprise.core.records import KnownFile, ScanBatch
from reprise.errors import ItemError, TagsNotWritten
from reprise.media.fields import read_fields
from reprise.media.tag_formats import NewTags
from reprise.media.tag_writing import NAMES, need_mutagen, sweep, would_write, write_tags
from reprise.rename.values import KeyDisplay, ValueRules, values_of
from reprise.runners.signals import interruptible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reprise.app import App
    from reprise.core.analysis import Analysis
    from reprise.core.renaming import Value
    from reprise.media.tag_writing import Written
    from reprise.musicbrainz.recognise import Recogniser

__all__ = ["NAMES", "KeyDisplay", "TagCounts", "TagRow", "Tagging", "need_mutagen", "write_heard"]

_BATCH = 50
"""Written files that the catalogue is told of in one transaction. If that does not happen the next scan finds them."""


@dataclass(frozen=True, slots=True)
class Tagging:
    """What is asked for. ``names`` of :data:`NAMES` are written, none by default.

    ``overwrite``: also where the tags say something else. ``keep_mtime``: files keep their time of change. ``dry_run``:
    say what would be written. ``verify``: a tempo that was heard wins over a tag that is far off (only in what is shown).
    """

    names: tuple[str, ...] = ()
    overwrite: bool = False
    keep_mtime: bool = False
    dry_run: bool = False
    notation: KeyDisplay = KeyDisplay.MUSICAL
    verify: bool = False


@dataclass(frozen=True, slots=True)
class TagRow:
    """One file. ``path`` is absolute. ``values`` are what wins, by field; ``changed`` and ``kept`` are of :data:`NAMES`.

    ``error`` says why the file cannot be read or written.
    """

    path: bytes
    fields: FileFields
    heard: Analysis | None
    values: Mapping[str, Value]
    notes: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    error: ItemError | None = None


@dataclass(slots=True)
class TagCounts:
    """``files`` looked at, ``heard`` of which something is known, and what became of those; ``written`` would be
    written when it is a dry run."""

    files: int = 0
    heard: int = 0
    written: int = 0
    kept: int = 0
    failed: int = 0
    interrupted: bool = False

    def count(self, row: TagRow) -> None:
        self.files += 1
        self.heard += row.heard is not None
        self.written += bool(row.changed)
        self.kept += bool(row.kept)
        self.failed += row.error is not None


def write_heard(
    app: App,
    library_id: int,
    folder: bytes,
    asked: Tagging,
    tell: Callable[[TagRow], None],
    *,
    stop: Callable[[], object] | None = None,
) -> TagCounts:
    """Go through the files of a folder of a library (relative to its root) in path order, and write what is asked for.

    ``tell`` hears of every file; ``stop`` is asked between files, without it a signal ends the walk. What was heard comes from the catalogue. The new
    size and time of a file go there too, so that the next scan has nothing to do.

    Raises:
        ExtraMissing: something is to be written and mutagen is not installed.
    """
    if asked.names:
        need_mutagen()
    recogniser = None if asked.names else _recogniser(app)  # of tempo and key MusicBrainz knows nothing
    counts, walk = TagCounts(), _Walk(app, library_id, asked, recogniser)
    with _stopping(stop) as stops:
        try:
            for row in walk.rows(folder):
                counts.count(row)
                tell(row)
                if stops():
                    counts.interrupted = True
                    break
        finally:
            walk.flush()
    return counts


@contextmanager
def _stopping(stop: Callable[[], object] | None) -> Iterator[Callable[[], object]]:
    if stop is not None:
        yield stop
        return
    with interruptible() as interruption:
        yield interruption.stops


@dataclass(slots=True)
class _Walk:
    app: App
    library_id: int
    asked: Tagging
    recogniser: Recogniser | None = None
    _root: bytes = b""
    _folder: bytes | None = None
    _batch: ScanBatch = field(default_factory=ScanBatch)

    def rows(self, folder: bytes) -> Iterator[TagRow]:
        catalogue, owner = self.app.catalogue(), self.app.owner
        self._root = catalogue.libraries.get(owner, self.library_id).root
        files = catalogue.items.files(owner, self.library_id, Part(folder) if folder else WHOLE)
        analyses = catalogue.analyses.of_files(owner, self.library_id, folder)
        path, analysis = b"", None
        for known in map(KnownFile._make, files):
            while path < known.path and (entry := next(analyses, None)) is not None:
                path, analysis = entry[0], entry[3]
            if known.missing_since is None:
                yield self._row(known, analysis if path == known.path else None)

    def _row(self, known: KnownFile, heard: Analysis | None) -> TagRow:
        path = os.path.join(self._root, known.path)
        if CUT_MARK in known.path:
            fault = TagsNotWritten(
                "it is a track of a cue sheet: its album's file has one set of tags",
                cure="make files of the tracks with: reprise split",
            )
            return TagRow(path, FileFields(), heard, {}, error=fault if self.asked.names else None)
        try:
            fields = read_fields(path)
            return self._read_row(path, known, fields, heard)
        except ItemError as error:
            return TagRow(path, FileFields(), heard, {}, error=error)

    def _read_row(self, path: bytes, known: KnownFile, fields: FileFields, heard: Analysis | None) -> TagRow:
        rules = ValueRules(verify=self.asked.verify, key_display=self.asked.notation)
        stem = os.fsdecode(os.path.splitext(os.path.basename(path))[0])
        known_as = self.recogniser.recognise(path) if self.recogniser else None
        values, notes = values_of(fields, stem, heard, known_as.facts if known_as else None, rules)
        if known_as and known_as.note:
            notes = (*notes, known_as.note)
        if heard is None or not self.asked.names:
            return TagRow(path, fields, heard, values, notes)
        try:
            written = self._write(path, known, fields, new_tags(heard, self.asked))
        except ItemError as error:
            return TagRow(path, fields, heard, values, notes, error=error)
        return TagRow(path, fields, heard, values, notes, written.changed, written.kept)

    def _write(self, path: bytes, known: KnownFile, fields: FileFields, new: NewTags) -> Written:
        asked = self.asked
        if asked.dry_run:
            return would_write(fields, new, overwrite=asked.overwrite)
        folder = os.path.dirname(path)
        if folder != self._folder:
            self._folder = folder
            sweep(folder)
        written = write_tags(
            path, new, overwrite=asked.overwrite, keep_mtime=asked.keep_mtime, expected=known.stat
        )
        if written.changed:
            self._follow(path, known)
        return written

    def _follow(self, path: bytes, known: KnownFile) -> None:
        """The sound is the same, so its digest is: nothing has to be heard again."""
        try:
            status, tags = os.stat(path), read_fields(path).tags
        except (OSError, ItemError):  # gone the moment after: the next scan sees to it
            return
        state = InputState(status.st_size, status.st_mtime_ns, known.digest)
        self._batch.revised.append((known.item_id, state, tags))
        if len(self._batch) >= _BATCH:
            self.flush()

    def flush(self) -> None:
        if len(self._batch):
            self.app.catalogue().items.apply(self.app.owner, self.library_id, self._batch, time.time())
            self._batch = ScanBatch()


def _recogniser(app: App) -> Recogniser | None:
    if not app.settings.flag("musicbrainz"):
        return None
    from reprise.musicbrainz.recognise import Recogniser

    return Recogniser.of(app.settings.text)


def new_tags(heard: Analysis, asked: Tagging) -> NewTags:
    """What was heard, as far as it is asked for. The gain of a part of a track is not the track's."""
    tempo = heard.tempo if "tempo" in asked.names else None
    key = heard.key if "key" in asked.names else None
    loudness = heard.loudness if "gain" in asked.names and heard.whole else None
    notation = KeyDisplay.MUSICAL if asked.notation is KeyDisplay.BOTH else asked.notation
    return NewTags(
        bpm=None if tempo is None else tempo.bpm,
        key=None if key is None else notation.show(key.key),
        gain=None if loudness is None else loudness.gain,
        peak=None if loudness is None else 10 ** (loudness.true_peak / 20),
    )
