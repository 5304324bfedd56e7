"""The collection for Rekordbox: every field comes back from the XML, whatever names and tags hold."""

from __future__ import annotations

import errno
import io
import os
import tracemalloc
import xml.etree.ElementTree as ET
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

import pytest

from reprise import __version__
from reprise.core.analysis import Analysis, Cue, CueKind, HeardKey, HeardTempo
from reprise.core.items import InputState, Item, Tags
from reprise.core.musical_key import MusicalKey
from reprise.errors import DiskFull, UsageError
from reprise.media.rekordbox import HOST, save_collection, write_collection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from reprise.media.rekordbox import Track

CUES = (
    Cue(CueKind.INTRO, 0.25, 1.0),
    Cue(CueKind.DROP, 33.5, 0.9),
    Cue(CueKind.BREAKDOWN, 96.0625, 0.7),
    Cue(CueKind.DROP, 128.0, 0.8),
)


def analysis(
    tempo: HeardTempo | None = None, key: MusicalKey | None = None, cues: tuple[Cue, ...] = ()
) -> Analysis:
    heard = HeardKey(key, 0.8) if key else None
    return Analysis(217.4, True, tempo, heard, None, 0.0, 0.0, 0.0, cues)


def track(number: int, path: bytes, heard: Analysis | None = None, **tags: object) -> Track:
    item = Item(number, "me", 1, path.lstrip(b"/"), InputState(8_765_432, 1), Tags(**tags))  # type: ignore[arg-type]
    return item, path, heard or analysis()


def exported(tracks: Iterable[Track]) -> tuple[ET.Element, list[tuple[int, str]]]:
    file, refused = io.BytesIO(), list[tuple[int, str]]()
    count = write_collection(file, tracks, lambda item, reason: refused.append((item.id, reason)))
    root = ET.fromstring(file.getvalue())
    collection = root.find("COLLECTION")
    assert collection is not None
    assert int(collection.attrib["Entries"]) == len(collection) == count
    return root, refused


def test_every_field_comes_back() -> None:
    heard = analysis(HeardTempo(127.996, 0.9, (), 0.2513), MusicalKey(9, minor=True), CUES)
    tags = {"title": "Gauge", "artist": "Kessel 9", "album": "Pressure", "genre": "Techno", "duration": 217.4}
    root, refused = exported([track(7, "/music/Kessel 9/ü#1 100%.mp3".encode(), heard, **tags)])
    assert refused == []
    assert (root.tag, root.attrib) == ("DJ_PLAYLISTS", {"Version": "1.0.0"})
    assert [child.tag for child in root] == ["PRODUCT", "COLLECTION", "PLAYLISTS"]
    assert root[0].attrib == {"Name": "Reprise", "Version": __version__, "Company": ""}
    (one,) = root[1]
    assert one.attrib == {
        "TrackID": "7",
        "Name": "Gauge",
        "Artist": "Kessel 9",
        "Album": "Pressure",
        "Genre": "Techno",
        "Kind": "MP3 File",
        "Size": "8765432",
        "TotalTime": "217",
        "AverageBpm": "128.00",
        "Tonality": "Am",
        "Location": "file://localhost/music/Kessel%209/%C3%BC%231%20100%25.mp3",
    }
    assert [(mark.tag, mark.attrib) for mark in one] == [
        ("TEMPO", {"Inizio": "0.251", "Bpm": "128.00", "Metro": "4/4", "Battito": "1"}),
        ("POSITION_MARK", {"Name": "Intro", "Type": "0", "Start": "0.250", "Num": "0"}),
        ("POSITION_MARK", {"Name": "Drop 1", "Type": "0", "Start": "33.500", "Num": "1"}),
        ("POSITION_MARK", {"Name": "Breakdown 1", "Type": "0", "Start": "96.062", "Num": "2"}),
        ("POSITION_MARK", {"Name": "Drop 2", "Type": "0", "Start": "128.000", "Num": "3"}),
    ]
    (top,) = root[2]
    assert top.attrib == {"Type": "0", "Name": "ROOT", "Count": "1"}
    (playlist,) = top
    assert playlist.attrib == {"Name": "Reprise", "Type": "1", "KeyType": "0", "Entries": "1"}
    assert [(entry.tag, entry.attrib) for entry in playlist] == [("TRACK", {"Key": "7"})]


@pytest.mark.parametrize("tempo", [None, HeardTempo(120.0, 0.9)])
def test_without_a_heard_beat_there_is_no_grid(tempo: HeardTempo | None) -> None:
    root, _ = exported([track(1, b"/a.flac", analysis(tempo, None, CUES))])
    (one,) = root[1]
    assert one.find("TEMPO") is None
    assert one.attrib.get("AverageBpm") == ("120.00" if tempo else None)
    assert len(one.findall("POSITION_MARK")) == 4
    assert {"Artist", "Album", "Genre", "Tonality"} & one.attrib.keys() == set()
    assert (one.attrib["Name"], one.attrib["Kind"]) == ("a", "FLAC File")


def test_a_player_has_eight_slots() -> None:
    many = tuple(Cue(CueKind.DROP, float(second), 1.0) for second in range(12))
    root, _ = exported([track(1, b"/a.wav", analysis(None, None, many))])
    assert [mark.attrib["Num"] for mark in root[1][0]] == [str(slot) for slot in range(8)]


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("<&>\"'", "<&>\"'"),
        ("NUL\0 bell\a esc\x1b", "NUL  bell  esc "),
        ("tab\tand\nline", "tab\tand\nline"),
        ("half\ud800pair￾", "half pair "),
        ("שלום e\u0301 🎧", "שלום e\u0301 🎧"),
        ("x" * 5000, "x" * 5000),
    ],
)
def test_any_tag_can_be_written(title: str, written: str) -> None:
    root, refused = exported([track(1, b"/a.mp3", title=title)])
    assert (root[1][0].attrib["Name"], refused) == (written, [])


@pytest.mark.parametrize(
    "name", ["a b.mp3", "a&b<c>'\".mp3", "a?b#c%d;e.mp3", "日本語.MP3", "e\u0301.mp3", "🎧.mp3", "a+b~c.mp3"]
)
def test_the_location_leads_back_to_the_file(name: str) -> None:
    path = b"/some music/" + name.encode()
    root, refused = exported([track(1, path)])
    location = root[1][0].attrib["Location"]
    assert refused == []
    assert location.isascii()
    assert unquote_to_bytes(location.removeprefix(HOST)) == path
    assert location.startswith(f"{HOST}/")


def test_what_rekordbox_cannot_name_is_left_out_with_a_reason() -> None:
    tracks = [
        track(1, b"/a.mp3"),
        track(2, b"/\xff.mp3"),
        track(3, b"/line\nbreak.mp3"),
        (Item(4, "me", 1, b"album.flac\x0002:100-200", InputState(1, 1)), b"/album.flac", analysis()),
        track(5, b"/z.mp3"),
    ]
    root, refused = exported(tracks)
    assert [one.attrib["TrackID"] for one in root[1]] == ["1", "5"]
    assert [entry.attrib["Key"] for entry in root[2][0][0]] == ["1", "5"]
    assert dict(refused) == {
        2: "its name is not UTF-8",
        3: "its name holds control characters",
        4: "it is a part of a longer file, which Rekordbox cannot name",
    }


def test_an_empty_collection_is_well_formed() -> None:
    root, _ = exported([])
    assert root[2][0][0].attrib["Entries"] == "0"


def save(target: Path, tracks: Iterable[Track], *, replace: bool = False) -> int:
    return save_collection(target, tracks, lambda _item, _reason: None, replace=replace)


def test_a_file_that_is_there_is_replaced_only_if_asked(tmp_path: Path) -> None:
    target = tmp_path / "cues.xml"
    assert save(target, [track(1, b"/a.mp3")]) == 1
    first = target.read_bytes()
    with pytest.raises(UsageError, match="is there already"):
        save(target, [])
    assert target.read_bytes() == first
    assert save(target, [track(1, b"/a.mp3"), track(2, b"/b.mp3")], replace=True) == 2
    assert ET.parse(target).getroot()[1].attrib["Entries"] == "2"
    assert [path.name for path in tmp_path.iterdir()] == ["cues.xml"]


def test_what_fails_midway_leaves_the_earlier_file_and_no_draft(tmp_path: Path) -> None:
    target = tmp_path / "cues.xml"
    target.write_text("mine")

    def broken(number: int) -> Iterator[Track]:
        yield track(1, b"/a.mp3")
        raise OSError(number, os.strerror(number))

    with pytest.raises(DiskFull):
        save(target, broken(errno.ENOSPC), replace=True)
    with pytest.raises(UsageError, match="cannot be written"):
        save(target, broken(errno.EIO), replace=True)
    assert target.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["cues.xml"]


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        save(tmp_path / "none" / "cues.xml", [])


def test_the_file_is_for_every_program_to_read(tmp_path: Path) -> None:
    target = tmp_path / "cues.xml"
    before = os.umask(0o022)
    try:
        save(target, [])
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == 0o644


def test_memory_does_not_grow_with_the_collection(tmp_path: Path) -> None:
    heard = analysis(HeardTempo(128.0, 0.9, (), 0.2), MusicalKey(0, minor=False), CUES)

    def peak(count: int) -> int:
        tracemalloc.start()
        assert (
            save(tmp_path / f"{count}.xml", (track(n, b"/%d.mp3" % n, heard) for n in range(1, count + 1)))
            == count
        )
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    assert peak(6000) - peak(1000) < 5000 * 100  # an id each, for the playlist; a track is ten times that
