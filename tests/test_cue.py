"""Reading cue sheets: what they may look like, and what is wrong with them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.core.cuts import Cut, split_path
from reprise.core.items import InputState, Item, Tags, display_path
from reprise.media.cue import CueError, CueSheet, cue_text, files_of, frames_of, parse_cue

SHEET = """\
REM GENRE "Trip Hop"
REM DATE 1998
REM DISCID 860B640B
REM DISCNUMBER 2
REM COMMENT "ExactAudioCopy v0.95b4"
CATALOG 0724384595920
PERFORMER "The Band"
TITLE "The Record"
FILE "The Band - The Record.wav" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    FLAGS DCP
    ISRC GBAAA9800322
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Second"
    PERFORMER "A Guest"
    SONGWRITER "Somebody"
    REM GENRE Dub
    PREGAP 00:02:00
    INDEX 00 04:31:10
    INDEX 01 04:33:37
    INDEX 02 05:00:00
    POSTGAP 00:02:00
  TRACK 03 AUDIO
    INDEX 01 103:59:74
"""


def sheet(*lines: str) -> CueSheet:
    return parse_cue("\n".join(('FILE "a.wav" WAVE', *lines)).encode())


def test_a_sheet_as_rippers_write_it() -> None:
    found = parse_cue(SHEET.encode())
    assert (found.title, found.performer) == ("The Record", "The Band")
    assert (found.genre, found.year, found.disc) == ("Trip Hop", 1998, 2)
    assert [track.number for track in found.tracks] == [1, 2, 3]
    assert [track.title for track in found.tracks] == ["First", "Second", None]
    assert [track.performer for track in found.tracks] == [None, "A Guest", None]
    assert [track.genre for track in found.tracks] == [None, "Dub", None]
    assert {track.file for track in found.tracks} == {"The Band - The Record.wav"}
    assert [track.start for track in found.tracks] == [0, (4 * 60 + 33) * 75 + 37, (103 * 60 + 59) * 75 + 74]
    assert [track.pregap for track in found.tracks] == [None, (4 * 60 + 31) * 75 + 10, None]
    assert all(track.is_audio for track in found.tracks)


@pytest.mark.parametrize(
    "content",
    [
        SHEET.replace("\n", "\r\n").encode(),
        SHEET.replace("\n", "\r").encode(),
        b"\xef\xbb\xbf" + SHEET.encode(),
        SHEET.encode("utf-16"),
        b"\xfe\xff" + SHEET.encode("utf-16-be"),
        SHEET.lower().replace("the record", "The Record").encode(),
        SHEET.replace("    ", "\t").encode(),
        SHEET.replace("TITLE", "  title  ").encode() + b"\0\0\x1a",
        SHEET.encode() + b"\n\nSOMETHING new\n  \n",
    ],
)
def test_line_ends_encodings_case_and_space_do_not_matter(content: bytes) -> None:
    found = parse_cue(content)
    expected = parse_cue(SHEET.encode())
    assert found.title == expected.title
    assert [track.start for track in found.tracks] == [track.start for track in expected.tracks]
    assert [(t.title or "").lower() for t in found.tracks] == [
        (t.title or "").lower() for t in expected.tracks
    ]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Sigur Rós – Ágætis".encode(), "Sigur Rós – Ágætis"),
        ("Sigur Rós – Ágætis".encode("cp1252"), "Sigur Rós – Ágætis"),
        ("Sigur Rós".encode("utf-16"), "Sigur Rós"),
        (b"\xef\xbb\xbfR\xf3s", "Rós"),
        ("日本".encode("utf-8-sig"), "日本"),
        (b"\x81\x8d\xff", "��ÿ"),
    ],
)
def test_encodings(content: bytes, text: str) -> None:
    assert cue_text(content) == text


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ('TITLE "A "quoted" word"', 'A "quoted" word'),
        ("TITLE no marks at all", "no marks at all"),
        ("TITLE it's", "it's"),
        ('TITLE "never closed', "never closed"),
        ('TITLE ""', None),
        ("TITLE", None),
        ('TITLE "with\ta tab\x07 and a bell"', "with a tab and a bell"),
    ],
)
def test_strings(line: str, title: str | None) -> None:
    assert sheet("TRACK 1 AUDIO", line, "INDEX 1 0:0:0").tracks[0].title == title


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ('FILE "a b.wav" WAVE', "a b.wav"),
        ('FILE "a "b" c.wav" WAVE', 'a "b" c.wav'),
        ("FILE a.wav WAVE", "a.wav"),
        ("FILE a b.wav WAVE", "a b.wav"),
        ("FILE a b.wav", "a b.wav"),
        ('file "C:\\rips\\a.ape" wave', "C:\\rips\\a.ape"),
        ('FILE "a.flac"', "a.flac"),
    ],
)
def test_names_of_files(line: str, name: str) -> None:
    found = parse_cue(f"{line}\nTRACK 01 AUDIO\nINDEX 01 00:00:00".encode())
    assert found.tracks[0].file == name


@pytest.mark.parametrize(
    ("time", "frames"),
    [
        ("00:00:00", 0),
        ("00:00:74", 74),
        ("0:1:0", 75),
        ("01:00:00", 4500),
        ("100:00:00", 450_000),
        ("01:00:00:01", 270_001),
        (" 00:02:00 ", 150),
    ],
)
def test_times(time: str, frames: int) -> None:
    assert frames_of(time) == frames


@pytest.mark.parametrize(
    "time", ["", "00:00", "00:60:00", "00:00:75", "-1:00:00", "1:2:3:4:5", "aa:bb:cc", "00:00.5", "00:00:000"]
)
def test_wrong_times_are_refused(time: str) -> None:
    with pytest.raises(CueError, match="no time of the form"):
        frames_of(time)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "names no track"),
        (b"\x00\x01\x02\xff" * 100, "names no track"),
        (b'PERFORMER "x"\nTITLE "y"', "names no track"),
        (b'TRACK 01 AUDIO\nFILE "a.wav" WAVE', "line 1: TRACK before any FILE"),
        (b'FILE "a.wav" WAVE\nINDEX 01 00:00:00', "line 2: INDEX before any TRACK"),
        (b'FILE "a.wav" WAVE\nTRACK xx AUDIO', "line 2: TRACK 'xx' is no number"),
        (b'FILE "a.wav" WAVE\nTRACK 0 AUDIO', "is no number"),
        (b'FILE "a.wav" WAVE\nTRACK 1000 AUDIO', "is no number"),
        (b'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:61:00', "line 3: '00:61:00' is no time"),
        (b'FILE "" WAVE\nTRACK 01 AUDIO', "FILE without a name"),
        (b"FILE", "FILE without a name"),
        (b'FILE "a.wav" WAVE\n' + b"TRACK 01 AUDIO\n" * 1000, "it names 1,000 tracks"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(content: bytes, reason: str) -> None:
    with pytest.raises(CueError, match=reason):
        parse_cue(content)


def test_a_message_holds_no_control_characters_and_is_short() -> None:
    with pytest.raises(CueError) as caught:
        sheet("TRACK 01 AUDIO", "INDEX 01 \x1b[31m" + "9" * 10_000)
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 120


def test_a_track_belongs_to_the_file_of_its_index_01() -> None:
    """Rippers that leave gaps at the end of the file before write the next FILE between INDEX 00 and INDEX 01."""
    found = sheet(
        "TRACK 01 AUDIO", "INDEX 01 00:00:00", "TRACK 02 AUDIO", "INDEX 00 03:40:63",
        'FILE "b.wav" WAVE', "INDEX 01 00:00:00", "TRACK 03 AUDIO", "INDEX 00 01:00:00", "INDEX 01 01:02:00",
    )  # fmt: skip
    assert {name: [t.number for t in tracks] for name, tracks in files_of(found).items()} == {
        "a.wav": [1],
        "b.wav": [2, 3],
    }
    assert [track.pregap for track in found.tracks] == [None, None, 4500]


def test_data_is_no_sound() -> None:
    found = sheet("TRACK 01 MODE1/2352", "INDEX 01 00:00:00", "TRACK 02 AUDIO", "INDEX 01 10:00:00")
    assert [track.is_audio for track in found.tracks] == [False, True]
    image = parse_cue(b'FILE "game.bin" BINARY\nTRACK 01 AUDIO\nINDEX 01 00:00:00')
    assert not image.tracks[0].is_audio


def reason_of(content: bytes) -> str:
    """Why the sheet is refused; nothing when it is understood."""
    try:
        found = parse_cue(content)
    except CueError as error:
        return str(error)
    return "" if found.tracks else "no tracks"


@given(st.binary(max_size=300))
def test_any_bytes_give_a_sheet_or_a_reason(content: bytes) -> None:
    assert reason_of(content) != "no tracks"
    assert reason_of(b'FILE "a.wav" WAVE\nTRACK 01 AUDIO\n' + content) != "no tracks"


@given(st.text(max_size=200))
def test_any_text_gives_a_sheet_or_a_reason(text: str) -> None:
    lines = f'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nTITLE {text}\nINDEX 01 {text}\nREM DATE {text}\nREM DISCNUMBER {text}'
    assert reason_of(lines.encode("utf-8", "surrogatepass")).isprintable()


# The path of a cut


cuts = st.builds(
    lambda number, start, length: Cut(number, start, length and start + length),
    st.integers(1, 999),
    st.integers(0, 10**7),
    st.none() | st.integers(1, 10**7),
)


@given(st.binary(min_size=1, max_size=40).filter(lambda name: b"\0" not in name), cuts)
def test_a_path_with_a_cut_comes_apart_again(file: bytes, cut: Cut) -> None:
    assert split_path(cut.path_in(file)) == (file, cut)
    assert split_path(file) == (file, None)


def test_tracks_sort_right_behind_their_file_in_the_order_of_their_numbers() -> None:
    tracks = [Cut(n, n * 100, n * 100 + 100).path_in(b"a.flac") for n in range(1, 100)]
    paths = [b"a.flac", *tracks, b"a.flac\x01.mp3", b"a.flac b.mp3"]
    assert sorted(paths) == paths


def test_what_is_no_cut_is_a_path() -> None:
    for odd in (b"\0001", b"a\0b", b"a\0001:5", b"a\0001:5-6x"):
        assert split_path(odd) == (odd, None)
        assert "\0" not in display_path(odd)


def test_neighbours_neither_overlap_nor_leave_a_gap() -> None:
    for rate in (8000, 11_025, 22_050, 44_100, 48_000, 96_000):
        first, second = Cut(1, 0, 1237), Cut(2, 1237, None)
        assert first.samples(rate)[1] == second.samples(rate)[0]
    assert Cut(2, 1, 2).samples(44_100) == (588, 1176)


def test_people_read_a_track_and_never_the_mark() -> None:
    cut = Cut(2, 1500, 2250)
    path = cut.path_in(b"Band/Record.flac")
    item = Item(1, "o", 1, path, InputState(1, 1), Tags())
    assert item.display_path == "Band/Record.flac, track 2"
    assert item.label == "Record, track 2"
    assert (item.file, item.cut) == (b"Band/Record.flac", cut)
    assert (cut.start_seconds, cut.end_seconds, cut.seconds) == (20.0, 30.0, 10.0)
    assert (Cut(3, 75, None).end_seconds, Cut(3, 75, None).seconds) == (None, None)
    titled = Item(1, "o", 1, path, InputState(1, 1), Tags(title="Song", artist="Band"))
    assert titled.label == "Band - Song"
    whole = Item(1, "o", 1, b"Band/Record.flac", InputState(1, 1))
    assert (whole.file, whole.cut, whole.label) == (b"Band/Record.flac", None, "Record")
