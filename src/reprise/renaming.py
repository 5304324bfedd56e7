"""The composition root of renaming: plans names by tags, sound and rules, carries plans out, takes them back."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from reprise.core.renaming import PlanHeader
from reprise.errors import BadTemplate
from reprise.rename.template import Template
from reprise.rename.template import check as faults_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from reprise.app import App
    from reprise.core.events import Emit, Event
    from reprise.core.file_fields import OnlineFacts
    from reprise.core.items import Library
    from reprise.core.rename_journal import Move, MoveState, Session
    from reprise.rename.context import Contexts
    from reprise.rename.plan import Heard
    from reprise.rename.references import Rewritten
    from reprise.rename.sessions import Sessions, Stop
    from reprise.rename.template import Fault
    from reprise.rename.values import ValueRules
    from reprise.rename.walk import Place
    from reprise.runners.signals import Interruption


@dataclass(frozen=True, slots=True)
class Checked:
    """``example``: what a track would be called; empty for a template with faults."""

    faults: tuple[Fault, ...]
    example: str

    @property
    def valid(self) -> bool:
        return bool(self.example)


class FieldInfo(NamedTuple):
    """A field of templates, as people are told of it."""

    name: str
    summary: str
    example: str


class Renaming:
    """What can be done about the names of one owner's files.

    ``each``: whether every file is told of as it is renamed; else what went wrong, and now and then how far it is.
    """

    def __init__(self, app: App, *, each: bool = True) -> None:
        self._app = app
        self._each = each

    def plan(
        self,
        folder: Path,
        template: str,
        output: Path,
        *,
        recursive: bool = True,
        audio: bool = True,
        sidecars: bool = False,
        told: Callable[[int], None] | None = None,
    ) -> PlanHeader:
        """Plan the names of all tracks below ``folder`` and write the plan to ``output``; nothing is renamed.

        Args:
            folder: within a library or not; its files' tags are read, and the catalogue is only asked.
            template: see :mod:`reprise.rename.template`.
            audio: whether tempo and key that were heard fill what the tags lack, and MusicBrainz is asked if the
                settings say so; it is asked by the sound, and takes seconds per file.
            sidecars: whether files of the same stem go along.
            told: called with the number of files looked at; what it raises ends the planning, and no file is left.

        Raises ``BadTemplate``, ``LibraryError``, ``UsageError`` for the output, ``DiskFull``.
        """
        from reprise.media.fields import read_fields
        from reprise.rename.plan import Naming, Origins, plan_folder
        from reprise.rename.planfile import PlanWriter

        parsed = Template.parse(template)
        library, place = self._place(folder, recursive=recursive)
        heard = self._heard(library) if audio and library is not None else None
        origins = Origins(read_fields, heard, self._online() if audio else None)
        naming = Naming(parsed, origins, self._rules(parsed), sidecars=sidecars)
        header = PlanHeader(
            place.root, place.folder, recursive, template, time.time(), audio=audio, sidecars=sidecars
        )
        with PlanWriter(output, header) as plan:
            for row in plan_folder(place, naming, told):
                plan.add(row)
        return replace(header, counts=plan.counts)

    def check(self, template: str, sample: Path | None = None) -> Checked:
        """The template's faults, and what ``sample`` (an audio file; else a made-up track) would be called by it.

        Raises ``Unreadable`` or ``Vanished`` for the sample.
        """
        faults = tuple(faults_of(template))
        try:
            parsed = Template.parse(template)
        except BadTemplate:
            return Checked(faults, "")
        return Checked(faults, self._example(parsed, sample))

    def context(self, folder: Path) -> Contexts:
        """What kind of folders lie below, and which template suits each. Raises ``LibraryError``."""
        from reprise.media.fields import read_fields
        from reprise.rename.context import contexts

        return contexts(self._place(folder, recursive=True)[1], read_fields)

    @staticmethod
    def fields() -> list[FieldInfo]:
        """Every field that a template can hold; any other tag is ``tag:NAME``."""
        from reprise.rename.presets import SAMPLE
        from reprise.rename.values import FIELDS

        return [FieldInfo(name, summary, SAMPLE[name].strip()) for name, summary in FIELDS.items()]

    def _example(self, template: Template, sample: Path | None) -> str:
        from reprise.rename.presets import example

        if sample is None:
            return example(template)
        from reprise.media.fields import read_fields
        from reprise.rename.names import file_name
        from reprise.rename.values import values_of

        fields = read_fields(os.fsencode(sample))
        values, _ = values_of(fields, sample.stem, rules=self._rules(template))
        return file_name(template.render(values).stem, sample.suffix).text

    def _online(self) -> Callable[[bytes], tuple[OnlineFacts | None, str]] | None:
        if not self._app.settings.flag("musicbrainz"):
            return None
        from reprise.musicbrainz.recognise import Recogniser

        return Recogniser.of(self._app.settings.text).recognise

    def _rules(self, template: Template) -> ValueRules:
        from reprise.rename.values import KeyDisplay, ValueRules

        settings = self._app.settings
        display = KeyDisplay(settings.text("key_display"))
        return ValueRules(settings.flag("verify_tempo"), display, template.tags)

    def _place(self, folder: Path, *, recursive: bool) -> tuple[Library | None, Place]:
        """The library that the folder lies in, if any, and where to walk. Raises ``LibraryError``."""
        from reprise.rename.walk import Place
        from reprise.sources.existing import existing_folder
        from reprise.sources.folder import excluder

        path = os.fsencode(existing_folder(folder))
        follow = self._app.settings.flag("follow_links")
        for library in self._libraries:
            root = library.root.rstrip(b"/") + b"/"
            if path == library.root or path.startswith(root):
                excluded = excluder(library.exclude) if library.exclude else None
                return library, Place(library.root, path[len(root) :], recursive, follow, excluded)
        return None, Place(path, b"", recursive, follow)

    @cached_property
    def _libraries(self) -> list[Library]:
        if not self._app.storage.exists:
            return []
        return self._app.catalogue().libraries.all(self._app.owner)

    def _heard(self, library: Library) -> Callable[[bytes, Sequence[bytes]], Heard]:
        analyses, owner = self._app.catalogue().analyses, self._app.owner

        def ask(folder: bytes, names: Sequence[bytes]) -> Heard:
            prefix = folder + b"/" if folder else b""
            found = analyses.of_paths(owner, library.id, [prefix + name for name in names])
            return {path[len(prefix) :]: (size, mtime, heard) for path, size, mtime, heard in found}

        return ask

    # carrying plans out

    def apply(
        self,
        plan_path: Path,
        emit: Emit,
        stop: Stop,
        *,
        only: Collection[int] | None = None,
        sidecars: bool = True,
        references: Sequence[Path] = (),
    ) -> Session:
        """Rename what the plan says, or go on with it where an earlier run left it.

        Args:
            plan_path: a file that ``plan`` has written.
            stop: whether somebody wants it to end; asked after each file.
            only: the rows of these numbers, not all of them.
            sidecars: whether those that are in the plan go along.
            references: files that name the music; copies of them say the new names, see ``rewrite``.

        Raises ``BadPlan``, ``RenameConflict``, ``LibraryError``, ``CatalogueError`` kinds and ``DiskFull``.
        """
        from reprise.rename.planfile import PlanReader

        with PlanReader(plan_path) as plan:
            session = self._sessions.apply(plan, self._told(emit), stop, only=only, sidecars=sidecars)
        return self._with_references(session, references) if references else session

    def undo(
        self, session_id: str | None, emit: Emit, stop: Stop, *, only: Collection[int] | None = None
    ) -> Session:
        """Give the files of a session, or of the latest that may be undone, their old names back.

        Raises ``NotFound`` besides what ``apply`` raises.
        """
        sessions = self._sessions
        session = (
            sessions.latest(lambda one: one.done > 0 or one.state.under_way, "left to take back")
            if session_id is None
            else sessions.find(session_id)
        )
        return sessions.undo(session, self._told(emit), stop, only=only)

    def recover(self, session_id: str | None, emit: Emit, stop: Stop, *, finish: bool) -> Session:
        """Bring a session that was killed, cancelled or interrupted to its end, or take back what it has done.

        Raises ``UsageError`` when it has ended, besides what ``undo`` raises.
        """
        sessions = self._sessions
        session = (
            sessions.latest(lambda one: one.state.unfinished or one.state.under_way, "to recover")
            if session_id is None
            else sessions.find(session_id)
        )
        return sessions.recover(session, self._told(emit), stop, finish=finish)

    def sessions(self, limit: int = 20, offset: int = 0) -> tuple[list[Session], int]:
        """The newest first, and how many there are."""
        return self._app.catalogue().renames.page(self._app.owner, limit, offset)

    def session(self, session_id: str) -> Session:
        """Raises ``NotFound``; a unique beginning of the id is enough."""
        return self._sessions.find(session_id)

    def latest(self) -> Session:
        """The newest session. Raises ``NotFound`` when there is none."""
        return self._sessions.latest(lambda _: True, "yet")

    def standing(self, session: Session) -> str:
        """Its state for people: of one whose process was killed, ``interrupted``."""
        return "interrupted" if self._sessions.died(session) else session.state.value

    def moves(
        self, session_id: str, *, state: MoveState | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[Move], int]:
        """A page of a session's files, and how many there are. Raises ``NotFound``."""
        session = self.session(session_id)
        renames = self._app.catalogue().renames
        return renames.moves(self._app.owner, session.id, state=state, limit=limit, offset=offset)

    def rewrite(
        self,
        session: Session,
        paths: Sequence[Path],
        *,
        output: Path | None = None,
        in_place: bool = False,
        known_as: str = "",
    ) -> list[Rewritten]:
        """Copies of playlists and collections that say the names that the session's files have now.

        ``known_as``: how the program that wrote them calls the folder that the session is of.
        """
        from reprise.rename.references import Places, rewrite

        moves = self._app.catalogue().renames.stream(self._app.owner, session.id)
        places = Places(session.root, moves, os.fsencode(known_as))
        folder = None if output is None else os.fsencode(output)
        return list(rewrite([os.fsencode(path) for path in paths], places, output=folder, in_place=in_place))

    def _with_references(self, session: Session, references: Sequence[Path]) -> Session:
        found = [one.as_dict() for one in self.rewrite(session, references)]
        renames = self._app.catalogue().renames
        renames.set_options(self._app.owner, session.id, {**session.options, "references": found})
        return renames.get(self._app.owner, session.id)

    @cached_property
    def _sessions(self) -> Sessions:
        from reprise.media.essence import essence_digest
        from reprise.rename.sessions import Sessions

        app = self._app
        renames = app.catalogue(create=True).renames
        batch = app.settings.whole("rename_batch")
        return Sessions(
            renames, app.owner, app.locks, self._without_scans, essence_digest, batch, each=self._each
        )

    @contextmanager
    def _without_scans(self, root: bytes, stop: Stop) -> Iterator[None]:
        """Scans of the owner's libraries there wait meanwhile, and running ones are waited for, in order of their ids.

        Raises ``ScanStopped`` when ``stop`` says so.
        """
        from reprise.engine.scan import waiting_turn

        with ExitStack() as turns:
            for library in self._app.catalogue().libraries.all(self._app.owner):
                if _overlap(library.root, root):
                    turns.enter_context(waiting_turn(self._app.locks, library, stop))
            yield

    def _told(self, emit: Emit) -> Emit:
        self._app.catalogue(create=True)
        record = self._app.recorder()

        def tell(event: Event) -> None:
            record(event)
            emit(event)

        return tell


def interruptible() -> AbstractContextManager[Interruption]:
    """In here Ctrl-C and a service manager's end are remembered, to be asked for after each file."""
    from reprise.runners import signals

    return signals.interruptible()


def _overlap(one: bytes, other: bytes) -> bool:
    first, second = one.rstrip(b"/") + b"/", other.rstrip(b"/") + b"/"
    return first.startswith(second) or second.startswith(first)
