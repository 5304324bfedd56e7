"""Plans of real folders of real files."""

from __future__ import annotations

import os
import tempfile
import unicodedata
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.analysis import Analysis, HeardKey, HeardTempo
from reprise.core.musical_key import MusicalKey
from reprise.core.renaming import FileKind, Origin, PlanRow, RowStatus
from reprise.errors import LibraryError
from reprise.media.fields import read_fields
from reprise.rename.plan import Naming, Origins, plan_folder
from reprise.rename.template import Template
from reprise.rename.values import ValueRules
from reprise.rename.walk import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65534
DJ = "{artist} - {title} [{camelot} {bpm}]"


def _plan(
    root: Path, template: str = DJ, *, sidecars: bool = False, heard: Any = None, **place: Any
) -> list[PlanRow]:
    parsed = Template.parse(template)
    naming = Naming(parsed, Origins(read_fields, heard), ValueRules(tags=parsed.tags), sidecars=sidecars)
    rows = list(plan_folder(Place(os.fsencode(root), **place), naming))
    assert [row.number for row in rows] == list(range(len(rows)))
    return rows


SHEET = 'FILE "{}" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n  TRACK 02 AUDIO\n    INDEX 01 00:01:00\n'


def test_a_cut_file_whose_sheet_stays_behind_is_noted(tmp_path: Path, track: Callable[..., Path]) -> None:
    for name in ("set.mp3", "live.mp3", "single.mp3", "other.mp3"):
        track(tmp_path / name, artist="A", title=name[:-4])
    (tmp_path / "set.cue").write_text(SHEET.format("SET.wav"))
    (tmp_path / "named otherwise.CUE").write_bytes(SHEET.format("live.mp3").replace("\n", "\r\n").encode())
    (tmp_path / "single.cue").write_text(SHEET.format("single.mp3").split("  TRACK 02")[0])
    for sidecars, noted in ((False, {b"set.mp3", b"live.mp3"}), (True, {b"live.mp3"})):
        rows = _plan(tmp_path, "{artist} - {title}", sidecars=sidecars)
        assert {row.old for row in rows if any("cuts it into tracks" in note for note in row.notes)} == noted
    unchanged = _plan(tmp_path, "{filename}")
    assert not any(row.notes for row in unchanged)


def _names(rows: list[PlanRow]) -> dict[str, str]:
    """What becomes of each path that is not refused."""
    return {
        os.fsdecode(os.path.join(row.folder, row.old)): os.fsdecode(row.new)
        for row in rows
        if row.status is not RowStatus.REFUSED
    }


def _refused(rows: list[PlanRow]) -> dict[str, str]:
    return {os.fsdecode(row.old): row.code for row in rows if row.status is RowStatus.REFUSED}


@pytest.mark.parametrize("suffix", [".mp3", ".flac", ".m4a", ".ogg", ".opus", ".MP3", ".Flac"])
def test_every_format_is_named_by_its_tags(tmp_path: Path, track: Callable[..., Path], suffix: str) -> None:
    """P2-7: only ".mp3" in small letters was found."""
    track(tmp_path / f"01{suffix}", artist="Boards of Canada", title="Roygbiv", album="Music")
    assert _names(_plan(tmp_path)) == {f"01{suffix}": f"Boards of Canada - Roygbiv{suffix}"}


def test_nothing_is_left_of_tempo_and_key_that_are_not_known(
    tmp_path: Path, track: Callable[..., Path]
) -> None:
    """P2-5."""
    track(tmp_path / "1.mp3", artist="A", title="T")
    track(tmp_path / "2.mp3", artist="B", title="T", bpm="127.6", key="Am")
    track(tmp_path / "3.mp3", artist="C", title="T", key="8A")
    assert _names(_plan(tmp_path)) == {
        "1.mp3": "A - T.mp3",
        "2.mp3": "B - T [8A 128].mp3",
        "3.mp3": "C - T [8A].mp3",
    }


def test_without_tags_the_file_name_tells(tmp_path: Path, track: Callable[..., Path]) -> None:
    """P2-9: such files were skipped."""
    track(tmp_path / "03 - Aphex Twin - Xtal.mp3")
    track(tmp_path / "just_words.wav")
    rows = _plan(tmp_path, "{artist} - {title}")
    assert _names(rows)["03 - Aphex Twin - Xtal.mp3"] == "Aphex Twin - Xtal.mp3"
    assert rows[0].values["artist"].origin is Origin.FILE_NAME
    assert not _refused(rows)


def test_what_was_heard_fills_in_unless_the_file_has_changed(
    tmp_path: Path, track: Callable[..., Path]
) -> None:
    for name in ("same", "changed"):
        track(tmp_path / f"{name}.mp3", artist=name, title="T")
    heard = Analysis(
        180.0, True, HeardTempo(127.9, 0.9), HeardKey(MusicalKey(9, minor=True), 0.8), None, 0.0, 0.0, 0.0
    )
    asked: list[tuple[bytes, list[bytes]]] = []

    def ask(folder: bytes, names: list[bytes]) -> dict[bytes, tuple[int, int, Analysis]]:
        asked.append((folder, list(names)))
        status = os.stat(tmp_path / "same.mp3")
        old = os.stat(tmp_path / "changed.mp3")
        return {
            b"same.mp3": (status.st_size, status.st_mtime_ns, heard),
            b"changed.mp3": (old.st_size, old.st_mtime_ns - 1, heard),
        }

    rows = _plan(tmp_path, heard=ask)
    assert _names(rows) == {"changed.mp3": "changed - T.mp3", "same.mp3": "same - T [8A 128].mp3"}
    assert rows[1].values["bpm"].origin is Origin.AUDIO
    assert rows[1].values["artist"].origin is Origin.TAG
    assert asked == [(b"", [b"changed.mp3", b"same.mp3"])]


def test_a_swap_and_a_cycle_are_planned_as_meant(tmp_path: Path, track: Callable[..., Path]) -> None:
    """P2-8."""
    for old, new in (("A", "B"), ("B", "A"), ("1", "2"), ("2", "3"), ("3", "1")):
        track(tmp_path / f"{old}.mp3", title=new)
    rows = _plan(tmp_path, "{title}")
    assert _names(rows) == {
        "1.mp3": "2.mp3",
        "2.mp3": "3.mp3",
        "3.mp3": "1.mp3",
        "A.mp3": "B.mp3",
        "B.mp3": "A.mp3",
    }
    assert not any(row.code for row in rows)


def test_clashes_are_numbered_and_told(tmp_path: Path, track: Callable[..., Path]) -> None:
    track(tmp_path / "1.mp3", title="Song")
    track(tmp_path / "2.mp3", title="SONG")
    track(tmp_path / "3.mp3", title="Taken")
    (tmp_path / "Taken.mp3").mkdir()
    rows = _plan(tmp_path, "{title}")
    assert _names(rows) == {"1.mp3": "Song.mp3", "2.mp3": "SONG (2).mp3", "3.mp3": "Taken (2).mp3"}
    assert [row.code for row in rows] == ["", "numbered", "numbered"]


def test_case_and_form_of_a_name_can_change(tmp_path: Path, track: Callable[..., Path]) -> None:
    decomposed = unicodedata.normalize("NFD", "é.mp3")
    track(tmp_path / "song.mp3", title="Song")
    track(tmp_path / decomposed, title="é")
    rows = _plan(tmp_path, "{title}")
    assert _names(rows) == {decomposed: "é.mp3", "song.mp3": "Song.mp3"}
    assert {row.code for row in rows} == {"case_only"}


def test_twins_that_differ_only_in_form_are_both_kept(tmp_path: Path, track: Callable[..., Path]) -> None:
    composed, decomposed = "é.mp3", unicodedata.normalize("NFD", "é.mp3")
    track(tmp_path / composed, title="é")
    track(tmp_path / decomposed, title="é")
    assert _names(_plan(tmp_path, "{title}")) == {composed: "é.mp3", decomposed: "é (2).mp3"}


def test_a_second_plan_finds_nothing_to_do(tmp_path: Path, track: Callable[..., Path]) -> None:
    for number in range(12):
        track(tmp_path / f"{number}.mp3", artist="A", title="日本" * 60)
    for row in _plan(tmp_path):
        os.rename(os.fsencode(tmp_path) + b"/" + row.old, os.fsencode(tmp_path) + b"/" + row.new)
    assert {row.status for row in _plan(tmp_path)} == {RowStatus.UNCHANGED}


def test_long_titles_are_cut_at_255_bytes(tmp_path: Path, track: Callable[..., Path]) -> None:
    """P2-6."""
    track(tmp_path / "1.mp3", artist="坂本龍一", title="戦場のメリークリスマス" * 450)
    row = _plan(tmp_path)[0]
    assert row.code == "shortened"
    assert 250 < len(row.new) <= 255
    os.rename(tmp_path / "1.mp3", os.path.join(os.fsencode(tmp_path), row.new))


@pytest.mark.parametrize(
    ("title", "name", "code"),
    [
        ("CON", "CON_.mp3", "reserved_name"),
        ("AC/DC: Who?", "AC DC Who.mp3", ""),
        ("../../etc/passwd", "etc passwd.mp3", ""),
        ("odd\x00byte", "odd", ""),
        ("\u202egpj.3pm", "gpj.3pm.mp3", ""),
        ("אבג \u0301\u0302 🎉", "אבג \u0301\u0302 🎉.mp3", ""),
    ],
)
def test_odd_titles(tmp_path: Path, track: Callable[..., Path], title: str, name: str, code: str) -> None:
    track(tmp_path / "1.mp3", title=title)
    row = _plan(tmp_path, "{title}")[0]
    assert row.new.startswith(name.encode())
    assert row.code == code
    assert b"/" not in row.new
    assert row.new not in (b".", b"..")


def test_what_can_not_be_read_costs_its_own_row(tmp_path: Path, track: Callable[..., Path]) -> None:
    """L8."""
    for number in range(20):
        track(tmp_path / f"{number:02}.mp3", title=f"T{number}")
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "junk.flac").write_bytes(os.urandom(5000))
    (tmp_path / "cut.m4a").write_bytes(track(tmp_path / "x.m4a", title="x").read_bytes()[:500])
    os.mkfifo(tmp_path / "pipe.mp3")
    (tmp_path / "link.mp3").symlink_to("00.mp3")
    (tmp_path / "loop.mp3").symlink_to("loop.mp3")
    rows = _plan(tmp_path, "{title}")
    names = _names(rows)
    assert [names[f"{number:02}.mp3"] for number in range(20)] == [f"T{number}.mp3" for number in range(20)]
    assert _refused(rows) == {"link.mp3": "link", "loop.mp3": "link"}
    assert names["empty.mp3"] == "empty.mp3"
    assert names["junk.flac"] == "junk.flac"
    assert "pipe.mp3" not in names


def test_files_that_go_away_while_planning(tmp_path: Path, track: Callable[..., Path]) -> None:
    for name in ("a", "b", "c"):
        track(tmp_path / f"{name}.mp3", title=name.upper())

    def read(path: bytes) -> Any:
        if path.endswith(b"a.mp3"):
            os.unlink(tmp_path / "b.mp3")
        return read_fields(path)

    rows = list(plan_folder(Place(os.fsencode(tmp_path)), Naming(Template.parse("{title}"), Origins(read))))
    assert _refused(rows) == {"b.mp3": "vanished"}
    assert _names(rows) == {"a.mp3": "A.mp3", "c.mp3": "C.mp3"}


def test_a_name_that_is_no_text(tmp_path: Path, track: Callable[..., Path]) -> None:
    sound = track(tmp_path / "x.mp3", artist="A", title="T").read_bytes()
    (tmp_path / "x.mp3").unlink()
    root = os.fsencode(tmp_path)
    Path(os.fsdecode(root + b"/caf\xe9.mp3")).write_bytes(sound)
    track(tmp_path / "bare.mp3").rename(os.fsdecode(root + b"/b\xff.mp3"))
    rows = _plan(tmp_path, "{artist} - {title}")
    assert [(row.old, row.new, row.code) for row in rows] == [
        (b"b\xff.mp3", b"b\xff.mp3", "not_text"),
        (b"caf\xe9.mp3", b"A - T.mp3", ""),
    ]


def test_no_value_no_name(tmp_path: Path, track: Callable[..., Path]) -> None:
    track(tmp_path / "1.mp3", title="T")
    assert _refused(_plan(tmp_path, "{label} [{bpm}]")) == {"1.mp3": "no_values"}


def test_a_title_of_dots_says_nothing(tmp_path: Path, track: Callable[..., Path]) -> None:
    track(tmp_path / "1.mp3", artist="A", title="...")
    assert _names(_plan(tmp_path, "{artist} - {title}")) == {"1.mp3": "A.mp3"}
    assert _refused(_plan(tmp_path, "{title}")) == {"1.mp3": "no_values"}


def test_folders_are_walked_in_order_and_hidden_ones_left_out(
    tmp_path: Path, track: Callable[..., Path]
) -> None:
    for name in ("b/2.mp3", "a/1.mp3", "a/deep/3.mp3", "z.mp3", ".hidden/4.mp3", "@eaDir/5.mp3", "a/.6.mp3"):
        track(tmp_path / name, title="T")
    rows = _plan(tmp_path, "{title}")
    assert [(row.folder, row.old) for row in rows] == [
        (b"", b"z.mp3"),
        (b"a", b"1.mp3"),
        (b"a/deep", b"3.mp3"),
        (b"b", b"2.mp3"),
    ]
    assert [row.old for row in _plan(tmp_path, folder=b"a")] == [b"1.mp3", b"3.mp3"]
    assert [row.old for row in _plan(tmp_path, folder=b"a", recursive=False)] == [b"1.mp3"]
    assert [row.old for row in _plan(tmp_path, excluded=lambda path: path == b"a/deep/")] == [
        b"z.mp3", b"1.mp3", b"2.mp3",
    ]  # fmt: skip


def test_loops_of_links_end(tmp_path: Path, track: Callable[..., Path]) -> None:
    track(tmp_path / "a" / "1.mp3", title="T")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to("c")
    assert [row.old for row in _plan(tmp_path)] == [b"1.mp3"]
    assert [row.folder for row in _plan(tmp_path, follow_links=False)] == [b"a"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="it is gone"):
        _plan(tmp_path / "none")


@contextmanager
def _shared_folder() -> Iterator[Path]:
    """A folder that other users can come into."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Without the rights of the administrator, whom nothing is forbidden."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_read_only_folders_and_closed_ones(track: Callable[..., Path]) -> None:
    with _shared_folder() as root:
        track(root / "closed" / "1.mp3", title="T")
        track(root / "fixed" / "2.mp3", title="T")
        track(root / "fixed" / "Right.mp3", title="Right")
        os.chmod(root / "fixed", 0o555)
        os.chmod(root / "closed", 0o000)
        try:
            with _as_nobody():
                rows = _plan(root, "{title}")
        finally:
            os.chmod(root / "fixed", 0o755)
            os.chmod(root / "closed", 0o755)
    assert _refused(rows) == {"closed": "unreadable", "2.mp3": "read_only"}
    assert rows[0].kind is FileKind.FOLDER
    assert rows[2].status is RowStatus.UNCHANGED


def test_unreadable_files(track: Callable[..., Path]) -> None:
    with _shared_folder() as root:
        os.chmod(root, 0o777)
        for name in ("1", "2", "3"):
            track(root / f"{name}.mp3", title=f"T{name}")
        os.chmod(root / "2.mp3", 0o000)
        with _as_nobody():
            rows = _plan(root, "{title}")
    assert _refused(rows) == {"2.mp3": "unreadable"}
    assert len(_names(rows)) == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="only the administrator can make files of others")
def test_files_of_others_in_a_sticky_folder(track: Callable[..., Path]) -> None:
    with _shared_folder() as root:
        os.chmod(root, 0o1777)
        track(root / "theirs.mp3", title="T")
        os.chown(track(root / "ours.mp3", title="O"), NOBODY, -1)
        with _as_nobody():
            rows = _plan(root, "{title}")
    assert _refused(rows) == {"theirs.mp3": "not_ours"}
    assert _names(rows) == {"ours.mp3": "O.mp3"}


def test_whoever_must_stay_keeps_its_name_from_others(track: Callable[..., Path]) -> None:
    """ours wants the name of theirs, which would go but may not."""
    if os.geteuid() != 0:
        pytest.skip("only the administrator can make files of others")
    with _shared_folder() as root:
        os.chmod(root, 0o1777)
        track(root / "theirs.mp3", title="elsewhere")
        os.chown(track(root / "ours.mp3", title="theirs"), NOBODY, -1)
        with _as_nobody():
            rows = _plan(root, "{title}")
    assert _refused(rows) == {"theirs.mp3": "not_ours"}
    assert _names(rows) == {"ours.mp3": "theirs (2).mp3"}


def test_paths_that_would_be_too_long(tmp_path: Path, track: Callable[..., Path]) -> None:
    deep = os.fsencode(tmp_path)
    here = os.getcwd()
    try:
        os.chdir(tmp_path)
        while len(deep) < 3900:
            os.mkdir("d" * 60)
            os.chdir("d" * 60)
            deep += b"/" + b"d" * 60
        track(Path("1.mp3"), title="T" * 240)
        track(Path("2.mp3"), title="short")
    finally:
        os.chdir(here)
    rows = _plan(Path(os.fsdecode(deep)), "{title}")
    assert _refused(rows) == {"1.mp3": "path_too_long"}
    assert _names(rows) == {"2.mp3": "short.mp3"}
    assert "Windows" in rows[1].notes[-1]


def test_sidecars_go_along_if_asked(tmp_path: Path, track: Callable[..., Path]) -> None:
    track(tmp_path / "01 Song.mp3", artist="A", title="T")
    for name in (
        "01 Song.lrc",
        "01 Song.JPG",
        "01 Song.description.txt",
        "02 Other.lrc",
        "cover.jpg",
        "01 Song.exe",
    ):
        (tmp_path / name).write_text(name)
    assert len(_plan(tmp_path)) == 1
    rows = _plan(tmp_path, sidecars=True)
    assert [(row.old.decode(), row.new.decode(), row.kind) for row in rows] == [
        ("01 Song.mp3", "A - T.mp3", FileKind.TRACK),
        ("01 Song.JPG", "A - T.JPG", FileKind.SIDECAR),
        ("01 Song.description.txt", "A - T.description.txt", FileKind.SIDECAR),
        ("01 Song.lrc", "A - T.lrc", FileKind.SIDECAR),
    ]


def test_sidecars_that_can_not_go(tmp_path: Path, track: Callable[..., Path]) -> None:
    track(tmp_path / "1.mp3", title="A")
    track(tmp_path / "2.mp3", title="B")
    track(tmp_path / "2.flac", title="C")
    track(tmp_path / "3.mp3", title="日" * 100)
    for name in ("1.lrc", "A.LRC", "2.jpg", "3.description.txt"):
        (tmp_path / name).touch()
    rows = _plan(tmp_path, "{title}", sidecars=True)
    assert _refused(rows) == {"1.lrc": "name_taken", "2.jpg": "name_clash", "3.description.txt": "too_long"}


def test_a_sidecar_that_stays_keeps_its_name_from_others(tmp_path: Path, track: Callable[..., Path]) -> None:
    track(tmp_path / "1.mp3", title="A")
    track(tmp_path / "A.mp3", title="B")
    track(tmp_path / "2.mp3", title="C")
    for name in ("1.lrc", "A.lrc", "B.LRC"):
        (tmp_path / name).touch()
    (tmp_path / "2.lrc").symlink_to("B.LRC")
    rows = _plan(tmp_path, "{title}", sidecars=True)
    assert _refused(rows) == {"1.lrc": "name_taken", "A.lrc": "name_taken", "2.lrc": "link"}


def test_sidecars_of_others_stay(track: Callable[..., Path]) -> None:
    if os.geteuid() != 0:
        pytest.skip("only the administrator can make files of others")
    with _shared_folder() as root:
        os.chmod(root, 0o1777)
        for old, new in (("1", "A"), ("A", "B")):
            os.chown(track(root / f"{old}.mp3", title=new), NOBODY, -1)
            (root / f"{old}.lrc").touch()
        os.chown(root / "1.lrc", NOBODY, -1)
        with _as_nobody():
            rows = _plan(root, "{title}", sidecars=True)
    assert _names(rows) == {"1.mp3": "A.mp3", "A.mp3": "B.mp3"}
    assert _refused(rows) == {"1.lrc": "name_taken", "A.lrc": "not_ours"}


def test_sidecars_swap_with_their_tracks(tmp_path: Path, track: Callable[..., Path]) -> None:
    for old, new in (("A", "B"), ("B", "A")):
        track(tmp_path / f"{old}.mp3", title=new)
        (tmp_path / f"{old}.lrc").touch()
    assert _names(_plan(tmp_path, "{title}", sidecars=True)) == {
        "A.mp3": "B.mp3", "A.lrc": "B.lrc", "B.mp3": "A.mp3", "B.lrc": "A.lrc",
    }  # fmt: skip


def test_planning_can_be_ended_from_outside(tmp_path: Path, track: Callable[..., Path]) -> None:
    for number in range(250):
        (tmp_path / f"{number}.mp3").touch()
    seen: list[int] = []

    def told(files: int) -> None:
        seen.append(files)
        if files >= 200:
            raise InterruptedError

    naming = Naming(Template.parse("{title}"), Origins(read_fields))
    with pytest.raises(InterruptedError):
        list(plan_folder(Place(os.fsencode(tmp_path)), naming, told))
    assert seen == [100, 200]


@pytest.mark.long
def test_a_hundred_thousand_files_take_little_memory(tmp_path: Path, track: Callable[..., Path]) -> None:
    """In a process of its own: rows go to a plan file, as the command does it."""
    import subprocess
    import sys

    for folder in range(100):
        first = track(tmp_path / "music" / f"{folder:03}" / "0.mp3", artist="A", title="T", bpm="120")
        for number in range(1, 1000):
            os.link(first, first.with_name(f"{number}.mp3"))
    script = (
        "import os, resource, sys\nfrom pathlib import Path\nfrom reprise.app import App\n"
        "from reprise.renaming import Renaming\nfrom reprise.settings import load_settings\n"
        "home = Path(sys.argv[1])\n"
        "with App(load_settings({}, environment={}, home=home)) as app:\n"
        "    header = Renaming(app).plan(home / 'music', '{artist} - {title}', home / 'plan')\n"
        "print(sum(header.counts.values()), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    rows, kibibytes = map(int, done.stdout.split())
    assert rows == 100_000
    assert kibibytes < 300 * 1024
