"""What people and accidents do, in any order."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.stateful.checks import MODELS, check
from tests.stateful.house import OWNERS, House, Stop
from tests.stateful.oracle import Ask
from tests.stateful.renames import Renamer
from tests.stateful.shelf import FOLDERS, Track

if TYPE_CHECKING:
    from collections import Counter

MOST_FILES = 12
NAMES = ("a.wav", "b.wav", "B.wav", "c d.wav")

owners = st.sampled_from(OWNERS)
some_models = st.sampled_from([("steady",), ("epochal",), MODELS, MODELS])
folders = st.sampled_from(FOLDERS)
picks = st.integers(0, MOST_FILES - 1)
stops = st.builds(Stop, st.sampled_from(["pause", "cancel"]), st.integers(1, 14)) | st.builds(
    Stop, st.just("die"), st.integers(1, 70)
)
some_stop = st.none() | stops
asks = st.builds(
    Ask,
    models=some_models,
    folder=st.just("") | folders,
    wanted=st.sampled_from(["missing", "missing", "all"]),
    clear=st.sampled_from(["nothing", "nothing", "nothing", "after", "first"]),
)


@dataclass(frozen=True)
class FileChange:
    """Something that happens to a file. ``pick`` and ``other`` say to which; ``folder`` and ``name`` where to."""

    what: str
    pick: int
    other: int
    folder: str
    name: str
    bad: bool


file_changes = st.builds(
    FileChange,
    what=st.sampled_from(["add", "add", "change", "touch", "retag", "move", "swap", "delete", "restore"]),
    pick=picks,
    other=picks,
    folder=folders,
    name=st.sampled_from(NAMES),
    bad=st.booleans(),
)


class LibraryMachine(RuleBasedStateMachine):
    """Two owners, up to twelve files, two models. ``blank``: an empty catalogue to begin with."""

    blank: ClassVar[Path]
    inside: ClassVar[bool] = True
    done: ClassVar[Counter[str]]
    """Steps that were carried out, over all sequences."""

    def __init__(self) -> None:
        super().__init__()
        memory = Path("/dev/shm")
        self.folder = Path(
            tempfile.mkdtemp(prefix="reprise-stateful-", dir=memory if memory.is_dir() else None)
        )
        self.house = House(self.folder / "house", self.blank, inside=self.inside)
        self.renamer = Renamer(self.house)

    def teardown(self) -> None:
        self.done.update(self.house.counts)
        self.house.close()
        shutil.rmtree(self.folder)

    def did(self, what: str) -> None:
        self.house.counts[what] += 1

    def path(self, pick: int) -> str:
        paths = sorted(self.house.shelf.tracks)
        return paths[pick % len(paths)]

    # files

    @initialize(count=st.integers(1, 5), bad=st.booleans())
    def begin(self, count: int, bad: bool) -> None:
        shelf = self.house.shelf
        for number in range(count):
            path = FOLDERS[number % len(FOLDERS)] + NAMES[0]
            shelf.write(path, Track(shelf.new_sound(bad=bad and number == 1), shelf.new_title()))

    @rule(changes=st.lists(file_changes, min_size=1, max_size=4))
    def files(self, changes: list[FileChange]) -> None:
        """Several at once: what nobody has scanned in between is harder to follow."""
        for change in changes:
            if getattr(self, f"_{change.what}")(change):
                self.did(change.what)

    def _free(self, change: FileChange) -> str | None:
        path = change.folder + change.name
        return None if path in self.house.shelf.tracks else path

    def _add(self, change: FileChange) -> bool:
        path, shelf = self._free(change), self.house.shelf
        if path is None or len(shelf.tracks) >= MOST_FILES:
            return False
        shelf.write(path, Track(shelf.new_sound(bad=change.bad), shelf.new_title()))
        return True

    def _change(self, change: FileChange) -> bool:
        """Another sound under the same name; a bad one may become good, and a good one bad."""
        path, shelf = self.path(change.pick), self.house.shelf
        shelf.write(path, Track(shelf.new_sound(bad=change.bad), shelf.tracks[path].title))
        return True

    def _touch(self, change: FileChange) -> bool:
        self.house.shelf.touch(self.path(change.pick))
        return True

    def _retag(self, change: FileChange) -> bool:
        path, shelf = self.path(change.pick), self.house.shelf
        shelf.write(path, Track(shelf.tracks[path].sound, shelf.new_title()))
        return True

    def _move(self, change: FileChange) -> bool:
        path = self._free(change)
        if path is not None:
            self.house.shelf.move(self.path(change.pick), path)
        return path is not None

    def _swap(self, change: FileChange) -> bool:
        first, second = self.path(change.pick), self.path(change.other)
        if first != second:
            self.house.shelf.swap(first, second)
        return first != second

    def _delete(self, change: FileChange) -> bool:
        """An empty folder is taken for a disk that is not mounted: one file stays."""
        enough = len(self.house.shelf.tracks) > 1
        if enough:
            self.house.shelf.delete(self.path(change.pick))
        return enough

    def _restore(self, change: FileChange) -> bool:
        """At its own place, or at another one."""
        shelf = self.house.shelf
        if not shelf.deleted or len(shelf.tracks) >= MOST_FILES:
            return False
        place = change.other % len(shelf.deleted)
        path, track = shelf.deleted[place]
        path = path if change.bad else change.folder + change.name
        if path in shelf.tracks:
            return False
        del shelf.deleted[place]
        shelf.write(path, track)
        return True

    # work

    @rule(owner=owners, forget=st.sampled_from([False, False, True]))
    def scan(self, owner: str, forget: bool) -> None:
        self.house.scan(owner, forget=forget)
        self.did("scan and forget" if forget else "scan")

    @rule(owner=owners, models=some_models)
    def embed(self, owner: str, models: tuple[str, ...]) -> None:
        self.house.embed(owner, Ask(models))
        self.did("embed")

    @rule(owner=owners, ask=asks, stop=some_stop)
    def embed_some(self, owner: str, ask: Ask, stop: Stop | None) -> None:
        """Forced, cleared, of a folder, and perhaps interrupted."""
        self.house.embed(owner, ask, stop)
        self._did_ask(ask, stop)

    @rule(owner=owners, models=some_models, stop=stops)
    def interrupt(self, owner: str, models: tuple[str, ...], stop: Stop) -> None:
        self.house.embed(owner, Ask(models), stop)
        self._did_ask(Ask(models), stop)

    @rule(owner=owners, stop=some_stop)
    def resume(self, owner: str, stop: Stop | None) -> None:
        if self.house.resume(owner, stop) is not None:
            self.did("resume")
            self._did_ask(Ask(()), stop)

    @rule(
        owner=owners,
        models=some_models,
        stop=some_stop,
        code=st.sampled_from([None, "model_failed", "timed_out"]),
    )
    def retry(self, owner: str, models: tuple[str, ...], stop: Stop | None, code: str | None) -> None:
        if self.house.scanned[owner]:
            self.house.embed(owner, Ask(models, wanted="failed", code=code), stop)
            self.did("retry")

    @rule(owner=owners)
    def cancel_waiting(self, owner: str) -> None:
        if self.house.stop_waiting(owner):
            self.did("cancel what waits")

    @rule(owner=owners)
    def dismiss(self, owner: str) -> None:
        if self.house.dismiss(owner):
            self.did("dismiss")

    def _did_ask(self, ask: Ask, stop: Stop | None) -> None:
        if ask.models:
            self.did("embed")
        if ask.wanted == "all":
            self.did("force")
        if ask.clear != "nothing":
            self.did(f"clear {ask.clear}")
        if ask.folder:
            self.did("of a folder")
        if stop:
            self.did(f"told to {stop.how}")

    # the world

    @rule(epoch=st.integers(1, 3), sick=st.booleans())
    def world(self, epoch: int, sick: bool) -> None:
        """Another release of a model, or the same one in a new process; what made models fail is mended, or back."""
        oracle = self.house.oracles[OWNERS[0]]
        self.did("restart" if epoch == oracle.epochs["epochal"] else "bump")
        if sick != oracle.sick:
            self.did("heal")
        self.house.set_sick(sick=sick)
        self.house.bump(epoch)

    @rule(owner=owners, die=st.just(0) | st.integers(1, 40), finish=st.booleans())
    def rename(self, owner: str, die: int, finish: bool) -> None:
        if self.renamer.apply(owner, die, finish=finish):
            self.did("rename")

    @rule(die=st.just(0) | st.integers(1, 40))
    def undo(self, die: int) -> None:
        if self.renamer.undo(die):
            self.did("undo")

    @invariant()
    def all_agrees(self) -> None:
        check(self.house)
