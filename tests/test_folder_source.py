"""Walking real folders: the order, what is left out, links, and what cannot be read."""

from __future__ import annotations

import os
import random
import socket
from typing import TYPE_CHECKING

import pytest

from reprise.core.ports import FoundFile, ScanProblem
from reprise.errors import BadSetting, LibraryError
from reprise.sources.folder import FolderSource

if TYPE_CHECKING:
    from pathlib import Path


def make(root: Path, *names: str | bytes) -> None:
    for name in names:
        path = os.path.join(os.fsencode(root), os.fsencode(name))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"123")


def walk(
    root: Path, exclude: tuple[str, ...] = (), follow_links: bool = True
) -> list[FoundFile | ScanProblem]:
    return list(FolderSource(os.fsencode(root), exclude, follow_links).walk())


def paths(root: Path, exclude: tuple[str, ...] = (), follow_links: bool = True) -> list[bytes]:
    found = walk(root, exclude, follow_links)
    assert not [problem for problem in found if isinstance(problem, ScanProblem)]
    return [entry.path for entry in found]


def problems(root: Path) -> dict[bytes, ScanProblem]:
    return {entry.path: entry for entry in walk(root) if isinstance(entry, ScanProblem)}


def test_files_with_their_size_and_time(tmp_path: Path) -> None:
    make(tmp_path, "A/b.mp3", "top.FLAC", "notes.txt", "mp3", "cover.jpg", "x.mp3.part", "flac", "aflac")
    os.utime(tmp_path / "top.FLAC", ns=(1, 1_234_567_890_123_456_789))
    found = walk(tmp_path)
    assert found[1] == FoundFile(b"top.FLAC", 3, 1_234_567_890_123_456_789)
    assert [entry.path for entry in found] == [b"A/b.mp3", b"top.FLAC"]


def test_the_order_is_that_of_the_bytes(tmp_path: Path) -> None:
    make(
        tmp_path,
        "a/b.mp3",
        "a.mp3",
        "a-b/c.mp3",
        "a b.mp3",
        "B.mp3",
        "é.mp3",
        "a/b/c.mp3",
        "a0.mp3",
        "a/b.b/c.mp3",
    )
    found = paths(tmp_path)
    assert found == sorted(found)
    assert found.index(b"a.mp3") < found.index(b"a/b.mp3")


def test_random_trees_come_in_order_and_whole(tmp_path: Path) -> None:
    chance = random.Random(5)
    letters = "aB .-/~0é"
    names = {"".join(chance.choices(letters, k=8)).strip("/ .-") for _ in range(300)}
    wanted = []
    for name in names:
        parts = [part.strip(" .") for part in name.split("/") if part.strip(" .")]
        if parts:
            wanted.append("/".join([*parts[:-1], f"{parts[-1]}.mp3"]))
    make(tmp_path, *wanted)
    assert paths(tmp_path) == sorted({os.fsencode(name) for name in wanted})


def test_names_in_any_encoding(tmp_path: Path) -> None:
    names = [b"caf\xe9.mp3", b"new\nline.mp3", b"\xff\xfe.MP3", b"tab\t.Opus", "ü/日本.m4a".encode()]
    make(tmp_path, *names)
    assert paths(tmp_path) == sorted(names)


def test_what_is_never_music(tmp_path: Path) -> None:
    hidden = [
        "._a.mp3",
        ".hidden/a.mp3",
        "@eaDir/a.mp3",
        "#recycle/a.mp3",
        "$RECYCLE.BIN/a.mp3",
        "x/lost+found/a.mp3",
    ]
    make(tmp_path, "a.mp3", "x/System Volume Information/a.mp3", *hidden)
    assert paths(tmp_path) == [b"a.mp3"]


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        (("*.wav",), [b"Samples/kick.mp3", b"a/demo/x.mp3", b"a/song.mp3"]),
        (("Samples/",), [b"a/b.wav", b"a/demo/x.mp3", b"a/song.mp3"]),
        (("**/demo/*",), [b"Samples/kick.mp3", b"Samples/kick.wav", b"a/b.wav", b"a/song.mp3"]),
        (("/a",), [b"Samples/kick.mp3", b"Samples/kick.wav"]),
        (("*.wav", "!b.wav"), [b"Samples/kick.mp3", b"a/b.wav", b"a/demo/x.mp3", b"a/song.mp3"]),
        (
            ("# a comment", ""),
            [b"Samples/kick.mp3", b"Samples/kick.wav", b"a/b.wav", b"a/demo/x.mp3", b"a/song.mp3"],
        ),
    ],
)
def test_exclusion_patterns(patterns: tuple[str, ...], left: list[bytes], tmp_path: Path) -> None:
    make(tmp_path, "a/song.mp3", "a/b.wav", "a/demo/x.mp3", "Samples/kick.wav", "Samples/kick.mp3")
    assert paths(tmp_path, patterns) == left


def test_patterns_meet_names_that_are_no_text(tmp_path: Path) -> None:
    make(tmp_path, b"caf\xe9.wav", b"caf\xe9.mp3")
    assert paths(tmp_path, ("*.wav",)) == [b"caf\xe9.mp3"]


def test_a_wrong_pattern_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="exclusion pattern"):
        FolderSource(os.fsencode(tmp_path), ("!",))


def test_an_excluded_folder_is_not_even_opened(tmp_path: Path) -> None:
    make(tmp_path, "a.mp3", "private/b.mp3")
    (tmp_path / "private").chmod(0)
    try:
        assert paths(tmp_path, ("private/",)) == [b"a.mp3"]
    finally:
        (tmp_path / "private").chmod(0o700)


def test_links_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    make(root, "a/b.mp3")
    make(outside, "c.mp3", "d/e.mp3")
    (root / "a" / "up").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a" / "self")
    (root / "else").symlink_to(outside)
    (root / "again").symlink_to(outside)
    (root / "f.mp3").symlink_to(outside / "c.mp3")
    assert paths(root) == [b"a/b.mp3", b"again/c.mp3", b"again/d/e.mp3", b"f.mp3"]
    assert paths(root, follow_links=False) == [b"a/b.mp3", b"f.mp3"]


def test_what_looks_like_audio_and_is_no_file(tmp_path: Path) -> None:
    make(tmp_path, "fine.mp3", "folder.mp3/in.mp3")
    (tmp_path / "broken.mp3").symlink_to(tmp_path / "gone.mp3")
    (tmp_path / "loop.mp3").symlink_to(tmp_path / "loop.mp3")
    (tmp_path / "null.flac").symlink_to("/dev/null")
    (tmp_path / "broken.txt").symlink_to(tmp_path / "gone")
    os.mkfifo(tmp_path / "fifo.mp3")
    with socket.socket(socket.AF_UNIX) as plug:
        here = os.getcwd()
        os.chdir(tmp_path)  # a socket's name may have 108 bytes
        plug.bind("plug.mp3")
        os.chdir(here)
    found = problems(tmp_path)
    assert {path: problem.code for path, problem in found.items()} == {
        b"broken.mp3": "broken_link",
        b"broken.txt": "broken_link",
        b"fifo.mp3": "not_a_file",
        b"loop.mp3": "unreadable",
        b"null.flac": "not_a_file",
        b"plug.mp3": "not_a_file",
    }
    assert found[b"fifo.mp3"].message == "a FIFO, not a regular file"
    assert [path for path, problem in found.items() if problem.is_folder] == [b"broken.txt"]
    assert [e.path for e in walk(tmp_path) if isinstance(e, FoundFile)] == [b"fine.mp3", b"folder.mp3/in.mp3"]


def test_a_linked_folder_whose_disk_is_away_is_reported_unless_it_is_excluded(tmp_path: Path) -> None:
    make(tmp_path, "fine.mp3")
    (tmp_path / "usb").symlink_to(tmp_path / "not mounted")
    assert problems(tmp_path)[b"usb"].is_folder
    assert not [entry for entry in walk(tmp_path, ("usb/",)) if isinstance(entry, ScanProblem)]


def test_a_folder_that_cannot_be_read_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "a/b.mp3", "locked/c.mp3", "z.mp3")
    tmp_path.chmod(0o755)
    (tmp_path / "locked").chmod(0)
    source = FolderSource(os.fsencode(tmp_path))
    descriptor = os.open(tmp_path, os.O_RDONLY)  # pytest's own folders are closed to others
    root = os.geteuid() == 0
    try:
        os.fchdir(descriptor)
        if root:
            source = FolderSource(b".")
            os.seteuid(65_534)
        found = list(source.walk())
    finally:
        if root:
            os.seteuid(0)
        os.chdir("/")
        os.close(descriptor)
        (tmp_path / "locked").chmod(0o700)
    assert [entry.path for entry in found] == [b"a/b.mp3", b"locked", b"z.mp3"]
    problem = found[1]
    assert isinstance(problem, ScanProblem)
    assert (problem.code, problem.is_folder, problem.message) == ("unreadable", True, "Permission denied")


def test_a_folder_that_vanishes_while_walking_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "a/b.mp3", "b/c.mp3", "c/d.mp3")
    walking = FolderSource(os.fsencode(tmp_path)).walk()
    assert next(walking) == FoundFile(b"a/b.mp3", 3, (tmp_path / "a/b.mp3").stat().st_mtime_ns)
    (tmp_path / "b" / "c.mp3").unlink()
    (tmp_path / "b").rmdir()
    problem, last = list(walking)
    assert isinstance(problem, ScanProblem)
    assert (problem.path, problem.code, problem.is_folder) == (b"b", "vanished", True)
    assert last.path == b"c/d.mp3"


def test_a_deep_tree(tmp_path: Path) -> None:
    deep = "d/" * 900 + "a.mp3"
    make(tmp_path, deep, "e.mp3")
    assert paths(tmp_path) == [deep.encode(), b"e.mp3"]


def test_a_root_that_cannot_be_walked(tmp_path: Path) -> None:
    make(tmp_path, "file.mp3")
    with pytest.raises(LibraryError, match="does not exist") as missing:
        walk(tmp_path / "gone")
    assert missing.value.cure
    with pytest.raises(LibraryError, match="is a file, not a folder"):
        walk(tmp_path / "file.mp3")


def test_an_empty_folder(tmp_path: Path) -> None:
    assert walk(tmp_path) == []


def test_tags_and_digests_by_relative_path(tmp_path: Path) -> None:
    make(tmp_path, "a/b.mp3")
    source = FolderSource(os.fsencode(tmp_path))
    assert source.tags(b"a/b.mp3").title is None
    assert len(source.digest(b"a/b.mp3")) == 32
