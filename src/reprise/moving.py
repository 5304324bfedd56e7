"""The composition root of moving: an installation is copied from the embedded default to servers, and back."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from reprise.core.moving import MoveFinished, MoveNotice, MoveStarted
from reprise.core.moving_places import EMBEDDED, Places, shown
from reprise.drafts import private_folder
from reprise.errors import CatalogueError, DiskFull, JobConflict, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from reprise.app import App
    from reprise.catalog.moving import Journal, Source, Target
    from reprise.core.events import Emit
    from reprise.core.moving import MoveCompared, Part
    from reprise.core.moving_places import Asked
    from reprise.engine.moving import Mover
    from reprise.runners.signals import Interruption
    from reprise.settings import Settings
    from reprise.storage import Storage

    Counted: TypeAlias = tuple[str, str, int, int]

JOURNAL_NAME = "moving.sqlite"
WORKER_SECONDS = 90.0
"""A worker that was heard of within so many seconds is at work."""
LIVING_LOCK = "SELECT 1 FROM locks WHERE name = ? AND until >= EXTRACT(EPOCH FROM clock_timestamp())"
LIVING_WORKERS = (
    "SELECT host, pid FROM workers WHERE seen_at > EXTRACT(EPOCH FROM clock_timestamp()) - ? ORDER BY id"
)
ROOM = 1.3
"""What a target on this machine's disk takes beside the bytes of the rows: indexes and pages half full."""
LEAST_ROOM = 2 << 20
"""Bytes that a catalogue without rows takes, and files of spaces."""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a move would copy. ``parts``: name, rows, about how many bytes. ``state`` of the target: empty, unfinished,
    complete, or in use by others."""

    source: str
    target: str
    state: str
    parts: tuple[tuple[str, int, int], ...]
    settings: dict[str, str]


@dataclass
class _Seconds:
    copy: float = 0.0
    compare: float = 0.0
    finish: float = 0.0

    @contextmanager
    def of(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        try:
            yield
        finally:
            setattr(self, stage, getattr(self, stage) + time.perf_counter() - began)


class Moving:
    """One move. ``stop``: whether somebody wants it to end; asked after each page."""

    def __init__(self, app: App, asked: Asked, emit: Emit, stop: Callable[[], object]) -> None:
        """Raises ``UsageError`` for a target that is where everything is already."""
        self._app = app
        self._emit = emit
        self._stop = stop
        self.changes = asked.changes(app.settings.text)
        self._home = (asked.home or app.home).expanduser().absolute()
        self._from = Places.of(app.settings.text, app.home)
        self._to = Places.of(self._there.text, self._home)
        self._seconds = _Seconds()
        if self._from == self._to and not self._moves_home:
            raise UsageError(
                "everything is there already",
                cure="name another place: --to-catalogue, --to-store or --to-home",
            )

    # where from, where to

    @cached_property
    def _there(self) -> Settings:
        """The settings of the target."""
        settings = self._app.settings
        return replace(settings, home=self._home, values={**settings.values, **self.changes})

    @cached_property
    def _storage(self) -> Storage:
        from reprise.storage import Storage

        return Storage(self._there)

    @property
    def _moves_home(self) -> bool:
        return self._home != self._app.home

    @property
    def _moves_catalogue(self) -> bool:
        return self._from.catalogue != self._to.catalogue

    @property
    def _moves_vectors(self) -> bool:
        return self._from.store != self._to.store

    @property
    def _moves_words(self) -> bool:
        return self._from.lexical != self._to.lexical

    @property
    def source_name(self) -> str:
        """Tells this installation from others; no password is in it."""
        return self._from.name

    @property
    def target_name(self) -> str:
        return self._to.name

    @property
    def settings_to_write(self) -> dict[str, str]:
        """What ``config.toml`` of the target must say that it does not say by default, without passwords."""
        return shown(self.changes)

    # what is done

    def plan(self) -> Planned:
        """Look at both sides; nothing is changed. Raises ``CatalogueError`` and ``StoreError`` kinds."""
        with self._opened(look=True) as (source, target):
            state = "empty" if target is None else _state_of(target)
            found = self._sizes(source)
        return Planned(self.source_name, self.target_name, state, tuple(found), self.settings_to_write)

    def run(self) -> MoveFinished:
        """Copy, compare, make ready; goes on where an earlier run was killed.

        Raises ``JobConflict`` when somebody works on the source, ``CatalogueError`` and ``StoreError`` kinds, ``DiskFull``.
        """
        from reprise.catalog.moving import Journal

        with self._opened() as (source, target):
            assert target is not None
            journal = Journal(target)
            resumed = self._resumes(journal)
            if resumed is None:
                target.release()
                return self._told("complete", None, ())
            parts = self._parts(source, target, journal)
            if not resumed:
                self._refuse_filled(target, parts)
                journal.begin(self.source_name)
            return self._run(source, target, journal, parts, resumed=resumed)

    def verify(self) -> MoveFinished:
        """Compare both sides and change nothing. Raises like ``run``, and ``CatalogueError`` for an unfinished target."""
        from reprise.catalog.moving import Journal
        from reprise.engine.moving import Mover, MoveStopped

        with self._opened(look=True) as (source, found):
            target = self._finished(found)
            journal = Journal(target)
            mover = Mover(self._parts(source, target, journal), journal, self._emit, self._stop)
            try:
                with self._seconds.of("compare"):
                    compared = mover.compare()
            except MoveStopped:
                return self._told("interrupted", mover, ())
            finally:
                if not self._moves_catalogue:
                    target.release()
            return self._told("completed", mover, compared)

    def _finished(self, target: Target | None) -> Target:
        """The target that is to be compared; a move of vectors alone leaves no trace of itself. Raises ``CatalogueError``."""
        from reprise.catalog.moving import Journal

        begun = None if target is None else Journal(target).begun_by()
        if begun is not None and begun[1] != "complete":
            raise CatalogueError(
                "the move is not finished", cure="run the same command without --verify-only"
            )
        if begun is None and self._moves_catalogue:
            raise CatalogueError(
                f"nothing was moved to {self.target_name}", cure="run the same command without --verify-only"
            )
        return target or self._target()

    def switch(self) -> Path:
        """Write the settings of the target into its ``config.toml``, which is there for its owner's eyes only; returns
        the folder. Raises ``BadSetting``."""
        from reprise.settings import CONFIG_NAME, Origin, write_settings

        if (
            self._moves_home
            and not (self._home / CONFIG_NAME).exists()
            and (self._app.home / CONFIG_NAME).exists()
        ):
            shutil.copyfile(self._app.home / CONFIG_NAME, self._home / CONFIG_NAME)
        write_settings(
            self._home, {name: None if value == "" else value for name, value in self.changes.items()}
        )
        for name in self.changes:
            if self._app.settings.origin(name) is Origin.ENVIRONMENT:
                self._emit(
                    MoveNotice(
                        text=f"the variable REPRISE_{name.upper()} is stronger than what was written: unset it"
                    )
                )
        return self._home

    # how

    def _run(
        self, source: Source, target: Target, journal: Journal, parts: Sequence[Part], *, resumed: bool
    ) -> MoveFinished:
        from reprise.engine.moving import Mover, MoveStopped

        mover = Mover(parts, journal, self._emit, self._stop)
        self._begin(parts, resumed=resumed)
        try:
            with self._seconds.of("copy"):
                mover.copy()
            with self._seconds.of("compare"):
                compared = mover.compare()
            if not all(one.equal for one in compared):
                return self._told("differs", mover, compared)
            with self._seconds.of("finish"):
                self._finish(source, target, journal, mover)
        except MoveStopped:
            return self._told("interrupted", mover, ())
        except OSError as error:
            raise _our_error(error) from error
        return self._told("completed", mover, compared)

    def _begin(self, parts: Sequence[Part], *, resumed: bool) -> None:
        size = sum(part.weight for part in parts)
        self._emit(
            MoveStarted(
                source=self.source_name,
                target=self.target_name,
                parts=len(parts),
                rows=sum(part.size for part in parts),
                bytes=size,
                resumed=resumed,
            )
        )

    def _finish(self, source: Source, target: Target, journal: Journal, mover: Mover) -> None:
        from reprise.engine.moving import MoveStopped

        for left in journal.make_later():
            if self._stop():
                raise MoveStopped
            if left == 1 or left % 10 == 0:
                self._emit(MoveNotice(text=f"{left} indexes and constraints are left to be made"))
        with target.transaction() as writer:
            if self._moves_catalogue:
                target.set_sequences(writer, source.sequences())
        if self._moves_catalogue:
            target.check()
        mover.finish()
        journal.end()
        target.release()

    def _told(self, state: str, mover: Mover | None, compared: Sequence[MoveCompared]) -> MoveFinished:
        differing = tuple(one.part for one in compared if not one.equal)
        if differing:
            state = "differs"
        seconds = self._seconds
        finished = MoveFinished(
            state=state,
            rows=sum(found.rows for found in mover.sums.values()) if mover else 0,
            seconds=round(seconds.copy + seconds.compare + seconds.finish, 3),
            copy_seconds=round(seconds.copy, 3),
            compare_seconds=round(seconds.compare, 3),
            finish_seconds=round(seconds.finish, 3),
            settings=self.settings_to_write,
            differing=differing,
        )
        self._emit(finished)
        return finished

    # both ends

    @contextmanager
    def _opened(self, *, look: bool = False) -> Iterator[tuple[Source, Target | None]]:
        """Both ends; nobody changes the source meanwhile. ``look``: nothing is made, the target may be missing."""
        self._app.catalogue()  # brings an older one to the schema of this release, as every command does
        with ExitStack() as held:
            held.callback(self._storage.close)
            source = self._source()
            held.callback(source.close)
            quiet(self._app, source, held)
            if not look:
                self._check_room(source)
            target = self._looked_at() if look else self._target()
            if target is not None:
                held.callback(target.close)
            yield source, target

    def _source(self) -> Source:
        settings = self._app.settings
        if url := settings.text("catalogue_url"):
            from reprise.catalog.moving_postgres import PostgresSource

            return PostgresSource(url, settings.number("server_timeout"))
        from reprise.catalog.moving_sqlite import SqliteSource

        to_server = bool(self._there.text("catalogue_url"))
        timeout = settings.number("database_timeout")
        return SqliteSource(self._app.catalogue_path.absolute(), timeout, without_nul=to_server)

    def _target(self) -> Target:
        timeout = self._there.number("database_timeout")
        private_folder(self._home)
        if not self._moves_catalogue:
            from reprise.catalog.moving_sqlite import SqliteJournal

            return SqliteJournal(self._home / JOURNAL_NAME, timeout)
        if url := self._there.text("catalogue_url"):
            from reprise.catalog.moving_postgres import PostgresTarget

            return PostgresTarget(url, self._there.number("server_timeout"))
        from reprise.catalog.moving_sqlite import SqliteTarget

        return SqliteTarget(self._storage.catalogue_path.absolute(), timeout)

    def _looked_at(self) -> Target | None:
        """The target as it is; ``None`` when it would have to be made."""
        on_server = self._moves_catalogue and self._there.text("catalogue_url")
        finished = self._moves_catalogue and self._storage.catalogue_path.exists()
        return self._target() if on_server or finished or self._begun.exists() else None

    def _resumes(self, journal: Journal) -> bool | None:
        """Whether an earlier run has begun; ``None``: it has finished. Raises ``CatalogueError`` for another's target."""
        begun = journal.begun_by()
        if begun is None:
            return False
        source, state = begun
        if source != self.source_name:
            what = "is being moved to from" if state == "moving" else "was moved to from"
            raise CatalogueError(
                f"{self.target_name} {what} {source}",
                cure="name an empty database, and an empty folder or server",
            )
        return True if state == "moving" else None

    def _refuse_filled(self, target: Target, parts: Sequence[Part]) -> None:
        """Make the tables of a new target. Raises ``CatalogueError`` when there is anything in it."""
        from reprise.catalog.moving import rows_in
        from reprise.engine.moving_parts import VectorPart, WordsPart, count_of

        if self._moves_catalogue:
            self._refuse_settled(target)
            target.make()
            if table := rows_in(target):
                raise CatalogueError(
                    f"{target.place} is not empty: there are rows in {table}", cure="name an empty database"
                )
        for part in parts:
            if isinstance(part, VectorPart | WordsPart) and count_of(part.target.count, part.owned):
                raise CatalogueError(
                    f"the target has {part.name} already",
                    cure="name an empty store, or move its files away, such as the folders spaces and lexical",
                )

    def _refuse_settled(self, target: Target) -> None:
        from reprise.catalog.moving_sqlite import SqliteTarget

        if isinstance(target, SqliteTarget) and target.settled:
            raise CatalogueError(
                f"{target.place} is there already",
                cure="move it away, with the folders spaces and lexical beside it; or name another --to-home",
            )

    def _check_room(self, source: Source) -> None:
        """Raises ``DiskFull`` when files on this machine's disk cannot take all of it; one that is begun goes on."""
        begins = [("table", self._moves_catalogue and not self._there.text("catalogue_url"))]
        begins.append(("vectors", self._moves_vectors and self._there.text("store") == EMBEDDED))
        kinds = tuple(kind for kind, here in begins if here)
        if not kinds or self._begun.exists():
            return
        size = sum(size for name, _, size in self._sizes(source) if name.startswith(kinds))
        needed, free = size * ROOM + LEAST_ROOM, shutil.disk_usage(_existing(self._home)).free
        if free < needed:
            raise DiskFull(
                f"the disk of {self._home} has {free / 1e6:,.0f} MB left, and about {needed / 1e6:,.0f} MB are needed",
                cure="free some space, or name another --to-home",
            )

    @property
    def _begun(self) -> Path:
        """The file of an unfinished target in the state folder."""
        from reprise.catalog.moving_sqlite import SUFFIX

        if not self._moves_catalogue:
            return self._home / JOURNAL_NAME
        return self._storage.catalogue_path.with_name(self._storage.catalogue_path.name + SUFFIX)

    # the parts

    def _sizes(self, source: Source) -> list[tuple[str, int, int]]:
        """Name, rows and bytes of what there is to copy, without a target."""
        from reprise.catalog.moving import MOVED, ROW_WEIGHT, WEIGHTS, size_of
        from reprise.engine.moving_parts import FLOAT_BYTES, ROW_BYTES, WORDS_BYTES

        found = []
        if self._moves_catalogue:
            for name in MOVED:
                rows = size_of(source, name)
                found.append((f"table {name}", rows, rows * WEIGHTS.get(name, ROW_WEIGHT)))
        for owner, name, dimension, count in self._vector_spaces(source):
            found.append((f"vectors {name} of {owner}", count, count * (dimension * FLOAT_BYTES + ROW_BYTES)))
        for owner, name, _, count in self._word_spaces(source):
            found.append((f"words {name} of {owner}", count, count * WORDS_BYTES))
        return found

    def _parts(self, source: Source, target: Target, journal: Journal) -> list[Part]:
        from reprise.catalog.moving import MOVED, TablePart, texts_of
        from reprise.engine.moving_parts import Owned, VectorPart, WordsPart

        parts: list[Part] = []
        if self._moves_catalogue:
            parts += [TablePart(name, source, target) for name in MOVED]
        here, there = self._app, self._storage
        for owner, name, dimension, count in self._vector_spaces(source):
            parts.append(VectorPart(Owned(owner, name), dimension, count, here.store, there.store, journal))
        for owner, name, _, count in self._word_spaces(source):
            owned, texts = Owned(owner, name), texts_of(source)
            parts.append(WordsPart(owned, count, here.lexical, there.lexical, journal, texts))
        if self._moves_home:
            from reprise.media.picture_copies import PicturesPart

            parts.append(PicturesPart.of(self._app.home / "media", self._home / "media", journal))
        return parts

    def _vector_spaces(self, source: Source) -> list[Counted]:
        return _counted(source, self._app.store.count) if self._moves_vectors else []

    def _word_spaces(self, source: Source) -> list[Counted]:
        return _counted(source, self._app.lexical.count, words=True) if self._moves_words else []


def _counted(source: Source, count: Callable[[str, str], int], *, words: bool = False) -> list[Counted]:
    """The spaces of all owners that have a place in a store: owner, name, dimension, and how many rows are there.

    Raises ``StoreError`` kinds, also for a space that the store does not know and the ledger does.
    """
    from reprise.catalog.moving import spaces_of
    from reprise.engine.moving_parts import Owned, count_of

    found: list[Counted] = []
    for owner, name, dimension, told in spaces_of(source, words=words):
        rows = count_of(count, Owned(owner, name)) if not told else count(owner, name)
        if rows is not None:
            found.append((owner, name, dimension, rows))
    return found


def quiet(app: App, source: Source, held: ExitStack) -> None:
    """Keep servers, jobs, scans and renamings of the source away as long as ``held`` is open.

    Raises ``JobConflict`` naming who is at work, with the cure, and ``CatalogueLocked``.
    """
    if app.storage.shared:
        source.hold()  # nobody takes or renews a lock from here on; who has one is at work
        for name, who, cure in _in_the_way(source):
            if source.query(LIVING_LOCK, (name,)):
                raise _conflict(who, cure)
        for host, process in source.query(LIVING_WORKERS, (WORKER_SECONDS,)):
            raise _conflict(f"a worker on {host} (process {process})", "stop all workers")
        return
    for name, who, cure in _in_the_way(source):
        if not held.enter_context(app.storage.machine_locks.try_lock(name)):
            raise _conflict(who, cure)
    source.hold()


def _conflict(who: str, cure: str) -> JobConflict:
    return JobConflict(
        f"{who} is at work on what is to be moved", cure=f"{cure}; then run the same command again"
    )


def _in_the_way(source: Source) -> Iterator[tuple[str, str, str]]:
    """Names of locks, who holds each, and the cure."""
    from reprise.engine.start import HOST
    from reprise.rename.sessions import rename_lock

    yield "move", "another move", "wait for it to end"
    yield "server", "a server", "stop it"
    yield HOST, "a server that runs jobs", "stop it"
    yield "reprocessing", "reprise reprocess", "wait for it, or end it with Ctrl-C"
    for (job,) in source.query("SELECT id FROM jobs WHERE active = 1 ORDER BY id"):
        yield f"job-{job}", f"job {job}", f"wait for it, or run: reprise jobs pause {job}"
    for number, root in source.query("SELECT id, root FROM libraries ORDER BY id"):
        yield f"scan-{number}", f"a scan of {os.fsdecode(root)}", "wait for it"
    roots = source.query(
        "SELECT root FROM libraries UNION SELECT root FROM rename_sessions WHERE finished_at IS NULL"
    )
    for name, root in sorted({rename_lock(root): root for (root,) in roots}.items()):
        yield name, f"a renaming in {os.fsdecode(root)}", "wait for it"


def _state_of(target: Target) -> str:
    from reprise.catalog.moving import Journal, rows_in

    begun = Journal(target).begun_by()
    if begun is not None:
        return "unfinished" if begun[1] == "moving" else begun[1]
    return "in use" if rows_in(target) else "empty"


def _existing(folder: Path) -> Path:
    """The folder, or the one that it is to be made in."""
    return folder if folder.exists() else _existing(folder.parent)


def _our_error(error: OSError) -> CatalogueError | DiskFull:
    import errno

    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(f"no room left to write {error.filename or 'the target'}")
    return CatalogueError(
        f"{error.filename}: {error.strerror}", cure="check the folder's rights and its disk"
    )


def interruptible() -> AbstractContextManager[Interruption]:
    """In here Ctrl-C and a service manager's end are remembered, to be asked for after each page."""
    from reprise.runners import signals

    return signals.interruptible()
