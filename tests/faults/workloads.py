"""What commands do while faults are injected, and what must hold of it when the fault is gone."""

from __future__ import annotations

import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.items import Tags
from reprise.demo.encode import write_audio
from reprise.media.essence import essence_digest
from reprise.media.fields import read_fields
from tests.faults.trial import contents
from tests.harness import PLUGIN_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.faults.trial import FaultyHome

RATE = 22_050


@dataclass(frozen=True)
class Workload:
    """``prepare`` makes what is there before, once; ``ready`` what is made anew for each trial.

    ``lost`` says what is missing or wrong after the command was run to a good end; ``kept`` what must hold at any
    time, right after the fault as well. ``middle``: the event after which the command is in the middle of its work,
    and how many of those.
    """

    name: str
    arguments: Callable[[FaultyHome], tuple[str, ...]]
    prepare: Callable[[FaultyHome], None]
    lost: Callable[[FaultyHome], list[str]]
    kept: Callable[[FaultyHome], list[str]] = lambda _home: []
    ready: Callable[[FaultyHome], None] = lambda _home: None
    good_ends: tuple[str, ...] = ("went on",)
    afterwards: Callable[[FaultyHome], None] = lambda _home: None
    middle: tuple[str, int] = ("progress", 1)
    variables: Mapping[str, str] = field(default_factory=dict)


def vectors_of(home: FaultyHome, model: str = "null", salt: str = "null1") -> dict[str, np.ndarray]:
    """What the newest space of the model must hold, by file: the plug-in makes it of the content."""
    sys.path.insert(0, str(PLUGIN_FOLDER))
    try:
        from reprise_plugin_models.behaviour import vector_of
    finally:
        sys.path.remove(str(PLUGIN_FOLDER))
    return {path.name: vector_of(path.read_bytes(), salt) for path in home.music.rglob("*.mp3")}


def wrong_vectors(home: FaultyHome, model: str, salt: str) -> list[str]:
    """Files whose vector is missing, or another than their content's; vectors of no file."""
    expected, found = vectors_of(home, model, salt), {}
    space = home.space(model)
    with home.app() as app:
        for keys, rows in app.store.scan(app.owner, space.name):
            items = app.catalogue().items.get(app.owner, keys)
            for key, row in zip(keys, rows, strict=True):
                found[items[key].path.decode().rpartition("/")[2] if key in items else f"item {key}"] = row
    wrong = [f"{model}: no vector of {name}" for name in sorted(expected.keys() - found.keys())]
    wrong += [f"{model}: a vector of nothing, {name}" for name in sorted(found.keys() - expected.keys())]
    for name in expected.keys() & found.keys():
        one, two = expected[name], found[name]
        if float(one @ two / np.linalg.norm(one) / np.linalg.norm(two)) < 0.999:
            wrong.append(f"{model}: another vector than its own, {name}")
    return wrong


def unsound(home: FaultyHome, models: tuple[str, ...]) -> list[str]:
    try:
        home.assert_sound(models)
    except AssertionError as error:
        return [f"store, ledger and counters differ: {error}"]
    return []


# scan


def _many(count: int) -> Callable[[FaultyHome], None]:
    return lambda home: (home.add_many(count), None)[1]


def _unscanned(home: FaultyHome) -> list[str]:
    with closing(sqlite3.connect(home.state / "catalogue.sqlite")) as connection:
        rows = connection.execute("SELECT path, missing_since FROM items").fetchall()
    there = {path.decode() for path, missing in rows if missing is None}
    files = set(contents(home.music))
    return [f"differs from the folder: {name}" for name in sorted(files ^ there)]


SCAN = Workload(
    "scan",
    lambda home: ("scan", str(home.music)),
    _many(200),
    _unscanned,
    middle=("scan_started", 1),
)

# embed


def _embedded(home: FaultyHome) -> list[str]:
    return wrong_vectors(home, "null", "null1") + unsound(home, ("null",))


def _tables_stand(home: FaultyHome) -> None:
    home.add_many(60)
    assert home.embed("--model", "null", "--since", "2999-01-01").code == 0


EMBED = Workload(
    "embed",
    lambda home: ("embed", str(home.music), "--model", "null"),
    _tables_stand,
    _embedded,
    variables={"REPRISE_COMMIT_ROWS": "10", "PLUGIN_MODELS_SECONDS": "0.03"},
)

# cutover


def _first_epoch(home: FaultyHome) -> None:
    home.add_many(60)
    assert home.embed("--model", "versioned").code == 0


def _search_answers(home: FaultyHome) -> list[str]:
    """The space that the pointer names holds a vector of every file: search never goes dark."""
    with home.app() as app:
        pointer = app.catalogue().spaces.pointer(app.owner, "versioned")
        assert pointer is not None
        keys = [key for keys, _ in app.store.scan(app.owner, pointer.space.name) for key in keys]
    return [] if len(keys) == 60 else [f"the space that answers holds {len(keys)} of 60 vectors"]


def _second_epoch(home: FaultyHome) -> list[str]:
    return (
        wrong_vectors(home, "versioned", "versioned2") + unsound(home, ("versioned",)) + _search_answers(home)
    )


CUTOVER = Workload(
    "cutover",
    lambda home: ("embed", str(home.music), "--model", "versioned"),
    _first_epoch,
    _second_epoch,
    _search_answers,
    variables={"PLUGIN_MODELS_EPOCH": "2", "REPRISE_COMMIT_ROWS": "10", "PLUGIN_MODELS_SECONDS": "0.03"},
)

# analyse


def _songs(home: FaultyHome, count: int = 4, seconds: int = 12) -> None:
    for number in range(count):
        chance = np.random.default_rng(number)
        at = np.arange(RATE * seconds) / RATE
        beat = (at * (1.5 + 0.25 * number) % 1.0 < 0.1) * chance.standard_normal(len(at)) * 0.3
        wave = beat + 0.2 * np.sin(2 * np.pi * chance.uniform(200, 400) * at)
        suffix = (".mp3", ".flac")[number % 2]
        write_audio(
            home.music / f"song {number}{suffix}",
            wave.astype(np.float32),
            RATE,
            tags=Tags(title=f"Song {number}", artist="A"),
        )


def _unheard(home: FaultyHome) -> list[str]:
    with closing(sqlite3.connect(home.state / "catalogue.sqlite")) as connection:
        [[count]] = connection.execute("SELECT COUNT(*) FROM analyses").fetchall()
    files = len(contents(home.music))
    wrong = [] if count == files else [f"{count} of {files} files were heard"]
    return wrong + unsound(home, ("analysis",))


ANALYSE = Workload(
    "analyse",
    lambda home: ("analyze", str(home.music)),
    _songs,
    _unheard,
    middle=("model_loaded", 1),
)

# rename and undo

RENAMED = 60


def _numbered(home: FaultyHome) -> None:
    for number in range(RENAMED):
        folder = home.music / f"album {number % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:02} track.mp3").write_bytes(b"content %d" % number)
    assert home.run("scan", str(home.music)).code == 0


def _plan(home: FaultyHome) -> None:
    plan = ("rename", "plan", str(home.music), "--template", "{filename} (new)", "--output")
    assert home.run(*plan, str(home.folder / "plan")).code == 0


def _every_file_once(home: FaultyHome) -> list[str]:
    """Each content is there, under one name, the old or the new one."""
    found: dict[bytes, list[str]] = {}
    for name, content in contents(home.music).items():
        found.setdefault(content, []).append(name)
    wrong = [
        f"content {number} is under {found.get(b'content %d' % number, [])}"
        for number in range(RENAMED)
        if len(found.get(b"content %d" % number, [])) != 1
    ]
    return wrong + [
        f"{names} hold nothing of ours" for text, names in found.items() if text[:8] != b"content "
    ]


def _all_named(suffix: str) -> Callable[[FaultyHome], list[str]]:
    def check(home: FaultyHome) -> list[str]:
        names = contents(home.music)
        odd = [name for name in names if ("(new)" in name) != (suffix == "(new)")]
        return [f"its name is {name}" for name in odd] + _every_file_once(home) + _unscanned(home)

    return check


def _rest_renamed(home: FaultyHome) -> None:
    """What could not be renamed the first time is planned anew, as the error's cure says."""
    _plan(home)
    home.run("rename", "apply", str(home.folder / "plan"), "--yes")


def _renamed(home: FaultyHome) -> None:
    _numbered(home)
    _plan(home)
    assert home.run("rename", "apply", str(home.folder / "plan"), "--yes").code == 0


RENAME = Workload(
    "rename apply",
    lambda home: ("rename", "apply", str(home.folder / "plan"), "--yes"),
    _numbered,
    _all_named("(new)"),
    _every_file_once,
    _plan,
    good_ends=("went on", "rename_conflict"),
    afterwards=_rest_renamed,
    middle=("rename_progress", 20),
)
UNDO = Workload(
    "undo",
    lambda _home: ("rename", "undo"),
    _renamed,
    _all_named(""),
    _every_file_once,
    good_ends=("went on", "not_found"),
    middle=("rename_progress", 20),
)

# write-tags


def _heard_songs(home: FaultyHome) -> None:
    _songs(home)
    assert home.run("analyze", str(home.music)).code == 0
    digests = {path.name: essence_digest(bytes(path)).hex() for path in home.music.iterdir()}
    (home.folder / "digests.json").write_text(json.dumps(digests))


def _same_sound(home: FaultyHome) -> list[str]:
    """Every song is there under its name, with its sound, and its other tags."""
    digests: dict[str, str] = json.loads((home.folder / "digests.json").read_text())
    wrong = []
    for name, digest in digests.items():
        path = home.music / name
        if not path.exists():
            wrong.append(f"{name} is gone")
        elif essence_digest(bytes(path)).hex() != digest:
            wrong.append(f"{name} sounds different")
        elif read_fields(bytes(path)).tags.artist != "A":
            wrong.append(f"{name} lost a tag")
    return wrong


def _tagged(home: FaultyHome) -> list[str]:
    names = set(json.loads((home.folder / "digests.json").read_text()))
    left = [f"left behind: {path.name}" for path in home.music.iterdir() if path.name not in names]
    untold = [name for name in sorted(names) if not read_fields(bytes(home.music / name)).tags.bpm]
    return left + _same_sound(home) + [f"no tempo in {name}" for name in untold]


TAGS = Workload(
    "write-tags",
    lambda home: ("tags", str(home.music), "--write", "tempo"),
    _heard_songs,
    _tagged,
    _same_sound,
    middle=("tags", 2),
)

ALL = (SCAN, EMBED, CUTOVER, ANALYSE, RENAME, UNDO, TAGS)
