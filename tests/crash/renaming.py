"""Work that gives files other names, and takes them back."""

from __future__ import annotations

import json
import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from reprise.core.rename_journal import MoveState, SessionState, temporary_name
from tests.crash.embedding import Library
from tests.crash.killing import Command, Struck, Work
from tests.crash.truth import FILES, OTHER, Fault, files_of

if TYPE_CHECKING:
    import random
    from collections.abc import Mapping
    from pathlib import Path

    from reprise.core.rename_journal import Session

TEMPLATES = ("{artist} - {title}", "{title} - {artist}")
"""One after the other: what was called by the first trades places by the second."""
SYLLABLES = ("ba", "do", "ki", "lu", "mo", "ne", "ra", "su")
PAIRS = 7
CHECKS = ("vectors", "kept", "items", "search")
IN_DOUBT = {MoveState.MOVING, MoveState.RETURNING}


def _word(number: int) -> str:
    """A name that nobody takes for a placeholder."""
    first, second = divmod(number, len(SYLLABLES))
    return (SYLLABLES[first] + SYLLABLES[second]).capitalize() + "ra"


class _OfNames(Work):
    """A library of files whose tags give them two names, by two templates; pairs of them trade places."""

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        self.library = Library(base, environment)
        for number in range(PAIRS):
            one, other = _word(2 * number), _word(2 * number + 1)
            self._add(f"{number}/first", one, other)
            self._add(f"{number}/second", other, one)
        self.library.end("embed", self._music, "--model", "null")
        self._computed = self.library.home.computed()
        self._originals = files_of(self.library.home.music)
        self._before = dict(self._originals)
        self._after: dict[str, bytes] = {}
        self._plans = 0
        self._open = False

    @property
    def folder(self) -> Path:
        return self.library.output

    @property
    def _music(self) -> str:
        return str(self.library.home.music)

    @property
    def _plan(self) -> Path:
        return self.folder / f"{self._plans}.plan"

    def _add(self, name: str, artist: str, title: str) -> None:
        id3: Any = import_module("mutagen.id3")  # it has no types
        path = self.library.home.music / f"{name}.mp3"
        path.parent.mkdir(exist_ok=True)
        tags = id3.ID3()
        tags.add(id3.TPE1(encoding=3, text=[artist]))
        tags.add(id3.TIT2(encoding=3, text=[title]))
        tags.save(path)
        with path.open("ab") as file:
            file.write(f"sound of {name}".encode())
        self.library.memory.file(f"{name}.mp3", path.read_bytes())

    def _make_plan(self) -> list[Fault]:
        """A new plan, of the other template than the last one; from here on its names are the files' names."""
        template = TEMPLATES[self._plans % 2]
        self._plans += 1
        found = self.library.end(
            "rename", "plan", self._music, "--template", template, "--output", str(self._plan)
        )
        self._before = files_of(self.library.home.music)
        names = {path: path for path in self._before}
        for line in self._plan.read_text().splitlines():
            row = json.loads(line)
            if row.get("status") == "rename":
                names[os.path.join(row["folder"], row["old"])] = os.path.join(row["folder"], row["new"])
        self._after = {names[path]: content for path, content in self._before.items()}
        if self._after.keys() == self._before.keys() and self._after == self._before:
            found.append(Fault(OTHER, "the plan renames nothing"))
        for path, content in self._after.items():
            self.library.memory.file(path, content)
        return found

    def _newest(self) -> Session | None:
        """The newest session, unless it is of an earlier plan."""
        with self.library.home.app() as app:
            sessions, total = app.catalogue().renames.page(app.owner, 1)
        return sessions[0] if total == self._plans else None

    def _apply(self) -> Command:
        return self.library.command("rename", "apply", str(self._plan))

    def look(self, struck: Struck) -> list[Fault]:
        found = [*self._files_whole(settled=struck.whole), *self._followed(), *self.library.look(*CHECKS)]
        if struck.whole:
            found += self._through()
        return found

    def _through(self) -> list[Fault]:
        raise NotImplementedError

    def _files_whole(self, *, settled: bool) -> list[Fault]:
        """Each content is there exactly once, under its name before or after; a temporary one while in doubt."""
        now = files_of(self.library.home.music)
        old = {content: path for path, content in self._before.items()}
        new = {content: path for path, content in self._after.items()}
        if sorted(now.values()) != sorted(old):
            return [Fault(FILES, f"{len(old)} files before, {len(now)} now, or another content")]
        doubtful = set() if settled else self._temporary()
        return [
            Fault(FILES, f"{old[content]} is called {path}")
            for path, content in now.items()
            if path not in {old[content], new.get(content)} and path not in doubtful
        ]

    def _temporary(self) -> set[str]:
        """Names that files may have in between."""
        with self.library.looked_at() as seen:
            return {
                os.fsdecode(os.path.join(folder, temporary_name(session, number)))
                for session, folder, number in seen.query(
                    "SELECT session_id, folder, number FROM rename_moves"
                )
            }

    def _followed(self) -> list[Fault]:
        """The catalogue says of each item the name that its file has; of one in doubt, a name that it may have."""
        now = files_of(self.library.home.music)
        with self.library.looked_at() as seen:
            items = {
                os.fsdecode(path)
                for (path,) in seen.query("SELECT path FROM items WHERE missing_since IS NULL")
            }
            doubtful = {
                os.fsdecode(os.path.join(folder, name))
                for folder, old, new, state in seen.query("SELECT folder, old, new, state FROM rename_moves")
                for name in (old, new)
                if state in IN_DOUBT
            }
        doubtful |= self._temporary()
        stray = (items ^ now.keys()) - doubtful
        return [Fault(OTHER, f"catalogue and folder differ: {sorted(stray)[:3]}")] if stray else []

    def _named_as(self, wanted: Mapping[str, bytes]) -> list[Fault]:
        now = files_of(self.library.home.music)
        wrong = [path for path in wanted if now.get(path) != wanted[path]]
        return (
            [Fault(FILES, f"{len(wrong)} files have not the name they should: {wrong[:3]}")] if wrong else []
        )

    def finish(self, *, compare: bool) -> list[Fault]:
        """All sessions are taken back, and no model was asked again."""
        found = self._end_open()
        found += self._undo_all()
        found += self._named_as(self._originals)
        found += self.library.end("embed", self._music, "--model", "null")
        if self.library.home.computed() != self._computed:
            found.append(Fault(OTHER, "renaming cost an embedding"))
        found += self.library.look(*CHECKS, "counters", "finished")
        return found + (
            self.library.compared_with_twin("embed", self._music, "--model", "null") if compare else []
        )

    def _end_open(self) -> list[Fault]:
        raise NotImplementedError

    def _undo_all(self) -> list[Fault]:
        """The newest first, as their names need it."""
        found: list[Fault] = []
        with self.library.home.app() as app:
            sessions, _ = app.catalogue().renames.page(app.owner, 1000)
        for session in sessions:
            if session.done:
                found += self.library.end("rename", "undo", session.id)
        return found


class Applying(_OfNames):
    """Plans are carried out. One that was killed is gone on with by the same command, or by ``rename recover``."""

    name = "rename"

    def command(self, dice: random.Random) -> Command:
        session = self._newest() if self._open else None
        if not self._open or (session is not None and session.state is SessionState.DONE):
            self._make_plan()  # the last one may have been killed when all was done
            self._open = True
            return self._apply()
        if session is not None and dice.random() < 0.3:
            return self.library.command("rename", "recover", "--finish")
        return self._apply()

    def _through(self) -> list[Fault]:
        self._open = False
        return self._named_as(self._after)

    def _end_open(self) -> list[Fault]:
        session = self._newest() if self._open else None
        if not self._open or (session is not None and session.state is SessionState.DONE):
            return self._through() if self._open else []
        return self.library.end("rename", "apply", str(self._plan)) + self._through()


class Undoing(_OfNames):
    """A plan is carried out in peace, then taken back."""

    name = "undo"

    def command(self, dice: random.Random) -> Command:
        session = self._newest() if self._open else None
        if session is None or session.state is SessionState.UNDONE:
            self._make_plan()
            self.library.end("rename", "apply", str(self._plan))
            self._open = True
        elif session.state.under_way and dice.random() < 0.3:
            return self.library.command("rename", "recover", "--roll-back")
        return self.library.command("rename", "undo")

    def _through(self) -> list[Fault]:
        self._open = False
        return self._named_as(self._before)

    def _end_open(self) -> list[Fault]:
        session = self._newest() if self._open else None
        if session is None or session.state is SessionState.UNDONE:
            return self._through() if self._open else []
        return self.library.end("rename", "undo") + self._through()
