"""Scan: what the folder holds against what the catalogue knows, as one walk along both in path order."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from reprise.core.cuts import CUT_MARK
from reprise.core.events import ScanFinished, ScanProgress, ScanStarted
from reprise.core.items import InputState, Tags, display_path
from reprise.core.job import never
from reprise.core.ports import WHOLE, FoundFile, ScanProblem
from reprise.core.records import KnownFile, ScanBatch
from reprise.engine.moves import match_moves
from reprise.errors import ItemError, LibraryError, Vanished, item_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reprise.core.events import Emit
    from reprise.core.items import Library
    from reprise.core.ports import Part, Source
    from reprise.core.records import Catalogue
    from reprise.engine.start import Locks

BATCH_FILES = 1000
PROGRESS_FILES = 2000
DAY_SECONDS = 86_400.0
TURN_SECONDS = 0.05
SLASH = ord("/")
MISSING_SINCE = KnownFile._fields.index("missing_since")


_SOUGHT = {False: ("audio", "music is"), True: ("video", "videos are")}
"""What a library is to hold, by whether it is one of videos, for people."""


class ScanStopped(Exception):
    """Somebody wanted to stop before the scan was through."""


@contextmanager
def waiting_turn(locks: Locks, library: Library, stop: Callable[[], object]) -> Iterator[None]:
    """Enter when no other process or thread scans the library. Raises ``ScanStopped`` when ``stop`` says so."""
    while not stop():
        with locks.try_lock(f"scan-{library.id}") as ours:
            if ours:
                yield
                return
        time.sleep(TURN_SECONDS)
    raise ScanStopped


@dataclass(slots=True)
class _Tally:
    files: int = 0
    new: int = 0
    changed: int = 0
    retagged: int = 0
    touched: int = 0
    moved: int = 0
    returned: int = 0
    missing: int = 0
    removed: int = 0


@dataclass(slots=True)
class Scan:
    """One scan of one library, or of parts of it that do not overlap. Memory grows with what changed.

    ``full`` reads the tags of every file, also of one whose size and time are as they were.

    ``forget`` deletes items with their vectors. Items that are gone keep their vectors for ``keep_missing_days``: a disk that is mounted again, a file moved
    back, or an exclusion pattern taken back costs nothing. What is excluded counts as gone.
    """

    catalogue: Catalogue
    forget: Callable[[list[int]], None]
    emit: Emit
    library: Library
    source: Source
    keep_missing_days: float
    stop: Callable[[], object] = never
    parts: Sequence[Part] = (WHOLE,)
    full: bool = False
    _tally: _Tally = field(default_factory=_Tally)
    _batch: ScanBatch = field(default_factory=ScanBatch)
    _vanished: list[int] = field(default_factory=list)
    _replaced: list[tuple[KnownFile, KnownFile]] = field(default_factory=list)
    _overwritten: list[tuple[int, InputState, Tags]] = field(default_factory=list)
    """What lies in the places of the replaced ones now: written together with where their contents went."""
    _problems: list[ScanProblem] = field(default_factory=list)
    _unseen: set[bytes] = field(default_factory=set)
    _known: int = 0

    def run(self) -> ScanFinished:
        """Raises ``LibraryError`` when the folder is not there, or empty although the catalogue knows files, and
        ``ScanStopped`` when ``stop`` says so."""
        began, now = time.monotonic(), time.time()
        root = display_path(self.library.root)
        self.emit(ScanStarted(library=self.library.name, root=root, library_id=self.library.id))
        for part in self.parts:
            self._merge(part, now)
        if self._is_whole:
            self._refuse_emptiness()
        self._batch.missing = self._vanished
        self._flush(now)
        self._follow_moves(now)
        self._end(now)
        finished = self._finished(time.monotonic() - began)
        self.emit(finished)
        return finished

    @property
    def _is_whole(self) -> bool:
        return WHOLE in self.parts

    def _end(self, now: float) -> None:
        owner, library_id, libraries = self.library.owner, self.library.id, self.catalogue.libraries
        if self._is_whole:
            self._purge(now)
            libraries.set_problems(owner, library_id, self._problems, now)
        else:
            libraries.renew_problems(owner, library_id, self.parts, self._problems, now)

    def _merge(self, part: Part, now: float) -> None:
        """The loop over every file of the part: what is as it was must cost next to nothing."""
        known = _Ahead(self.catalogue.items.files(self.library.owner, self.library.id, part))
        tally, full = self._tally, self.full
        for entry in self.source.walk(part):
            if isinstance(entry, ScanProblem):
                self._problems.append(entry)
                self._unseen.add(entry.path)
                continue
            tally.files += 1
            if not tally.files % PROGRESS_FILES:
                self._pause_for_breath(now)
            row = known.next
            if row is not None and row[1:4] == entry and row[MISSING_SINCE] is None and not full:
                known.step()  # path, size and mtime are equal: the file is as it was
                continue
            self._differs(entry, known)
            if len(self._batch) >= BATCH_FILES:
                self._flush(now)
        self._gone_before(None, known)
        self._known += known.steps

    def _pause_for_breath(self, now: float) -> None:
        """Tell how far the walk is, and stop in good order if somebody wants that: the next scan finds the rest."""
        self.emit(ScanProgress(files=self._tally.files, library_id=self.library.id))
        if self.stop():
            self._flush(now)
            raise ScanStopped

    def _differs(self, file: FoundFile, known: _Ahead) -> None:
        self._gone_before(file.path, known)
        row = known.head
        if row is None or row.path != file.path:
            self._add(file)
            return
        known.step()
        if self.full or row[1:4] != file or row.missing_since is not None:
            self._revise(row, file)

    def _gone_before(self, path: bytes | None, known: _Ahead) -> None:
        """Known files that the walk has passed without meeting them are gone."""
        while (row := known.head) is not None and (path is None or row.path < path):
            known.step()
            if row.missing_since is None and not self._out_of_sight(row.path):
                self._vanished.append(row.item_id)

    def _out_of_sight(self, path: bytes) -> bool:
        """Whether the file (a track's too) or a folder above it could not be looked at: that is not taken for deleted."""
        if not self._unseen:
            return False
        ends = [place for place, byte in enumerate(path) if byte in (SLASH, CUT_MARK)]
        return any(path[:end] in self._unseen for end in (*ends, len(path)))

    def _add(self, file: FoundFile) -> None:
        """A file that cannot be read becomes an item too: its failure is listed, counted and can be dismissed."""
        try:
            tags = self.source.tags(file.path)
        except Vanished:
            return
        except ItemError:
            tags = Tags()
        self._batch.added.append((file, tags))
        self._tally.new += 1

    def _revise(self, row: KnownFile, file: FoundFile) -> None:
        """Size, mtime, then the digest: only a changed essence makes a vector stale."""
        tags = self._tags(file)
        digest = self._digest(row, file)
        if tags is None or (digest is None and row.digest is not None):
            return
        if row[1:4] == file and row.missing_since is None and tags == self._tags_before(row):
            return  # looked at only because the scan is a full one
        self._count_revision(row, file, digest, tags)
        revision = row.item_id, InputState(file.size, file.mtime_ns, digest), tags
        if digest == row.digest:
            self._batch.revised.append(revision)
            return
        now = row._replace(size=file.size, mtime_ns=file.mtime_ns, digest=digest, duration=tags.duration)
        self._replaced.append((row, now))
        self._overwritten.append(revision)

    def _count_revision(self, row: KnownFile, file: FoundFile, digest: bytes | None, tags: Tags) -> None:
        if digest != row.digest or (digest is None and file.size != row.size):
            self._tally.changed += 1
        elif row.missing_since is not None:
            self._tally.returned += 1
        elif tags == self._tags_before(row):
            self._tally.touched += 1
        else:
            self._tally.retagged += 1

    def _tags_before(self, row: KnownFile) -> Tags | None:
        item = self.catalogue.items.get(self.library.owner, [row.item_id]).get(row.item_id)
        return item.tags if item else None

    def _digest(self, row: KnownFile, file: FoundFile) -> bytes | None:
        """The digest now, read only when one is known to compare with and the stat has moved."""
        if row.digest is None or row[1:4] == file:
            return row.digest
        try:
            return self.source.digest(file.path)
        except ItemError as error:
            self._problems.append(_file_problem(file, error))
            return None

    def _tags(self, file: FoundFile) -> Tags | None:
        try:
            return self.source.tags(file.path)
        except ItemError as error:
            self._problems.append(_file_problem(file, error))
            return None

    def _flush(self, now: float) -> None:
        if len(self._batch):
            self.catalogue.items.apply(self.library.owner, self.library.id, self._batch, now)
            self._batch = ScanBatch()

    def _refuse_emptiness(self) -> None:
        """A disk that is not mounted looks like an empty folder: that must not cost a library."""
        if self._tally.files:
            return
        root = display_path(self.library.root)
        sought, files = _SOUGHT[self.library.kind == "video"]
        if self._known:
            patterns = f"; or look at what you exclude: {' '.join(self.library.exclude)}"
            raise LibraryError(
                f"{root} holds no {sought} now, but the catalogue knows {self._known:,} files in it",
                cure=f"mount the disk{patterns if self.library.exclude else ''}; if the {files} really gone:"
                f" reprise libraries remove {self.library.id}",
            )
        if not self._problems:
            raise LibraryError(
                f"there is no {sought} in {root}", cure=f"name the folder that holds the {files.split()[0]}"
            )

    def _follow_moves(self, now: float) -> None:
        """Contents that left their place are looked for where something new lies: in files that were replaced, and
        in those that nobody has read yet, be they from this scan or from one that was killed before it got here."""
        owner, library_id = self.library.owner, self.library.id
        self._tally.missing = len(self._vanished)
        before = [row for row, _ in self._replaced]
        replaced = {row.item_id for row in before}
        missing = [
            row for row in self.catalogue.items.missing(owner, library_id) if row.item_id not in replaced
        ]
        gone = missing + before
        if not gone:
            return
        unread = self.catalogue.items.unread(owner, library_id)
        found = match_moves(gone, chain((row for _, row in self._replaced), unread), self.source.digest)
        displaced = self.catalogue.items.move(
            owner, found.moves, before, now, revised=self._overwritten, digests=found.digests
        )
        self._count_moves(found.moves, displaced)

    def _count_moves(self, moves: list[tuple[int, int]], displaced: int) -> None:
        items, places = {item for item, _ in moves}, {place for _, place in moves}
        replaced = sum(row.item_id in places for row, _ in self._replaced)
        self._tally.moved = len(moves)
        self._tally.changed -= replaced
        self._tally.new = max(0, self._tally.new - (len(moves) - replaced))
        self._tally.missing = displaced + sum(item_id not in items for item_id in self._vanished)

    def _purge(self, now: float) -> None:
        """Forget what has been gone for longer than the grace period: vectors first, then rows."""
        owner = self.library.owner
        before = now - self.keep_missing_days * DAY_SECONDS
        ids = self.catalogue.items.gone_since(owner, self.library.id, before)
        if not ids:
            return
        missing = self.catalogue.items.missing
        files = len(missing(owner, self.library.id))  # the ids are those of scenes too
        self.forget(ids)
        self._tally.removed = files - len(missing(owner, self.library.id))

    def _finished(self, seconds: float) -> ScanFinished:
        tally = self._tally
        return ScanFinished(
            files=tally.files,
            new=tally.new,
            changed=tally.changed,
            retagged=tally.retagged,
            touched=tally.touched,
            moved=tally.moved,
            returned=tally.returned,
            missing=tally.missing,
            removed=tally.removed,
            problems=len(self._problems),
            seconds=seconds,
            library_id=self.library.id,
        )


class _Ahead:
    """Known files in path order, the next one in sight; ``steps`` counts those passed."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self.next = next(rows, None)
        self.steps = 0

    @property
    def head(self) -> KnownFile | None:
        return None if self.next is None else KnownFile._make(self.next)

    def step(self) -> None:
        self.steps += 1
        self.next = next(self._rows, None)


PROBLEM_CURES = {
    "broken_link": "mend or delete the link, or exclude it",
    "not_a_file": "move it out of the library, or exclude it",
    "cue_sheet": "mend the sheet, or exclude it; as long as it does not fit, its file counts as one track",
}


def problem_cure(code: str) -> str:
    """What to do about a problem of this kind that a scan met."""
    return PROBLEM_CURES.get(code) or item_error(code, "").cure


def _file_problem(file: FoundFile, error: ItemError) -> ScanProblem:
    return ScanProblem(file.path, error.code, error.message, is_folder=False)
