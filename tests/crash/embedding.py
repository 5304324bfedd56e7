"""Work that fills a library with vectors: scan, embed, cutover."""

from __future__ import annotations

import os
import sqlite3
import sys
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from reprise.errors import RepriseError
from tests.crash import points
from tests.crash.killing import Command, Struck, Work, at_rest
from tests.crash.truth import OTHER, Fault, Installation, Memory, sound_databases
from tests.harness import PLUGIN_FOLDER, Home

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from tests.crash.points import Point

BATCH = 3
PACE = {
    "REPRISE_COMMIT_ROWS": str(BATCH), "REPRISE_COMMIT_SECONDS": "0", "REPRISE_WORKERS": "1", "REPRISE_RENAME_BATCH": "2",
    "PLUGIN_MODELS_SECONDS": "0.002",
}  # fmt: skip
NEW_FILES = 9


def plugin_vector() -> Callable[[bytes, str], Any]:
    """The function by which the test models make a vector of a file's content."""
    sys.path.insert(0, str(PLUGIN_FOLDER))
    try:
        from reprise_plugin_models.behaviour import vector_of
    finally:
        sys.path.remove(str(PLUGIN_FOLDER))
    function: Callable[[bytes, str], Any] = vector_of
    return function


class Library:
    """An installation, its files, and ways to change them; each file has a name that no other file ever had."""

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        self.home = Home(base, {**PACE, **environment, "REPRISE_WORKERS": PACE["REPRISE_WORKERS"]})
        self.memory = Memory()
        self.output = base / "output"
        self.output.mkdir()
        self._vector_of = plugin_vector()
        self._files = 0

    def add(self, count: int) -> list[str]:
        """New files, each of a content of its own."""
        names = [f"f{self._files + n:04d}" for n in range(count)]
        self._files += count
        for path in self.home.add(*names):
            self.memory.file(path.name, path.read_bytes())
        return [f"{name}.mp3" for name in names]

    def change(self, path: str) -> None:
        """Another content under the same name."""
        file = self.home.music / path
        self.memory.replaced.add(file.read_bytes())
        self.memory.forget_vectors()
        content = file.read_bytes() + b" changed"
        file.write_bytes(content)
        self.memory.file(path, content)

    def move(self, path: str) -> None:
        """The same content under a name that is new. The vector that goes along may be of an earlier content."""
        self._files += 1
        file = self.home.music / path
        target = f"f{self._files:04d}m.mp3"
        for content in self.memory.versions[path]:
            self.memory.file(target, content)
        file.rename(self.home.music / target)

    @property
    def files(self) -> list[str]:
        return sorted(os.listdir(self.home.music))

    def command(self, *arguments: str, **variables: str) -> Command:
        return Command((*arguments, "--json"), {**self.home.environment, **variables})

    @contextmanager
    def looked_at(self) -> Iterator[Installation]:
        with self.home.app() as app:
            yield Installation(self.home, app, self.memory, self._vector_of)

    def look(self, *checks: str) -> list[Fault]:
        """The faults that these methods of ``Installation`` find; one that cannot be opened is a fault too."""
        found = list(sound_databases(self.home.state))
        if not (self.home.state / "catalogue.sqlite").exists():
            return found
        try:
            with self.looked_at() as seen:
                return found + [fault for check in checks for fault in _found(getattr(seen, check))]
        except (RepriseError, sqlite3.Error) as error:
            return [*found, Fault(OTHER, f"cannot be opened: {type(error).__name__}: {error}")]

    def end(self, *arguments: str, **variables: str) -> list[Fault]:
        """A command that nobody kills."""
        return list(at_rest(self.command(*arguments, **variables), self.output).faults)

    def compared_with_twin(self, *arguments: str, **variables: str) -> list[Fault]:
        """Another installation embeds the same folder and is never killed: both are to know the same of it."""
        number = sum(1 for _ in self.home.folder.glob("twin*"))
        twin = Home(self.home.folder / f"twin{number}", self.home.environment)
        twin.music.rmdir()
        twin.music = self.home.music
        command = Command((*arguments, "--json"), {**twin.environment, **variables})
        found = list(at_rest(command, self.output).faults)
        with twin.app() as app, self.looked_at() as ours:
            theirs = Installation(twin, app, self.memory, self._vector_of).picture()
            mine = ours.picture()
        differing = sorted(path for path in mine.keys() | theirs.keys() if mine.get(path) != theirs.get(path))
        if differing:
            path = differing[0]
            found.append(
                Fault(
                    OTHER,
                    f"{len(differing)} files differ from a run that was never killed: {path}: {mine.get(path)}, {theirs.get(path)}",
                )
            )
        return found


def _found(check: Callable[[], Iterable[Fault]]) -> list[Fault]:
    """What the check finds; that it cannot come to its end is a fault."""
    try:
        return list(check())
    except (RepriseError, sqlite3.Error, AssertionError) as error:
        return [Fault(OTHER, f"cannot be looked at: {type(error).__name__}: {error}")]


class _OfLibrary(Work):
    """What the work with a library has in common."""

    checks: ClassVar[tuple[str, ...]] = ("vectors", "kept", "items", "counters", "search")

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        self.library = Library(base, environment)

    @property
    def folder(self) -> Path:
        return self.library.output

    @property
    def music(self) -> str:
        return str(self.library.home.music)

    def look(self, struck: Struck) -> list[Fault]:
        del struck
        return self.library.look(*self.checks)


class FirstScan(_OfLibrary):
    """The very first command, which makes the catalogue; each time on an installation that has nothing."""

    name = "first scan"

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        self._base = base
        self._environment = environment
        self._count = 0
        self._renew()

    def _renew(self) -> None:
        self._count += 1
        self.library = Library(self._base / f"{self._count}", self._environment)
        self.library.add(12)

    def command(self, dice: random.Random) -> Command:
        del dice
        if self._count > 1 or self.library.home.state.exists():
            self._renew()
        return self.library.command("scan", self.music)

    def finish(self, *, compare: bool) -> list[Fault]:
        found = self.library.end("embed", self.music, "--model", "null")
        found += self.library.look(*self.checks, "finished", "left_behind")
        return found + (
            self.library.compared_with_twin("embed", self.music, "--model", "null") if compare else []
        )


class Scanning(_OfLibrary):
    """Scans of a library that is embedded, and of which before each some files were added, changed, moved, deleted."""

    name = "scan"
    # forgetting items takes rows of jobs that are over: their counters are of then
    checks = ("vectors", "items", "search")

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        super().__init__(base, {**environment, "REPRISE_KEEP_MISSING_DAYS": "0"})
        self.library.add(24)
        self.library.end("embed", self.music, "--model", "null")
        self._moved: list[str] = []

    def command(self, dice: random.Random) -> Command:
        library = self.library
        victims = dice.sample(library.files, min(8, len(library.files) - 4))
        for path in victims[:3]:
            (library.home.music / path).unlink()
        for path in victims[3:6]:
            library.move(path)
        for path in victims[6:]:
            library.change(path)
        library.add(5)
        return library.command("scan", self.music)

    def finish(self, *, compare: bool) -> list[Fault]:
        found = self.library.end("scan", self.music)
        found += self.library.end("embed", self.music, "--model", "null")
        found += self.library.look("vectors", "items", "counters", "search", "finished", "left_behind")
        return found + (
            self.library.compared_with_twin("embed", self.music, "--model", "null") if compare else []
        )


class Embedding(_OfLibrary):
    """One library, to which files are added before each run, and of which some change."""

    name = "embed"
    has_children = True

    def __init__(
        self,
        base: Path,
        environment: Mapping[str, str],
        models: tuple[str, ...] = ("null",),
        new: int = NEW_FILES,
    ) -> None:
        super().__init__(base, environment)
        self._models = [word for model in models for word in ("--model", model)]
        self._new = new

    def command(self, dice: random.Random) -> Command:
        self.library.add(self._new)
        if dice.random() < 0.2:
            self.library.change(dice.choice(self.library.files))
        return self.library.command("embed", self.music, *self._models)

    def look(self, struck: Struck) -> list[Fault]:
        return [*super().look(struck), *self._again(dead=struck.killed and not struck.whole)]

    def _again(self, *, dead: bool) -> list[Fault]:
        """Rows that were computed since the last look and are not committed are computed once more. They were in the
        hands of the process that died: each row of the ledger tells."""
        memory, home = self.library.memory, self.library.home
        if not (home.state / "catalogue.sqlite").exists():
            return []
        notes = Counter((model, name) for model, name in home.notes("item")[memory.notes :])
        memory.notes += notes.total()
        with self.library.looked_at() as seen:
            done, in_hand = seen.done(), seen.in_hand()
        again = sum(count - (row in done) for row, count in notes.items())
        if dead and in_hand:
            self.most_again = max(self.most_again, again / in_hand)
        if dead and again > in_hand:
            return [Fault(OTHER, f"{again} rows are computed again, {in_hand} were in hand")]
        return []

    def finish(self, *, compare: bool) -> list[Fault]:
        found = self.library.end("embed", self.music, *self._models)
        found += self.library.look(*self.checks, "finished", "left_behind")
        return found + (
            self.library.compared_with_twin("embed", self.music, *self._models) if compare else []
        )


class CuttingOver(_OfLibrary):
    """A library that is embedded anew all the time: a raised epoch, ``--clear``, ``--clear --drop-first``.

    A way is gone until its end before the next one is taken: the same command resumes it.
    """

    name = "cutover"
    has_children = True
    ways = ("epoch", "clear", "drop first")

    def __init__(self, base: Path, environment: Mapping[str, str]) -> None:
        super().__init__(base, environment)
        self._epoch = 1
        self._way = "epoch"
        self._turn = 0
        self.library.add(18)
        self._computed_before = 0
        self._open = False
        self.library.end(*self._arguments, **self._variables)

    @property
    def _variables(self) -> dict[str, str]:
        return {"PLUGIN_MODELS_EPOCH": str(self._epoch)}

    @property
    def _arguments(self) -> tuple[str, ...]:
        more = {"epoch": (), "clear": ("--clear",), "drop first": ("--clear", "--drop-first")}[self._way]
        return ("embed", self.music, "--model", "versioned", *more)

    def command(self, dice: random.Random) -> Command:
        del dice
        if not self._open:
            self.take(self.ways[self._turn % len(self.ways)])
        return self.library.command(*self._arguments, **self._variables)

    def aim(self, point: Point) -> list[Fault]:
        """Each point lies on one way at least; what was begun is gone to its end before."""
        ways = _WAYS.get(point, ("epoch",))
        found: list[Fault] = []
        if self._open and self._way not in ways:
            found = self.library.end(*self._arguments, **self._variables) + self._through()
        if not self._open:
            self.take(ways[0])
        return found

    def take(self, way: str) -> None:
        """Begin another way of cutting over."""
        self._turn += 1
        self._way, self._open = way, True
        self._epoch += way == "epoch"
        self._computed_before = len(self.library.home.notes("item"))
        if way != "epoch":
            self.library.memory.forget_vectors()

    def look(self, struck: Struck) -> list[Fault]:
        if self._way == "drop first":
            self.library.memory.served.clear()  # search may be without this model until the end
        found = super().look(struck)
        if struck.whole:
            found += self._through()
        return found

    def _through(self) -> list[Fault]:
        """The way has been gone to its end."""
        self._open = False
        computed = len(self.library.home.notes("item")) - self._computed_before
        files = len(self.library.files)
        found = self.library.look("finished")
        if self._way != "epoch":
            found += self.library.look("left_behind")
        if computed < files:
            found.append(Fault(OTHER, f"{self._way}: {computed} of {files} files were computed anew"))
        return found

    def finish(self, *, compare: bool) -> list[Fault]:
        found: list[Fault] = []
        if self._open:
            found += self.library.end(*self._arguments, **self._variables)
            found += self._through()
        self._way = "clear"
        found += self.library.end(*self._arguments, **self._variables)
        found += self.library.look(*self.checks, "finished", "left_behind")
        if compare:
            alone = ("embed", self.music, "--model", "versioned")
            found += self.library.compared_with_twin(*alone, **self._variables)
        return found


_WAYS = {
    points.UNPOINTED: ("drop first",),
    points.DROPPED: ("clear", "drop first"),
    points.ROWS_DROPPED: ("clear", "drop first"),
}
"""Which ways of cutting over pass a point that the others do not."""
