"""Whatever happens to albums and their sheets, only sound that was not heard before is heard."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import wave
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from reprise.app import App
from reprise.core.cuts import split_path
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.events import ScanFinished
    from reprise.core.items import Item, Library

RATE = 7500  # Hz; a frame of a sheet is 100 samples
FRAMES = 300  # in each album: 4 seconds
FOLDERS = ("a", "b", "c")
BOUNDS = ((), (0, 100), (0, 100, 200), (0, 150, 200), (50, 100, 250))
"""Where tracks begin; none: there is no sheet."""

folder = st.sampled_from(FOLDERS)
operation = st.one_of(
    st.tuples(st.sampled_from(["make", "delete", "touch", "retitle", "renumber", "break"]), folder, folder),
    st.tuples(st.sampled_from(["move", "copy", "swap"]), folder, folder),
    st.tuples(st.just("cut"), folder, st.sampled_from(BOUNDS)),
)
rounds = st.lists(st.lists(operation, min_size=1, max_size=5), min_size=1, max_size=5)


@dataclass(frozen=True)
class Album:
    """``sound`` numbers what is heard; a sheet that is ``broken`` names another file."""

    sound: int
    bounds: tuple[int, ...]
    first_number: int = 1
    broken: bool = False

    @property
    def heard(self) -> list[tuple[int, int, int | None]]:
        """The sound and bounds of each item that there should be."""
        if len(self.bounds) < 2 or self.broken:
            return [(self.sound, -1, None)]
        ends = (*self.bounds[1:], None)
        return [(self.sound, start, end) for start, end in zip(self.bounds, ends, strict=True)]


class Shelf:
    """Folders with an album each: a file, and perhaps a sheet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.albums: dict[str, Album] = {}
        self._numbers = itertools.count(1)
        self._clock = itertools.count(1_600_000_000)

    def do(self, verb: str, first: str, second: str | tuple[int, ...]) -> None:
        if verb == "make" or first in self.albums:
            getattr(self, f"_{verb}")(first, second)

    def heard(self) -> Counter[tuple[int, int, int | None]]:
        return Counter(one for album in self.albums.values() for one in album.heard)

    def _make(self, name: str, _other: object) -> None:
        number = next(self._numbers)
        (self.root / name).mkdir(exist_ok=True)
        with wave.open(str(self.root / name / "album.wav"), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", "not compressed"))
            file.writeframes(number.to_bytes(4, "little") * (FRAMES * 50))
        self._tick(name, "album.wav")
        self._write(name, Album(number, self.albums[name].bounds if name in self.albums else ()))

    def _write(self, name: str, album: Album) -> None:
        self.albums[name] = album
        sheet = self.root / name / "album.cue"
        if not album.bounds:
            sheet.unlink(missing_ok=True)
            return
        lines = [f'FILE "{"gone" if album.broken else "album"}.flac" WAVE']
        for number, start in enumerate(album.bounds, album.first_number):
            lines += [f"TRACK {number} AUDIO", f'TITLE "{next(self._numbers)}"']
            lines += [f"INDEX 01 00:{start // 75:02}:{start % 75:02}"]
        sheet.write_text("\n".join(lines))
        self._tick(name, "album.cue")

    def _tick(self, name: str, file: str) -> None:
        os.utime(self.root / name / file, (next(self._clock),) * 2)

    def _touch(self, name: str, _other: object) -> None:
        self._tick(name, "album.wav")

    def _cut(self, name: str, bounds: tuple[int, ...]) -> None:
        self._write(name, replace(self.albums[name], bounds=bounds))

    def _retitle(self, name: str, _other: object) -> None:
        self._write(name, self.albums[name])

    def _renumber(self, name: str, _other: object) -> None:
        self._write(name, replace(self.albums[name], first_number=self.albums[name].first_number % 20 + 1))

    def _break(self, name: str, _other: object) -> None:
        self._write(name, replace(self.albums[name], broken=not self.albums[name].broken))

    def _delete(self, name: str, _other: object) -> None:
        shutil.rmtree(self.root / name)
        del self.albums[name]

    def _move(self, name: str, to: str) -> None:
        if name != to:
            shutil.rmtree(self.root / to, ignore_errors=True)
            (self.root / name).rename(self.root / to)
            self.albums[to] = self.albums.pop(name)

    def _copy(self, name: str, to: str) -> None:
        if name != to:
            shutil.rmtree(self.root / to, ignore_errors=True)
            shutil.copytree(self.root / name, self.root / to)
            self.albums[to] = self.albums[name]

    def _swap(self, name: str, other: str) -> None:
        if other in self.albums and name != other:
            (self.root / name).rename(self.root / "aside")
            (self.root / other).rename(self.root / name)
            (self.root / "aside").rename(self.root / other)
            self.albums[name], self.albums[other] = self.albums[other], self.albums[name]


class Keeper:
    """Scans, and pretends to embed: an item's essence is known from then on."""

    def __init__(self, app: App, library: Library, shelf: Shelf) -> None:
        self.app = app
        self.library = library
        self.shelf = shelf
        self.embedded: dict[int, tuple[int, int, int | None]] = {}
        self._digests: dict[int, bytes] = {}

    def scan(self) -> ScanFinished:
        return self.app.scan(self.library, lambda _event: None)

    def items(self) -> list[Item]:
        catalogue = self.app.catalogue()
        ids = catalogue.libraries.item_ids(self.app.owner, self.library.id)
        found = catalogue.items.get(self.app.owner, ids).values()
        return [item for item in found if item.missing_since is None]

    def embed(self) -> Counter[tuple[int, int, int | None]]:
        """Embed what is new or changed; returns what was heard."""
        heard: Counter[tuple[int, int, int | None]] = Counter()
        source = self.app.source(self.library)
        for item in self.items():
            digest = source.digest(item.path)
            assert item.state.digest in (None, digest), item.display_path
            file, cut = split_path(item.path)
            sound = self.shelf.albums[os.path.dirname(os.fsdecode(file))].sound
            content = (sound, cut.start if cut else -1, cut.end if cut else None)
            if self._digests.get(item.id) != digest:
                heard[content] += 1
                self._digests[item.id], self.embedded[item.id] = digest, content
            assert self.embedded[item.id] == content, f"{item.display_path} has the vector of another sound"
            self.app.catalogue().items.learn_digests(self.app.owner, [(item.id, digest)])
        return heard

    def known(self) -> Counter[tuple[int, int, int | None]]:
        ids = set(self.app.catalogue().libraries.item_ids(self.app.owner, self.library.id))
        return Counter(content for item_id, content in self.embedded.items() if item_id in ids)


@contextmanager
def house() -> Iterator[tuple[Shelf, Keeper]]:
    with tempfile.TemporaryDirectory() as place:
        music = Path(place, "music")
        music.mkdir()
        shelf = Shelf(music)
        shelf.do("make", "always", "")
        with App(load_settings({}, {}, Path(place, "home"))) as app:
            library, _ = app.library_of(music)
            yield shelf, Keeper(app, library, shelf)


@settings(max_examples=25, deadline=None)
@example([[("make", "a", "a"), ("cut", "a", (0, 100, 200))], [("move", "a", "b"), ("renumber", "b", "b")]])
@example([[("make", "a", "a")], [("cut", "a", (0, 100))], [("cut", "a", ())], [("cut", "a", (0, 100))]])
@example([[("make", "a", "a"), ("cut", "a", (0, 100)), ("make", "b", "b")], [("swap", "a", "b")]])
@given(rounds)
def test_only_new_sounds_are_heard_whatever_happens_to_the_sheets(
    plan: list[list[tuple[str, str, str | tuple[int, ...]]]],
) -> None:
    with house() as (shelf, keeper):
        keeper.scan()
        keeper.embed()
        for operations in plan:
            for verb, first, second in operations:
                shelf.do(verb, first, second)
            known = keeper.known()
            told = keeper.scan()
            items = keeper.items()
            assert told.files == len(items) == sum(shelf.heard().values())
            assert min(told.new, told.changed, told.moved, told.returned, told.missing) >= 0
            assert told.problems == sum(a.broken and len(a.bounds) > 1 for a in shelf.albums.values())
            assert keeper.embed() == shelf.heard() - known
            again = keeper.scan()
            assert (again.new, again.changed, again.moved, again.touched, again.missing) == (0, 0, 0, 0, 0)
