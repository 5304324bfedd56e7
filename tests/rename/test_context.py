"""What lies in a folder, as the facts of the source project say it, with reasons."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from reprise.media.fields import read_fields
from reprise.rename.context import MAX_FOLDERS, ROOT_FILES, Context, ContextKind, contexts, judged
from reprise.rename.template import check
from reprise.rename.walk import Place

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _found(folder: Path, below: bytes = b"") -> tuple[Context, ...]:
    return contexts(Place(os.fsencode(folder), below), read_fields).items


def _kinds(folder: Path) -> dict[str, tuple[str, str]]:
    return {one.name: (one.kind.value, one.preset) for one in _found(folder)}


@pytest.mark.parametrize(
    ("album", "numbers", "tracks", "total", "kind", "confidence", "gaps"),
    [
        ("", [1, 2, 3], 3, 0, ContextKind.SINGLES, 1.0, 0),
        ("X", [1, 2], 2, 0, ContextKind.SINGLES, 0.8, 0),
        ("X", [1, 2, 3], 3, 0, ContextKind.ALBUM, 0.95, 0),
        ("X", [3, 1, 2], 3, 3, ContextKind.ALBUM, 0.95, 0),
        ("X", [1, 2, 3], 3, 12, ContextKind.PARTIAL_ALBUM, 0.75, 9),
        ("X", [2, 5, 6], 3, 0, ContextKind.PARTIAL_ALBUM, 0.75, 3),
        ("X", [20, 21, 22], 3, 0, ContextKind.PARTIAL_ALBUM, 0.75, 19),
        ("X", [21, 22, 23], 3, 0, ContextKind.SINGLES, 0.8, 0),
        ("X", [1, 2, 2], 3, 0, ContextKind.SINGLES, 0.8, 0),
        ("X", [1, 2, 3, 4, 5, 6, 7], 10, 0, ContextKind.PARTIAL_ALBUM, 0.75, 0),
        ("X", [1, 2, 3, 4, 5, 6], 10, 0, ContextKind.INCOMPLETE_ALBUM, 0.5, 0),
    ],
)
def test_how_tracks_are_judged(
    album: str, numbers: list[int], tracks: int, total: int, kind: ContextKind, confidence: float, gaps: int
) -> None:
    found = judged(album, numbers, tracks, total)
    assert (found[0], found[1], found[3]) == (kind, confidence, gaps)
    assert found[2]


def test_a_folder_of_everything(tmp_path: Path, track: Callable[..., Path]) -> None:
    for number in (1, 2, 3):
        track(tmp_path / "Album" / f"{number}.mp3", artist="A", title=f"T{number}", album="X", track=number)
        track(
            tmp_path / "Half" / f"{number}.mp3", artist="A", title=f"T{number}", album="Y", track=number * 2
        )
        track(tmp_path / "Loose" / f"{number}.mp3", artist="A", title=f"T{number}", album="Z")
        track(tmp_path / f"single{number}.mp3", artist="A", title=f"S{number}", bpm=128)
        for disc in (1, 2):
            name = f"{disc}-{number}.mp3"
            track(
                tmp_path / "Discs" / f"CD{disc}" / name,
                title=f"T{number}",
                album="W",
                track=number,
                disc=disc,
            )
    assert _kinds(tmp_path) == {
        ROOT_FILES: ("singles", "dj"),
        "Album": ("album", "album"),
        "Discs": ("album", "album-disc"),
        "Half": ("partial_album", "album"),
        "Loose": ("incomplete_album", "simple"),
    }
    found = {(one.name, one.disc): one for one in _found(tmp_path)}
    assert {name: one.level for (name, _), one in found.items()} == {
        ROOT_FILES: "high", "Album": "high", "Discs": "high", "Half": "medium", "Loose": "low",
    }  # fmt: skip
    assert found["Half", ""].gaps == 3
    assert {key for key in found if key[0] == "Discs"} == {("Discs", "1"), ("Discs", "2")}
    assert all(check(one.template) == [] for one in found.values())


def test_one_folder_is_a_group_of_its_own(tmp_path: Path, track: Callable[..., Path]) -> None:
    for number in (1, 2, 3):
        track(tmp_path / "X" / f"{number}.mp3", title="T", album="X", track=f"{number}/3")
    assert [(one.name, one.folder) for one in _found(tmp_path, b"X")] == [("X", b"X")]
    assert [(one.name, one.kind) for one in _found(tmp_path)] == [("X", ContextKind.ALBUM)]


def test_singles_of_many_albums_are_one_finding(tmp_path: Path, track: Callable[..., Path]) -> None:
    for number in range(5):
        track(tmp_path / f"{number}.mp3", title="T", album=f"Album {number}")
    (found,) = _found(tmp_path)
    assert (found.kind, found.confidence, found.tracks) == (ContextKind.SINGLES, 0.8, 5)


def test_only_so_many_folders_are_looked_at(tmp_path: Path) -> None:
    for number in range(MAX_FOLDERS + 1):
        (tmp_path / f"{number:03}").mkdir()
        (tmp_path / f"{number:03}" / "A - T.mp3").touch()
    found = contexts(Place(os.fsencode(tmp_path)), read_fields)
    assert len(found.items) == MAX_FOLDERS
    assert found.warnings == (f"only the first {MAX_FOLDERS} folders were looked at",)


def test_what_can_not_be_read_tells_nothing(tmp_path: Path, track: Callable[..., Path]) -> None:
    for number in (1, 2, 3):
        track(tmp_path / f"{number}.mp3", title="T", album="X", track=number)
    (tmp_path / "0.mp3").symlink_to("nothing")
    assert [one.kind for one in _found(tmp_path)] == [ContextKind.ALBUM]
    assert _found(tmp_path)[0].tracks == 3
