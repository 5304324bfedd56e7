"""Rename and retag a thousand files, then run again: no model is even loaded."""

from __future__ import annotations

import importlib
import os
import random
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.items import Tags
from reprise.demo.encode import write_audio
from tests.cli.conftest import RATE, Reprise, Result, tune

if TYPE_CHECKING:
    from pathlib import Path

FILES = 1000
SUFFIXES = (".wav", ".flac", ".mp3", ".wav")

mutagen: Any = importlib.import_module("mutagen")  # it has no types
wave: Any = importlib.import_module("mutagen.wave")
id3: Any = importlib.import_module("mutagen.id3")


def make(folder: Path) -> None:
    """A short sound each: the same chord, louder and later from file to file."""
    sound = tune(1, 1.2)
    for number in range(FILES):
        path = folder / f"{number % 20:02}/{number:04}{SUFFIXES[number % len(SUFFIXES)]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        level = 0.3 + 0.7 * number / FILES
        write_audio(
            path, level * sound[number * 8 : number * 8 + 16_000], RATE, tags=Tags(title=f"No {number}")
        )


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def retag(path: Path, title: str) -> None:
    if path.suffix == ".wav":
        file = wave.WAVE(path)
        if file.tags is None:
            file.add_tags()
        file.tags["TIT2"] = id3.TIT2(encoding=3, text=title)
    else:
        file = mutagen.File(path, easy=True)
        file["title"] = title
    file.save()


def silent(result: Result) -> bool:
    """Whether no model was started."""
    names = {line["event"] for line in result.lines}
    return result.done == 0 and not names & {"model_started", "model_loaded", "progress"}


@pytest.mark.parametrize("seed", [1])
def test_renaming_and_retagging_a_thousand_files_calls_no_model(tmp_path: Path, seed: int) -> None:
    music, chance = tmp_path / "music", random.Random(seed)
    make(music)
    reprise = Reprise(tmp_path / "home", {"workers": "0"})
    assert reprise.embed(music).done == FILES
    ids = set(reprise.ids.values())
    assert len(ids) == FILES

    for number, path in enumerate(files(music)):
        path.rename(path.with_name(f"renamed {number}{path.suffix}"))
    renamed = reprise.embed(music)
    assert silent(renamed)
    assert renamed.scan == {"moved": FILES}

    for path in files(music):
        retag(path, f"another title of {path.name}")
    retagged = reprise.embed(music)
    assert silent(retagged)
    assert set(retagged.scan) <= {"retagged", "touched"}
    assert sum(retagged.scan.values()) == FILES

    # Both at once, and names that go round: each file gets the name of another.
    for suffix in set(SUFFIXES):
        group = [path for path in files(music) if path.suffix == suffix]
        aside = [path.rename(path.with_suffix(".aside")) for path in group]
        chance.shuffle(group)
        for path, target in zip(aside, group, strict=True):
            os.rename(path, target)
    for path in files(music):
        retag(path, f"a third and longer title of {path.name}")
    shuffled = reprise.embed(music)
    assert silent(shuffled)
    assert set(reprise.ids.values()) == ids

    again = reprise.embed(music)
    assert silent(again)
    assert again.scan == {}
    verified = reprise("spaces", "verify", "--json").lines[0]
    assert (verified["vectors"], verified["good"]) == (FILES, True)
