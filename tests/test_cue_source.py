"""A folder with cue sheets: which files they cut, which stay whole, and what is said of sheets that do not fit."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.core.cuts import Cut, split_path
from reprise.core.items import Tags
from reprise.core.ports import FoundFile, ScanProblem
from reprise.demo.encode import write_audio
from reprise.errors import Unreadable, Vanished
from reprise.media.cue import MAX_BYTES
from reprise.sources import cuesheets
from reprise.sources.folder import FolderSource

if TYPE_CHECKING:
    from pathlib import Path

RATE = 8000  # Hz
SECONDS = 30


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Half a minute of something, in some formats, by suffix; the FLAC has tags of its own."""
    folder = tmp_path_factory.mktemp("sound")
    noise = 0.1 * np.random.default_rng(3).standard_normal(SECONDS * RATE).astype(np.float32)
    tags = Tags(title="The Record", artist="Someone", album="From the file", genre="Jazz", year=1959, disc=3)
    made = {}
    for suffix in (".flac", ".wav", ".mp3", ".wv", ".m4a"):
        path = write_audio(folder / f"a{suffix}", noise, RATE, tags=tags)
        made[suffix] = path.read_bytes()
    return made


def sheet(file: str, *starts: str, head: str = "", titles: bool = True) -> str:
    """A sheet of one file whose tracks begin at those times."""
    lines = [head, f'FILE "{file}" WAVE']
    for number, start in enumerate(starts, 1):
        lines.append(f"  TRACK {number:02} AUDIO")
        lines += [f'    TITLE "Song {number}"'] if titles else []
        lines.append(f"    INDEX 01 {start}")
    return "\n".join(lines) + "\n"


def walk(root: Path, exclude: tuple[str, ...] = ()) -> list[FoundFile | ScanProblem]:
    return list(FolderSource(os.fsencode(root), exclude).walk())


def paths(root: Path, exclude: tuple[str, ...] = ()) -> list[bytes]:
    found = walk(root, exclude)
    assert not [problem for problem in found if isinstance(problem, ScanProblem)], found
    return [entry.path for entry in found]


def refused(root: Path) -> dict[bytes, str]:
    """Every sheet of which something is said; no file may have been cut."""
    found = walk(root)
    assert not [entry for entry in found if split_path(entry.path)[1]], found
    problems = [entry for entry in found if isinstance(entry, ScanProblem)]
    assert {problem.code for problem in problems} <= {"cue_sheet"}
    assert not any(problem.is_folder for problem in problems)
    return {problem.path: problem.message for problem in problems}


def cuts(*bounds: tuple[int, int | None], file: bytes = b"album.flac") -> list[bytes]:
    return [Cut(number, *both).path_in(file) for number, both in enumerate(bounds, 1)]


THREE = ("00:00:00", "00:10:37", "00:20:00")
IN_THREE = ((0, 787), (787, 1500), (1500, None))


def put(root: Path, sound: dict[str, bytes], text: str, name: str = "album.flac") -> None:
    (root / name).write_bytes(sound[os.path.splitext(name)[1]])
    (root / "album.cue").write_text(text)


@pytest.mark.parametrize("suffix", [".flac", ".wav", ".mp3", ".wv", ".m4a"])
def test_a_sheet_puts_its_tracks_in_place_of_its_file(
    suffix: str, tmp_path: Path, sound: dict[str, bytes]
) -> None:
    put(tmp_path, sound, sheet(f"album{suffix}", *THREE), f"album{suffix}")
    (tmp_path / f"zz{suffix}").write_bytes(sound[suffix])
    file = f"album{suffix}".encode()
    assert paths(tmp_path) == [*cuts(*IN_THREE, file=file), f"zz{suffix}".encode()]


def test_size_is_the_files_and_the_time_is_the_later_one(tmp_path: Path, sound: dict[str, bytes]) -> None:
    put(tmp_path, sound, sheet("album.flac", *THREE))
    os.utime(tmp_path / "album.flac", ns=(5, 2_000_000_000_000_000_001))
    os.utime(tmp_path / "album.cue", ns=(5, 1_000_000_000_000_000_000))
    assert {entry[1:] for entry in walk(tmp_path) if isinstance(entry, FoundFile)} == {
        (len(sound[".flac"]), 2_000_000_000_000_000_001)
    }
    os.utime(tmp_path / "album.cue", ns=(5, 3_000_000_000_000_000_000))
    assert {entry[2] for entry in walk(tmp_path) if isinstance(entry, FoundFile)} == {
        3_000_000_000_000_000_000
    }


@pytest.mark.parametrize(
    ("named", "name"),
    [
        ("album.wav", "album.flac"),
        ("ALBUM.WAV", "album.flac"),
        ("Album.FLAC", "album.flac"),
        ("C:\\\\rips\\\\album.wav", "album.flac"),
        ("sub/album.flac", "album.flac"),
        ("album", "album.flac"),
        ("Vol. 1", "Vol. 1.flac"),
        ("Sígur.wav", "Si\u0301gur.flac"),
    ],
)
def test_a_file_is_found_by_its_name_or_stem(
    named: str, name: str, tmp_path: Path, sound: dict[str, bytes]
) -> None:
    put(tmp_path, sound, sheet(named, *THREE), name)
    assert paths(tmp_path) == cuts(*IN_THREE, file=name.encode())


def test_the_exact_name_comes_before_the_stem(tmp_path: Path, sound: dict[str, bytes]) -> None:
    put(tmp_path, sound, sheet("album.wav", *THREE), "album.flac")
    (tmp_path / "album.wav").write_bytes(sound[".wav"])
    assert paths(tmp_path) == [b"album.flac", *cuts(*IN_THREE, file=b"album.wav")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_names_and_titles_in_any_encoding(encoding: str, tmp_path: Path, sound: dict[str, bytes]) -> None:
    (tmp_path / "Café – Älbum.flac").write_bytes(sound[".flac"])
    text = sheet("Café – Älbum.wav", *THREE, head='TITLE "Ágætis"').replace("Song", "Sóng")
    (tmp_path / "x.CUE").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    source = FolderSource(os.fsencode(tmp_path))
    found = [entry.path for entry in source.walk()]
    assert found == cuts(*IN_THREE, file="Café – Älbum.flac".encode())
    assert source.tags(found[1])[:3] == ("Sóng 2", "Someone", "Ágætis")


def test_tags_come_from_the_sheet_and_for_the_record_from_the_file(
    tmp_path: Path, sound: dict[str, bytes]
) -> None:
    text = sheet("album.flac", *THREE).replace(
        'TITLE "Song 2"', 'PERFORMER "A Guest"\n REM GENRE Dub\n REM DATE 1999'
    )
    put(tmp_path, sound, text)
    source = FolderSource(os.fsencode(tmp_path))
    first, second, last = [source.tags(entry.path) for entry in source.walk()]
    assert first == Tags(
        title="Song 1", artist="Someone", album="From the file", album_artist="Someone", genre="Jazz", year=1959,
        track=1, disc=3, duration=787 / 75,
    )  # fmt: skip
    assert (second.title, second.artist, second.genre, second.year) == (None, "A Guest", "Dub", 1999)
    assert last.duration == pytest.approx(10.0)
    whole = 'REM GENRE "Trip Hop"\nREM DATE 1998-05-01\nPERFORMER "The Band"\nTITLE "The Record"'
    put(tmp_path, sound, sheet("album.flac", *THREE, head=whole))
    fresh = FolderSource(os.fsencode(tmp_path)).tags(cuts(*IN_THREE)[0])
    assert fresh[:6] == ("Song 1", "The Band", "The Record", "The Band", "Trip Hop", 1998)


def test_gaps_belong_to_the_track_before(tmp_path: Path, sound: dict[str, bytes]) -> None:
    text = sheet("album.flac", "00:02:00", "00:10:37", "00:20:00")
    text = text.replace("INDEX 01 00:02:00", "INDEX 00 00:00:00\nINDEX 01 00:02:00")
    text = text.replace(
        "INDEX 01 00:10:37", "PREGAP 00:02:00\nINDEX 00 00:09:00\nINDEX 01 00:10:37\nINDEX 02 00:11:00"
    )
    put(tmp_path, sound, text + "POSTGAP 00:02:00\n")
    assert paths(tmp_path) == cuts((150, 787), (787, 1500), (1500, None))


def test_data_are_left_out_and_sound_ends_where_their_gap_begins(
    tmp_path: Path, sound: dict[str, bytes]
) -> None:
    text = sheet("album.flac", *THREE).replace("TRACK 03 AUDIO", "TRACK 03 MODE1/2352\nINDEX 00 00:18:00")
    put(tmp_path, sound, text)
    assert paths(tmp_path) == cuts((0, 787), (787, 1350))
    put(tmp_path, sound, sheet("album.flac", *THREE).replace("TRACK 01 AUDIO", "TRACK 01 MODE1/2352"))
    assert paths(tmp_path) == cuts(*IN_THREE)[1:]


def test_ninety_nine_tracks_and_more(tmp_path: Path, sound: dict[str, bytes]) -> None:
    times = [f"00:{n // 4:02}:{n % 4 * 18:02}" for n in range(119)]
    put(tmp_path, sound, sheet("album.flac", *times))
    found = paths(tmp_path)
    assert found == sorted(found)
    numbers = sorted(cut.number for _, cut in map(split_path, found) if cut)
    assert numbers == list(range(1, 120))


# Files that stay whole, with nothing to be said


def test_one_track_for_each_file_leaves_nothing_to_cut(tmp_path: Path, sound: dict[str, bytes]) -> None:
    names = ("01.flac", "02.flac")
    for name in names:
        (tmp_path / name).write_bytes(sound[".flac"])
    parts = [sheet("01.wav", "00:00:00"), sheet("02.wav", "00:02:00"), sheet("renamed since.wav", "00:00:00")]
    (tmp_path / "album.cue").write_text("\n".join(parts))
    assert paths(tmp_path) == [b"01.flac", b"02.flac"]


def test_several_files_with_several_tracks_each(tmp_path: Path, sound: dict[str, bytes]) -> None:
    for side in "ab":
        (tmp_path / f"{side}.flac").write_bytes(sound[".flac"])
    (tmp_path / "album.cue").write_text(sheet("a.wav", *THREE) + sheet("b.wav", "00:00:00", "00:15:00"))
    assert paths(tmp_path) == [
        *cuts(*IN_THREE, file=b"a.flac"),
        *cuts((0, 1125), (1125, None), file=b"b.flac"),
    ]


@pytest.mark.parametrize("patterns", [("*.cue",), ("album.cue",), ("*.CUE", "album.*", "!album.flac")])
def test_an_excluded_sheet_cuts_nothing(
    patterns: tuple[str, ...], tmp_path: Path, sound: dict[str, bytes]
) -> None:
    put(tmp_path, sound, sheet("album.flac", *THREE))
    assert paths(tmp_path, patterns) == [b"album.flac"]


def test_a_sheet_of_what_is_left_out_or_no_music_is_not_wrong(
    tmp_path: Path, sound: dict[str, bytes]
) -> None:
    put(tmp_path, sound, sheet("image.ape", *THREE))
    (tmp_path / "image.wav").write_bytes(sound[".wav"])
    (tmp_path / "game.cue").write_text('FILE "game.bin" BINARY\nTRACK 01 MODE1/2352\nTRACK 02 AUDIO\n')
    (tmp_path / ".hidden.cue").write_text("no sheet at all")
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "x.cue").write_text("no sheet at all")
    assert paths(tmp_path, ("*.wav", "private/")) == [b"album.flac"]


def test_what_is_excluded_does_not_compete(tmp_path: Path, sound: dict[str, bytes]) -> None:
    put(tmp_path, sound, sheet("album.wav", *THREE))
    (tmp_path / "album.mp3").write_bytes(sound[".mp3"])
    (tmp_path / "album.wav").write_bytes(sound[".wav"])
    assert paths(tmp_path, ("*.mp3", "*.wav")) == cuts(*IN_THREE)


def test_what_cannot_be_looked_at_does(tmp_path: Path, sound: dict[str, bytes]) -> None:
    """A disk that is away for a moment must not give its sheet to another file of the same stem."""
    put(tmp_path, sound, sheet("album.wav", *THREE), "album.mp3")
    (tmp_path / "album.wav").symlink_to(tmp_path / "away.wav")
    assert [entry.path for entry in walk(tmp_path)] == [b"album.mp3", b"album.wav"]


def test_folders_without_sheets_read_nothing(
    tmp_path: Path, sound: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.flac").write_bytes(sound[".flac"])
    (tmp_path / "notes.txt").write_text("cue")
    monkeypatch.setattr(cuesheets, "_content", None)
    monkeypatch.setattr(cuesheets, "read_tags", None)
    assert paths(tmp_path) == [b"a.flac"]


# Sheets that do not fit: the file stays whole, and a problem says why


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (sheet("other.flac", *THREE), "it names other.flac, which is not in this folder"),
        (sheet("other.flac", *THREE).replace("other", "x\x1b[31m"), "which is not in this folder"),
        (sheet("album.flac", "00:00:00", "00:30:01"), "track 2 begins at 00:30:01, but album.flac ends at 00:30:00"),
        (sheet("album.flac", "00:00:00", "99:00:00", "199:00:00"), "track 2 begins at 99:00:00"),
        (sheet("album.flac", "00:00:00", "00:10:00").replace("INDEX 01 00:10:00", ""), "track 2 has no INDEX 01"),
        (sheet("album.flac", *THREE).replace("INDEX 01 00:10:37", "INDEX 00 00:10:00"), "track 2 has no INDEX 01"),
        (sheet("album.flac", "00:10:00", "00:05:00"), "track 2 does not begin after track 1"),
        (sheet("album.flac", "00:10:00", "00:10:00"), "track 2 does not begin after track 1"),
        (sheet("album.flac", "00:00:00", "00:10:75"), "line 8: '00:10:75' is no time"),
        (sheet("album.flac", "00:00:00", "ten"), "is no time"),
        ("", "it names no track"),
        ("Dear reader,\nthis is only text.\n", "it names no track"),
        ("x" * (MAX_BYTES + 1), "that is no cue sheet"),
    ],
)  # fmt: skip
def test_a_sheet_that_does_not_fit_costs_nothing_else(
    text: str, reason: str, tmp_path: Path, sound: dict[str, bytes]
) -> None:
    put(tmp_path, sound, text)
    told = refused(tmp_path)
    assert list(told) == [b"album.cue"]
    assert reason in told[b"album.cue"]
    assert told[b"album.cue"].isprintable()
    assert [entry.path for entry in walk(tmp_path)] == [b"album.cue", b"album.flac"]


def test_two_files_of_one_stem_are_not_guessed_between(tmp_path: Path, sound: dict[str, bytes]) -> None:
    put(tmp_path, sound, sheet("album.wav", *THREE))
    (tmp_path / "album.mp3").write_bytes(sound[".mp3"])
    (told,) = refused(tmp_path).values()
    assert told in {
        f"it names album.wav, which may be {a} and {b}"
        for a, b in (("album.flac", "album.mp3"), ("album.mp3", "album.flac"))
    }


def test_of_two_sheets_the_one_that_names_the_file_is_used(tmp_path: Path, sound: dict[str, bytes]) -> None:
    put(tmp_path, sound, sheet("album.wav", "00:00:00", "00:05:00"))
    (tmp_path / "zz.cue").write_text(sheet("album.flac", *THREE))
    first, *tracks = walk(tmp_path)
    assert isinstance(first, ScanProblem)
    assert (first.path, first.message) == (
        b"album.cue", "album.flac is cut by another sheet already: zz.cue",
    )  # fmt: skip
    assert [entry.path for entry in tracks] == cuts(*IN_THREE)


def test_two_sheets_that_say_the_same_are_one(tmp_path: Path, sound: dict[str, bytes]) -> None:
    put(tmp_path, sound, sheet("album.flac", *THREE))
    (tmp_path / "utf8.cue").write_text(sheet("album.flac", *THREE).replace("Song", "Lied"))
    source = FolderSource(os.fsencode(tmp_path))
    assert [entry.path for entry in source.walk()] == cuts(*IN_THREE)
    assert source.tags(cuts(*IN_THREE)[0]).title == "Song 1"


def test_a_bad_sheet_does_not_keep_a_good_one_from_cutting(tmp_path: Path, sound: dict[str, bytes]) -> None:
    put(tmp_path, sound, sheet("album.flac", "00:00:00", "50:00:00"))
    (tmp_path / "good.cue").write_text(sheet("album.flac", *THREE))
    problem, *tracks = walk(tmp_path)
    assert (problem.path, isinstance(problem, ScanProblem)) == (b"album.cue", True)
    assert [entry.path for entry in tracks] == cuts(*IN_THREE)


def test_one_lost_file_of_two_costs_the_other_nothing(tmp_path: Path, sound: dict[str, bytes]) -> None:
    (tmp_path / "a.flac").write_bytes(sound[".flac"])
    (tmp_path / "album.cue").write_text(sheet("a.wav", *THREE) + sheet("b.wav", *THREE))
    *tracks, problem = walk(tmp_path)
    assert [entry.path for entry in tracks] == cuts(*IN_THREE, file=b"a.flac")
    assert isinstance(problem, ScanProblem)
    assert problem.message == "it names b.wav, which is not in this folder"


def test_all_that_is_wrong_with_a_sheet_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "album.cue").write_text(sheet("a.wav", *THREE) + sheet("b.wav", *THREE))
    assert refused(tmp_path) == {
        b"album.cue": "it names a.wav, which is not in this folder; it names b.wav, which is not in this folder"
    }


def test_a_pipe_named_like_a_sheet_is_not_waited_for(tmp_path: Path, sound: dict[str, bytes]) -> None:
    (tmp_path / "album.flac").write_bytes(sound[".flac"])
    os.mkfifo(tmp_path / "album.cue")
    began = time.monotonic()
    assert refused(tmp_path) == {b"album.cue": "it is no regular file"}
    assert time.monotonic() - began < 5


def test_a_sheet_that_cannot_be_read_is_told_as_unreadable(
    tmp_path: Path, sound: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, sound, sheet("album.flac", *THREE))

    def denied(_path: bytes) -> tuple[bytes, int]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(cuesheets, "_content", denied)
    problem, file = walk(tmp_path)
    assert problem == ScanProblem(b"album.cue", "unreadable", "Permission denied", is_folder=False)
    assert file.path == b"album.flac"


def test_links(tmp_path: Path, sound: dict[str, bytes]) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    root.mkdir()
    elsewhere.mkdir()
    put(elsewhere, sound, sheet("album.flac", *THREE))
    (root / "record.flac").symlink_to(elsewhere / "album.flac")
    (root / "record.cue").symlink_to(elsewhere / "album.cue")
    assert list(refused(root).values()) == ["it names album.flac, which is not in this folder"]
    (root / "album.flac").symlink_to(elsewhere / "album.flac")
    assert paths(root) == [*cuts(*IN_THREE), b"record.flac"]
    (elsewhere / "album.flac").unlink()  # the sheet is right to name it: what is wrong is the link
    found = walk(root)
    assert {(entry.path, entry.code) for entry in found if isinstance(entry, ScanProblem)} == {
        (b"album.flac", "broken_link"),
        (b"record.flac", "broken_link"),
    }


def test_a_sheet_that_lost_its_file(tmp_path: Path) -> None:
    (tmp_path / "album.cue").write_text(sheet("album.flac", *THREE))
    assert list(refused(tmp_path)) == [b"album.cue"]


def test_a_file_that_cannot_be_opened_is_cut_all_the_same(
    tmp_path: Path, sound: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether a disk fails for a moment must not decide whether there is one track or three."""
    put(tmp_path, sound, sheet("album.flac", *THREE))

    def failing(_path: bytes) -> Tags:
        raise Unreadable("Input/output error")

    monkeypatch.setattr(cuesheets, "read_tags", failing)
    assert paths(tmp_path) == cuts(*IN_THREE)


# Tags and digests by path


def test_tags_of_tracks_of_folders_listed_before(tmp_path: Path, sound: dict[str, bytes]) -> None:
    for folder in ("a", "b", "b/c"):
        (tmp_path / folder).mkdir()
        put(tmp_path / folder, sound, sheet("album.flac", *THREE, head=f'TITLE "In {folder}"'))
    source = FolderSource(os.fsencode(tmp_path))
    found = [entry.path for entry in source.walk()]
    assert len(found) == 9
    for path in (*reversed(found), *found):
        assert source.tags(path).album == f"In {os.fsdecode(os.path.dirname(path))}"
    fresh = FolderSource(os.fsencode(tmp_path))
    assert fresh.tags(found[0]) == source.tags(found[0])


def test_tags_of_a_track_that_no_sheet_knows_any_more(tmp_path: Path, sound: dict[str, bytes]) -> None:
    put(tmp_path, sound, sheet("album.flac", *THREE))
    source = FolderSource(os.fsencode(tmp_path))
    with pytest.raises(Vanished):
        source.tags(Cut(1, 0, 5).path_in(b"album.flac"))
    with pytest.raises(Vanished):
        source.tags(Cut(1, 0, 5).path_in(b"gone/album.flac"))
    (tmp_path / "album.cue").unlink()
    with pytest.raises(Vanished):
        FolderSource(os.fsencode(tmp_path)).tags(cuts(*IN_THREE)[0])


def test_digests_of_tracks(tmp_path: Path, sound: dict[str, bytes]) -> None:
    put(tmp_path, sound, sheet("album.flac", *THREE))
    source = FolderSource(os.fsencode(tmp_path))
    digests = {source.digest(path) for path in (*cuts(*IN_THREE), b"album.flac")}
    assert len(digests) == 4
    assert {len(digest) for digest in digests} == {32}
