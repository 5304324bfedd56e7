"""Words that somebody wrote down: beside the video and inside it, well formed and as they are found."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest
from av.stream import Disposition
from hypothesis import given
from hypothesis import strategies as some

from reprise.core.video import Segment, TextSource
from reprise.errors import BadSubtitles, Unreadable
from reprise.media.subtitles import read_subtitles
from reprise.media.subtitles.cues import Cue, plain_lines, segments
from reprise.media.subtitles.encodings import decoded
from reprise.media.subtitles.languages import language_code
from reprise.media.subtitles.parsing import parsed
from reprise.media.subtitles.sidecars import LARGEST_BYTES, sidecars
from tests.video.subtitled import Stream, video_with_subtitles

if TYPE_CHECKING:
    from pathlib import Path

SRT = """1
00:00:01,000 --> 00:00:02,500
Where were you <i>yesterday</i>?

2
00:00:03,000 --> 00:00:04,000
{\\an8}At home.
Why do you ask?
"""

SAID = [
    Segment(1.0, 2.5, "Where were you yesterday?"),
    Segment(3.0, 4.0, "At home. Why do you ask?"),
]

VTT = """WEBVTT - a title
Kind: captions

STYLE
::cue { color: red --> blue }

NOTE
00:00:00.500 this is no cue --> neither

intro
00:01.000 --> 00:02.500 line:0 position:20% align:start
<v Anna>Where were you <00:00:01.500><c.loud>yesterday</c>?

00:00:03.000 --> 00:00:04.000
At home.
Why do you ask?

NOTE the end
"""


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A video of which only the name counts: FFmpeg makes nothing of its content."""
    path = tmp_path / "film.mkv"
    path.write_bytes(b"no container at all")
    return path


def beside(film: Path, suffix: str, content: str | bytes = SRT) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    film.with_name(film.stem + suffix).write_bytes(data)


def said(film: Path, seconds: float = 0.0) -> list[Segment]:
    found = read_subtitles(os.fsencode(film), seconds)
    return list(found.segments) if found else []


@pytest.mark.parametrize(
    ("suffix", "content"), [(".srt", SRT), (".vtt", VTT), (".srt", VTT), (".vtt", SRT), (".SRT", SRT)]
)
def test_a_file_beside_the_video(film: Path, suffix: str, content: str) -> None:
    beside(film, suffix, content)
    found = read_subtitles(os.fsencode(film))
    assert found is not None
    assert (found.source, found.language, list(found.segments)) == (TextSource.SIDECAR, "", SAID)


def test_no_words_at_all(film: Path) -> None:
    assert read_subtitles(os.fsencode(film)) is None
    assert read_subtitles(os.fsencode(film.with_name("gone.mp4"))) is None


@pytest.mark.parametrize("content", ["", "\n \r\n", "\ufeff", "WEBVTT", "WEBVTT\n\nNOTE nothing\n"])
def test_an_empty_file_has_no_words(film: Path, content: str) -> None:
    beside(film, ".srt", content)
    beside(film, ".de.srt", SRT)
    assert said(film) == SAID, "the next one is taken"
    film.with_name("film.de.srt").unlink()
    assert read_subtitles(os.fsencode(film)) is None


ORDER = [
    "film.srt", "film.vtt", "film.de.srt", "film.en.srt", "film.EN-us.vtt", "film.pt-BR.srt", "film.mkv.sv.srt",
    "film.full.srt", "film.de.sdh.srt", "film.en.hi.srt", "film.de.forced.srt", "film.forced.srt",
]  # fmt: skip
OTHERS = [
    "film2.srt",
    "film.part2.srt",
    "film.2.srt",
    "film.commentary.srt",
    "films.en.srt",
    "film.txt",
    "film.nfo",
]


def test_which_file_is_taken_when_there_are_several(film: Path) -> None:
    for name in [*reversed(ORDER), *OTHERS]:
        film.with_name(name).write_text(SRT)
    found = sidecars(os.fsencode(film))
    assert [one.name for one in found] == ORDER
    assert [one.language for one in found] == ["", "", "de", "en", "en", "pt", "sv", "", "de", "en", "de", ""]
    assert [one.for_the_deaf for one in found] == [
        name in {"film.de.sdh.srt", "film.en.hi.srt"} for name in ORDER
    ]


def test_each_in_turn_when_the_one_before_is_gone(film: Path) -> None:
    for number, name in enumerate(ORDER):
        film.with_name(name).write_text(f"1\n00:00:01,000 --> 00:00:02,000\nThis is number {number}\n")
    for number, name in enumerate(ORDER):
        assert said(film)[0].text == f"This is number {number}"
        film.with_name(name).unlink()
    assert said(film) == []


def test_names_that_are_no_text(tmp_path: Path) -> None:
    video = os.fsencode(tmp_path) + b"/caf\xe9 [1080p] *.mkv"
    for name in (video, video[:-4] + b".en.srt"):
        with open(name, "wb") as file:
            file.write(SRT.encode())
    found = read_subtitles(video)
    assert found is not None
    assert found.language == "en"


TEXTS = {
    "fr": ("cp1252", "Où êtes-vous allé hier ?", "C’était très étrange…"),
    "es": ("cp1252", "¿Dónde estuviste ayer?", "Mañana, señor."),
    "de": ("cp1252", "Wo warst du gestern?", "Das war höchst merkwürdig, größer als üblich."),
    "cs": ("cp1250", "Kde jsi byl včera?", "To bylo velmi zvláštní. Příšerně."),
    "pl": ("cp1250", "Gdzie byłeś wczoraj?", "To było dziwne, że źle się czułeś."),
    "ru": ("cp1251", "Где ты был вчера?", "Это было очень странно."),
    "el": ("cp1253", "Πού ήσουν χθες;", "Ήταν πολύ παράξενο."),
    "ja": ("shift_jis", "昨日はどこに行ったの？", "とても不思議だった。"),
    "zh": ("gb18030", "你昨天去哪里了？", "非常奇怪，我不知道他在哪里。"),
    "ko": ("cp949", "어제 어디 갔었어?", "정말 이상했어. 나는 모르겠어요."),
    "th": ("cp874", "เมื่อวานคุณไปไหนมา", "มันแปลกมาก ฉันไม่รู้"),
}
BY_NAME = {
    "hu": ("cp1250", "Hol voltál tegnap? Őrült!", "Nagyon furcsa volt, hűvös."),
    "tr": ("cp1254", "Dün neredeydin? Şimdi değil.", "Çok garip bir şeydi."),
    "he": ("cp1255", "איפה היית אתמול?", "זה היה מוזר מאוד."),
}
"""What can be taken for something else without the language in the file's name."""


def subtitles_of(lines: tuple[str, ...]) -> str:
    return "".join(
        f"{n}\r\n00:00:0{n},000 --> 00:00:0{n},900\r\n{line}\r\n\r\n" for n, line in enumerate(lines, 1)
    )


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize(
    "encoding", ["own", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_encodings(film: Path, language: str, encoding: str) -> None:
    own, *lines = TEXTS[language]
    beside(film, ".srt", subtitles_of(tuple(lines)).encode(own if encoding == "own" else encoding))
    assert [segment.text for segment in said(film)] == lines


@pytest.mark.parametrize("language", TEXTS | BY_NAME)
def test_encodings_by_the_language_in_the_name(film: Path, language: str) -> None:
    own, *lines = (TEXTS | BY_NAME)[language]
    beside(film, f".{language}.srt", subtitles_of(tuple(lines)).encode(own))
    assert [segment.text for segment in said(film)] == lines


def test_a_damaged_byte_of_utf8_stays_one_damaged_letter() -> None:
    content = subtitles_of(("Où êtes-vous allé ?", "Très étrange, déjà vu.")).encode()
    damaged = content.replace("é ?".encode(), b"\xc3 ?")
    assert decoded(damaged) == content.decode().replace("é ?", "\ufffd ?")


TIMES = {
    "00:00:01,000 --> 00:00:02,000": (1.0, 2.0),
    "100:00:01,000 --> 1234:00:02,000": (360_001.0, 4_442_402.0),
    "01:05.5 --> 01:06.25": (65.5, 66.25),
    "0:0:1 --> 0:0:2": (1.0, 2.0),
    "  00:00:01.000-->00:00:02.000  X1:1 X2:2 Y1:3 Y2:4": (1.0, 2.0),
    "00:00:01, 000 -> 00:00:02:000": (1.0, 2.0),
    "00:75:01,000 --> 00:75:99,000": (4501.0, 4599.0),
    "-00:00:01,500 --> 00:00:02,000": (-1.5, 2.0),
    "٠٠:٠٠:٠١,٠٠٠ --> 00:00:02,000": (1.0, 2.0),
}


@pytest.mark.parametrize("line", TIMES)
@pytest.mark.parametrize("numbers", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_times_as_they_are_found(line: str, numbers: bool, end: str) -> None:
    start, stop = TIMES[line]
    lines = ["7"] * numbers + [line, "One", "", "8", "00:00:09,000 --> 00:00:10,000", "Two", ""]
    assert parsed(end.join(lines)) == [Cue(start, stop, ("One",)), Cue(9.0, 10.0, ("Two",))]


@pytest.mark.parametrize(
    "line", ["00:00:01,000 -- 00:00:02,000", "1 --> 2", "a --> b", "00:00:01,000 -->", "00:00:01 --> x"]
)
def test_lines_that_are_no_times(line: str) -> None:
    assert parsed(f"1\n{line}\nOne\n") == []


def test_missing_numbers_and_empty_lines_within_a_cue() -> None:
    text = "00:00:01,000 --> 00:00:02,000\nOne\n\nstill one\n1984\n\n00:00:03,000 --> 00:00:04,000\nTwo\n3\n00:00:05,000 --> 00:00:06,000\nThree"
    assert [cue.lines for cue in parsed(text)] == [("One", "still one", "1984"), ("Two",), ("Three",)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("<font color=\"#ffff00\">Yellow</font> <b>bold", ("Yellow bold",)),
        ("{\\an8}{\\pos(10,20)}Top\\Nbottom\\hright", ("Top", "bottom right")),
        ("{\\p1}m 0 0 l 100 0 100 100{\\p0}", ()),
        ("<v.first Bob>I &amp; you&#39;re &lt;here&gt;&nbsp;now", ("I & you're <here> now",)),
        ("I <3 you, 2 < 3 > 1", ("I <3 you, 2 < 3 > 1",)),
        ("tab\there\x00\x07 and\x0bthere", ("tab here and", "there")),
        ("&#99999999999999999999; &bogus;", ("&#99999999999999999999; &bogus;",)),
        ("<00:00:01.000><c>one</c> <00:00:02.000><c>two</c>", ("one two",)),
        ("می‌خواهم", ("می‌خواهم",)),
    ],
)  # fmt: skip
def test_tags_are_left_out(text: str, lines: tuple[str, ...]) -> None:
    assert plain_lines(text) == lines


def cue(start: float, end: float, *lines: str) -> Cue:
    return Cue(start, end, lines or (f"from {start}",))


def test_overlapping_and_unordered_cues_stay_by_time() -> None:
    found = segments([cue(5, 9), cue(1, 6), cue(1, 2, "beside it")])
    assert found == (Segment(1, 6, "from 1"), Segment(1, 2, "beside it"), Segment(5, 9, "from 5"))


def test_negative_times_are_held_to_zero_or_dropped() -> None:
    assert segments([cue(-5, -1), cue(-2, 0), cue(-1, 2)]) == (Segment(0.0, 2, "from -1"),)


def test_reversed_times_last_until_the_next_cue_or_five_seconds() -> None:
    found = segments([cue(10, 4), cue(12, 12), cue(30, 31)])
    assert found == (Segment(10, 12, "from 10"), Segment(12, 17.0, "from 12"), Segment(30, 31, "from 30"))


def test_times_are_held_to_the_length_of_the_video() -> None:
    cues = [cue(1, 2), cue(8, 12), cue(10, 11), cue(500, 501)]
    assert segments(cues, 10.0) == (Segment(1, 2, "from 1"), Segment(8, 10.0, "from 8"))
    assert len(segments(cues)) == 4


def test_captions_that_roll_up_are_said_once() -> None:
    rolling = [
        cue(0.0, 2.0, "hello world"),
        cue(2.0, 2.01, "hello world"),
        cue(2.01, 4.0, "hello world", "how are you"),
        cue(4.0, 6.0, "how are you", "very well"),
        cue(9.0, 10.0, "very well"),
    ]
    assert segments(rolling) == (
        Segment(0.0, 2.01, "hello world"),
        Segment(2.01, 4.0, "how are you"),
        Segment(4.0, 6.0, "very well"),
        Segment(9.0, 10.0, "very well"),
    )


def test_lines_of_music_only_are_dropped_and_songs_are_kept(film: Path) -> None:
    lines = (
        "♪♪",
        "[Music]",
        "(upbeat music playing)",
        "♪ Over the rainbow ♪",
        "[door slams]",
        "...",
        "[음악]",
        "No.",
    )
    beside(film, ".srt", subtitles_of(lines))
    assert [segment.text for segment in said(film)] == ["Over the rainbow", "[door slams]", "No."]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x7fELF" + bytes(range(256)) * 40, "film.srt is no text: it looks like program"),
        (bytes(range(256)) * 40, "film.srt is no text"),
        (b"\x89PNG\r\n\x1a\n" + b"\0\1\2" * 500, "it looks like PNG picture"),
        (b"Dear diary,\ntoday nothing was said.\n", "film.srt holds no times"),
        (b"<html><body>404</body></html>", "film.srt holds no times"),
        (b"x" * (LARGEST_BYTES + 1), "film.srt is larger than 16 MiB"),
    ],
)
def test_files_that_are_no_subtitles(film: Path, content: bytes, reason: str) -> None:
    beside(film, ".srt", content)
    with pytest.raises(BadSubtitles, match=reason) as caught:
        read_subtitles(os.fsencode(film))
    assert "jobs retry --code bad_subtitles" in caught.value.cure
    beside(film, ".en.srt", SRT)
    assert said(film) == SAID, "another one makes up for it"


def test_a_file_of_100_mb_is_refused_without_being_read(film: Path) -> None:
    with film.with_name("film.srt").open("wb") as file:
        file.truncate(100_000_000)
    with pytest.raises(BadSubtitles, match="larger than 16 MiB"):
        read_subtitles(os.fsencode(film))


def test_what_is_no_file(film: Path) -> None:
    os.mkfifo(film.with_name("film.srt"))
    film.with_name("film.vtt").mkdir()
    with pytest.raises(BadSubtitles, match=r"film.srt is not a regular file but a FIFO"):
        read_subtitles(os.fsencode(film))
    film.with_name("film.srt").unlink()
    film.with_name("film.srt").symlink_to("nowhere.srt")
    with pytest.raises(Unreadable, match=r"film.srt cannot be read: No such file"):
        read_subtitles(os.fsencode(film))


CUES = [(500, 1500, "Hello {\\i1}World{\\i0}"), (2000, 3500, "Zwei\\NZeilen")]
HEARD = [Segment(0.5, 1.5, "Hello World"), Segment(2.0, 3.5, "Zwei Zeilen")]


@pytest.mark.parametrize(
    ("suffix", "codec", "language"),
    [
        (".mp4", "mov_text", "de"),
        (".mov", "mov_text", ""),  # FFmpeg writes no language there
        (".mkv", "subrip", "de"),
        (".mkv", "ass", "de"),
        (".mkv", "webvtt", "de"),
    ],
)
def test_streams_inside_the_video(tmp_path: Path, suffix: str, codec: str, language: str) -> None:
    film = video_with_subtitles(tmp_path / f"film{suffix}", Stream(codec, CUES, "deu"))
    found = read_subtitles(os.fsencode(film), 5.0)
    assert found is not None
    assert (found.source, found.language, list(found.segments)) == (TextSource.EMBEDDED, language, HEARD)


def test_files_come_before_streams_and_forced_ones_come_last(tmp_path: Path) -> None:
    film = video_with_subtitles(
        tmp_path / "film.mkv",
        Stream("subrip", [(0, 900, "forced inside")], "ger", Disposition.forced | Disposition.default),
        Stream("subrip", [(0, 900, "for the deaf")], "eng", Disposition.hearing_impaired),
        Stream("subrip", [(0, 900, "second")], "fre", Disposition(0)),
        Stream("ass", [(0, 900, "shown by itself")], "jpn", Disposition.default),
    )
    assert said(film)[0].text == "shown by itself"
    beside(film, ".forced.srt", "00:00:01,000 --> 00:00:02,000\nforced beside")
    assert said(film)[0].text == "shown by itself"
    beside(film, ".ko.srt", SRT)
    assert said(film) == SAID


def test_only_forced_ones(tmp_path: Path) -> None:
    film = video_with_subtitles(
        tmp_path / "film.mkv", Stream("subrip", [(0, 900, "forced inside")], "ger", Disposition.forced)
    )
    assert said(film)[0].text == "forced inside"
    beside(film, ".forced.srt", "00:00:01,000 --> 00:00:02,000\nforced beside")
    assert said(film)[0].text == "forced beside"


def test_a_broken_file_beside_a_stream(tmp_path: Path) -> None:
    film = video_with_subtitles(tmp_path / "film.mp4", Stream("mov_text", CUES))
    beside(film, ".srt", b"\0\1\2\3" * 100)
    assert said(film) == HEARD


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_video_that_breaks_off(tmp_path: Path, share: float) -> None:
    """Whatever is left of it, nothing but segments comes out."""
    film = video_with_subtitles(tmp_path / "film.mkv", Stream("subrip", CUES))
    content = film.read_bytes()
    film.write_bytes(content[: int(len(content) * share)])
    assert set(said(film)) <= set(HEARD)


@given(some.binary(max_size=2000), some.sampled_from(["", "en", "ja", "zh", "he"]))
def test_any_bytes_become_a_text(content: bytes, language: str) -> None:
    assert isinstance(decoded(content, language), str)


PIECES = [
    "00:00:01,000", " --> ", "-->", "\n", "\n\n", "1", "-", ":", ",", "99:", "WEBVTT", "NOTE", "<i>", "{\\an8}", "{\\p1}", "<",
    "{\\", "&#x41;", "&", "♪", "[Music]", "\\N", "\ufeff", "\x00", "Hello", "00:00:02.000", "9" * 30,
]  # fmt: skip


@given(some.lists(some.sampled_from(PIECES) | some.text(max_size=5), max_size=40), some.floats(0, 1e6))
def test_any_text_becomes_segments_or_nothing(pieces: list[str], seconds: float) -> None:
    for segment in segments(parsed("".join(pieces)), seconds):
        assert 0 <= segment.start <= segment.end
        assert not seconds or segment.end <= seconds
        assert segment.text.strip()


@pytest.mark.parametrize(
    "piece",
    ["<", "{\\", "{\\p", "&#", "[", "♪[", "-->", "00:00:01,000 --> ", "<a", "(music", "0:", "\n1\n", "é"],
)
def test_the_worst_text_takes_no_more_than_its_length(piece: str) -> None:
    """Twice as much text takes about twice as long: nothing in it is looked at again and again."""
    head = "1\n00:00:01,000 --> 00:00:02,000\n"
    short, long = (head + piece * (size // len(piece)) for size in (200_000, 1_600_000))
    spent = []
    for text in (short, long):
        began = time.process_time()
        segments(parsed(decoded(text.encode("utf-8"))))
        spent.append(time.process_time() - began)
    assert spent[1] < 30 * spent[0] + 0.5


@pytest.mark.parametrize(
    ("word", "code"),
    [("en", "en"), ("ENG", "en"), ("ger", "de"), ("deu", "de"), ("pt-BR", "pt"), ("zh_Hans", "zh"), ("Español", "es"),
     ("jpn", "ja"), ("und", ""), ("", ""), ("xx", ""), ("commentary", ""), ("jw", "jv"), ("yue", "zh")],
)  # fmt: skip
def test_what_languages_are_called(word: str, code: str) -> None:
    assert language_code(word) == code
