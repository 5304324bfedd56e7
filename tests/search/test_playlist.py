"""Playlists that a player can load, whatever the names are."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from reprise.core.items import InputState, Item, Tags
from reprise.errors import UsageError
from reprise.search.playlist import m3u, save_m3u

if TYPE_CHECKING:
    from pathlib import Path

ODD = (
    b"plain.mp3",
    "Bj\u00f6rk - J\u00f3ga.flac".encode(),
    b"caf\xe9 \xff.wav",
    b"# not a comment.mp3",
    b"#EXTINF:3,lie.mp3",
    b" two  spaces .ogg",
    b"tab\tname.mp3",
    b"[red]%20\\'\".m4a",
    "\u6b4c.opus".encode(),
)


def item(number: int, path: bytes, missing: float | None = None, **tags: str | float) -> Item:
    return Item(number, "ada", 1, path, InputState(1, 1), Tags(**tags), missing_since=missing)  # type: ignore[arg-type]


def read(content: bytes) -> list[bytes]:
    """As players do: every line that is no comment is a file."""
    assert content.startswith(b"#EXTM3U\n")
    return [line for line in content.split(b"\n") if line and not line.startswith(b"#")]


def test_odd_names_come_back_as_they_are_on_the_disk(tmp_path: Path) -> None:
    root = os.fsencode(tmp_path)
    paths = [root + b"/" + name for name in ODD]
    for path in paths:
        with open(path, "wb") as file:
            file.write(b"sound")
    target = tmp_path / "list.m3u8"
    playlist = m3u((item(n, name), path) for n, (name, path) in enumerate(zip(ODD, paths, strict=True)))
    save_m3u(target, playlist.content)
    assert playlist.left_out == ()
    listed = read(target.read_bytes())
    assert listed == paths
    assert all(os.path.exists(path) for path in listed)


def test_what_cannot_be_listed_is_named_with_its_reason() -> None:
    broken, gone, fine = item(1, b"two\nlines.mp3"), item(2, b"gone.mp3", missing=1.0), item(3, b"fine.mp3")
    playlist = m3u((one, b"/music/" + one.path) for one in (broken, gone, fine, item(4, b"cr\r.mp3")))
    assert read(playlist.content) == [b"/music/fine.mp3"]
    assert [(one.id, reason) for one, reason in playlist.left_out] == [
        (1, "its name holds a line break"),
        (2, "its file is missing"),
        (4, "its name holds a line break"),
    ]


def test_length_and_name_stand_above_each_file() -> None:
    tagged = item(1, b"a.mp3", artist="Nina\nSimone", title="Sinnerman", duration=618.6)
    lines = m3u([(tagged, b"/a.mp3"), (item(2, b"b.mp3"), b"/b.mp3")]).content.splitlines()
    assert lines == [
        b"#EXTM3U",
        b"#EXTINF:619,Nina Simone - Sinnerman",
        b"/a.mp3",
        b"#EXTINF:-1,b",
        b"/b.mp3",
    ]


def test_a_track_inside_a_file_says_where_it_lies() -> None:
    """Two tracks of a cue sheet: 75 frames are a second."""
    first, last = (
        item(1, b"album.flac\x0001:0-11250", title="One"),
        item(2, b"album.flac\x0002:11250-", title="Two"),
    )
    lines = m3u([(first, b"/album.flac"), (last, b"/album.flac")]).content.splitlines()
    assert lines == [
        b"#EXTM3U",
        b"#EXTINF:-1,One",
        b"#EXTVLCOPT:start-time=0.000",
        b"#EXTVLCOPT:stop-time=150.000",
        b"/album.flac",
        b"#EXTINF:-1,Two",
        b"#EXTVLCOPT:start-time=150.000",
        b"/album.flac",
    ]


def test_saving_replaces_a_playlist_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "list.m3u8"
    umask = os.umask(0o022)
    try:
        save_m3u(target, m3u([]).content)
    finally:
        os.umask(umask)
    assert stat.S_IMODE(target.stat().st_mode) == 0o644
    save_m3u(target, m3u([(item(1, b"a.mp3"), b"/a.mp3")]).content)
    assert read(target.read_bytes()) == [b"/a.mp3"]
    song = tmp_path / "song.mp3"
    song.write_bytes(b"ID3 precious")
    with pytest.raises(UsageError, match="is there and no playlist"):
        save_m3u(song, b"#EXTM3U\n")
    assert song.read_bytes() == b"ID3 precious"
    assert {path.name for path in tmp_path.iterdir()} == {"list.m3u8", "song.mp3"}


def test_a_place_where_nothing_can_be_written_is_told(tmp_path: Path) -> None:
    for target in (tmp_path / "no" / "list.m3u8", tmp_path):
        with pytest.raises(UsageError, match="cannot be written") as told:
            save_m3u(target, b"#EXTM3U\n")
        assert told.value.cure
    assert list(tmp_path.iterdir()) == []
