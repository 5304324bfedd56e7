"""Any sequence of file operations costs a model call for a new sound, and for nothing else."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import wave
from collections import Counter, defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from reprise.app import App
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.events import ScanFinished
    from reprise.core.items import Item, Library

NAMES = ("a.wav", "b.wav", "B/c.wav", "B/d.wav", "b-e.wav", "z/y/f.wav")

name = st.sampled_from(NAMES)
operation = st.one_of(
    st.tuples(st.sampled_from(["make", "delete", "touch"]), name, name),
    st.tuples(st.sampled_from(["move", "swap", "copy"]), name, name),
)
rounds = st.lists(st.lists(operation, min_size=1, max_size=8), min_size=1, max_size=5)


class Shelf:
    """A folder of tiny tracks, each with a sound of its own number."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sounds: dict[str, int] = {}
        self._numbers = itertools.count(1)
        self._clock = itertools.count(1_600_000_000)

    def do(self, verb: str, first: str, second: str) -> None:
        if verb == "make":
            self._make(first)
        elif first in self.sounds:
            getattr(self, f"_{verb}")(first, second)

    def _path(self, name: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _make(self, name: str) -> None:
        number = next(self._numbers)
        with wave.open(str(self._path(name)), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
            file.writeframes(number.to_bytes(4, "little") * 400)
        self.sounds[name] = number
        self._touch(name, name)

    def _touch(self, name: str, _other: str) -> None:
        os.utime(self._path(name), (next(self._clock),) * 2)

    def _delete(self, name: str, _other: str) -> None:
        self._path(name).unlink()
        del self.sounds[name]

    def _move(self, name: str, to: str) -> None:
        if name != to:
            os.replace(self._path(name), self._path(to))
            self.sounds[to] = self.sounds.pop(name)

    def _copy(self, name: str, to: str) -> None:
        if name != to:
            shutil.copy2(self._path(name), self._path(to))
            self.sounds[to] = self.sounds[name]

    def _swap(self, name: str, other: str) -> None:
        if other not in self.sounds or name == other:
            return
        aside = self.folder / "aside"
        os.rename(self._path(name), aside)
        os.rename(self._path(other), self._path(name))
        os.rename(aside, self._path(other))
        self.sounds[name], self.sounds[other] = self.sounds[other], self.sounds[name]


class Keeper:
    """Scans, and pretends to embed: an item's essence is known from then on."""

    def __init__(self, app: App, library: Library) -> None:
        self.app = app
        self.library = library
        self.embedded: dict[int, int] = {}
        """Which sound each item was embedded with."""

    def scan(self) -> ScanFinished:
        return self.app.scan(self.library, lambda _event: None)

    def items(self) -> dict[str, Item]:
        catalogue = self.app.catalogue()
        ids = catalogue.libraries.item_ids(self.app.owner, self.library.id)
        found = catalogue.items.get(self.app.owner, ids).values()
        return {os.fsdecode(item.path): item for item in found if item.missing_since is None}

    def embed(self, sounds: dict[str, int]) -> Counter[int]:
        """Embed what is new or changed; returns the sounds that were heard."""
        heard: Counter[int] = Counter()
        source = self.app.source(self.library)
        for path, item in self.items().items():
            digest = source.digest(os.fsencode(path))
            assert item.state.digest in (None, digest), path
            if self.embedded.get(item.id) != sounds[path]:
                heard[sounds[path]] += 1
                self.embedded[item.id] = sounds[path]
            self.app.catalogue().items.learn_digests(self.app.owner, [(item.id, digest)])
        return heard

    def known(self) -> Counter[int]:
        catalogue = self.app.catalogue()
        ids = set(catalogue.libraries.item_ids(self.app.owner, self.library.id))
        return Counter(sound for item_id, sound in self.embedded.items() if item_id in ids)


@contextmanager
def house() -> Iterator[tuple[Shelf, Keeper]]:
    with tempfile.TemporaryDirectory() as folder:
        music = Path(folder, "music")
        music.mkdir()
        shelf = Shelf(music)
        shelf.do("make", "always.wav", "")
        with App(load_settings({}, {}, Path(folder, "home"))) as app:
            library, _ = app.library_of(music)
            yield shelf, Keeper(app, library)


@settings(max_examples=40, deadline=None)
@example([[("make", "a.wav", ""), ("make", "B/c.wav", "")], [("swap", "a.wav", "B/c.wav")]])
@given(rounds)
def test_only_new_sounds_are_heard_whatever_happens_to_the_files(
    plan: list[list[tuple[str, str, str]]],
) -> None:
    with house() as (shelf, keeper):
        keeper.scan()
        keeper.embed(shelf.sounds)
        for operations in plan:
            for verb, first, second in operations:
                shelf.do(verb, first, second)
            known = keeper.known()
            keeper.scan()
            assert set(keeper.items()) == set(shelf.sounds)
            expected = Counter(shelf.sounds.values()) - known
            assert keeper.embed(shelf.sounds) == expected
            again = keeper.scan()
            assert (again.new, again.changed, again.moved, again.touched, again.missing) == (0, 0, 0, 0, 0)


@settings(max_examples=30, deadline=None)
@example(
    [
        [("make", "a.wav", ""), ("make", "B/c.wav", "")],
        [("move", "B/c.wav", "a.wav")],
        [("move", "a.wav", "B/c.wav")],
    ]
)
@given(rounds)
def test_what_a_scan_tells_adds_up(plan: list[list[tuple[str, str, str]]]) -> None:
    with house() as (shelf, keeper):
        keeper.scan()
        keeper.embed(shelf.sounds)
        for operations in plan:
            before = {item.id for item in keeper.items().values()}
            for verb, first, second in operations:
                shelf.do(verb, first, second)
            told = keeper.scan()
            after = {item.id for item in keeper.items().values()}
            assert told.files == len(after) == len(shelf.sounds)
            assert min(told.new, told.changed, told.moved, told.returned, told.missing) >= 0
            assert told.missing == len(before - after)
            places = defaultdict(list)
            for path, item in keeper.items().items():
                places[item.id].append(path)
            assert all(len(paths) == 1 for paths in places.values())
            keeper.embed(shelf.sounds)
