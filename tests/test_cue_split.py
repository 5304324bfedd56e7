"""Writing the tracks of a cue sheet as files: every sample, every tag, and nothing that was there is replaced."""

from __future__ import annotations

import errno
import os
import shutil
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from reprise.core.cuts import Cut, SplitTrack, split_path
from reprise.core.items import Tags
from reprise.core.ports import ScanProblem
from reprise.demo.encode import write_audio
from reprise.errors import DiskFull, Truncated, UsageError
from reprise.media.flac import write_flac
from reprise.media.tags import read_tags
from reprise.sources.folder import FolderSource
from reprise.sources.splitting import NAME_BYTES, split_folder, split_sheet, track_name
from tests.cli.conftest import Reprise, tune
from tests.disks import fill, small_disk

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 44_100  # Hz
THREE = ("00:00:00", "00:02:37", "00:04:10")
CUTS = (Cut(1, 0, 187), Cut(2, 187, 310), Cut(3, 310, None))

SHEET = """\
REM GENRE "Trip Hop"
REM DATE 1998
PERFORMER "The Band"
TITLE "The Record"
FILE "album.wav" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "Second / Part: 2?"
    PERFORMER "A Guest"
    INDEX 01 00:02:37
  TRACK 03 AUDIO
    INDEX 01 00:04:10
"""


def samples_of(path: Path | bytes) -> NDArray[Any]:
    """Whole numbers as they are stored, shape (n, channels)."""
    blocks = []
    with av.open(os.fsdecode(path)) as container:
        for frame in container.decode(audio=0):
            values = frame.to_ndarray()
            channels = frame.layout.nb_channels
            blocks.append(values.T if frame.format.is_planar else values.reshape(-1, channels))
    return np.concatenate(blocks)


def bits_of(path: bytes) -> tuple[int, int]:
    """Sample rate and bits per sample, as a FLAC file's first block states them."""
    with open(path, "rb") as file:
        fields = int.from_bytes(file.read(26)[18:26], "big")
    return fields >> 44, (fields >> 36 & 0x1F) + 1


def put_wav(path: Path, codec: str, sample_format: str, values: NDArray[Any], rate: int = RATE) -> Path:
    """A WAV file of the samples, shape (n, 2), in whatever depth."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=rate, layout="stereo")
        stream.codec_context.format = sample_format
        frame = av.AudioFrame.from_ndarray(values.reshape(1, -1), sample_format, "stereo")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    sound = np.stack([tune(1, 6.0, RATE), tune(2, 6.0, RATE)], axis=1)
    return write_audio(tmp_path_factory.mktemp("record") / "album.flac", sound, RATE)


@pytest.fixture
def album(tmp_path: Path, record: Path) -> Path:
    """A folder with an album and its sheet."""
    folder = tmp_path / "Album"
    folder.mkdir()
    shutil.copy(record, folder)
    (folder / "album.cue").write_text(SHEET)
    return folder


def split(folder: Path, output: Path) -> list[SplitTrack]:
    root = os.fsencode(folder)
    found = list(split_folder(FolderSource(root), root, b"", os.fsencode(output)))
    return [one for one in found if isinstance(one, SplitTrack)]


def states(tracks: list[SplitTrack]) -> list[str]:
    return [track.state for track in tracks]


def test_the_parts_joined_are_the_whole_sample_by_sample(album: Path, tmp_path: Path) -> None:
    tracks = split(album, tmp_path / "out")
    assert states(tracks) == ["written"] * 3
    parts = [samples_of(track.target) for track in tracks]
    whole = samples_of(album / "album.flac")
    assert [len(part) for part in parts[:2]] == [187 * 588, 123 * 588]
    joined = np.concatenate(parts)
    assert joined.dtype == whole.dtype
    assert np.array_equal(joined, whole)


def test_names_and_tags(album: Path, tmp_path: Path) -> None:
    tracks = split(album, tmp_path / "out")
    assert [os.fsdecode(os.path.basename(track.target)) for track in tracks] == [
        "01 - The Record - First.flac",
        "02 - The Record - Second _ Part_ 2_.flac",
        "03 - The Record - Track 3.flac",
    ]
    assert sorted(os.listdir(tmp_path / "out")) == sorted(
        os.fsdecode(os.path.basename(track.target)) for track in tracks
    )
    assert read_tags(tracks[1].target) == Tags(
        title="Second / Part: 2?", artist="A Guest", album="The Record", album_artist="The Band", genre="Trip Hop",
        year=1998, track=2, duration=123 / 75,
    )  # fmt: skip
    assert os.stat(tracks[0].target).st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize(
    ("codec", "sample_format", "kind", "rate", "bits"),
    [
        ("pcm_u8", "u8", np.uint8, 22_050, 16),
        ("pcm_s16le", "s16", np.int16, 48_000, 16),
        ("pcm_s24le", "s32", np.int32, 96_000, 24),
        ("pcm_s32le", "s32", np.int32, 44_100, 32),
    ],
)
def test_rate_and_depth_stay(
    codec: str, sample_format: str, kind: type[np.integer[Any]], rate: int, bits: int, tmp_path: Path
) -> None:
    limits = np.iinfo(kind)
    chance = np.random.default_rng(4)
    values = chance.integers(limits.min, limits.max, size=(2 * rate, 2), dtype=kind, endpoint=True)
    if bits == 24:
        values = values // 256 * 256
    path = put_wav(tmp_path / "a.wav", codec, sample_format, values, rate)
    parts = []
    for cut in (Cut(1, 0, 67), Cut(2, 67, None)):
        target = tmp_path / f"{cut.number}.flac"
        with target.open("w+b") as file:
            write_flac(cut.path_in(os.fsencode(path)), file, Tags())
        assert bits_of(os.fsencode(target)) == (rate, bits)
        parts.append(samples_of(target))
    joined = np.concatenate(parts).astype(np.int64)
    if kind is np.uint8:
        joined = joined // 256 + 128  # eight bits are the upper half of sixteen
    assert np.array_equal(joined, values.astype(np.int64))


@pytest.mark.parametrize(("suffix", "bits"), [(".mp3", 16), (".wv", 16), (".m4a", 16)])
def test_other_formats_become_flac_too(suffix: str, bits: int, tmp_path: Path, record: Path) -> None:
    whole = (samples_of(record) / 32_768).astype(np.float32)
    path = write_audio(tmp_path / f"album{suffix}", whole, RATE)
    (tmp_path / "album.cue").write_text(SHEET)
    tracks = split(tmp_path, tmp_path / "out")
    assert states(tracks) == ["written"] * 3
    assert {bits_of(track.target) for track in tracks} == {(RATE, bits)}
    second = samples_of(tracks[1].target)
    assert len(second) == pytest.approx(123 * 588, abs=RATE // 1000)
    assert samples_of(path).shape[1] == second.shape[1] == 2


def untouched(path: bytes) -> tuple[int, int, int, int]:
    """What changes with a file's content or place, but not when it is read."""
    status = os.stat(path)
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def test_again_changes_nothing(album: Path, tmp_path: Path) -> None:
    first = split(album, tmp_path / "out")
    before = {track.target: (untouched(track.target), read_tags(track.target)) for track in first}
    again = split(album, tmp_path / "out")
    assert states(again) == ["unchanged"] * 3
    assert {track.target: (untouched(track.target), read_tags(track.target)) for track in again} == before
    assert len(os.listdir(tmp_path / "out")) == 3


def test_what_is_missing_is_written_and_what_is_different_is_left(album: Path, tmp_path: Path) -> None:
    first, second, third = split(album, tmp_path / "out")
    os.unlink(first.target)
    with open(second.target, "wb") as file:
        file.write(b"somebody else's")
    (album / "album.cue").write_text(SHEET.replace("1998", "1999"))  # the third has other tags now
    again = split(album, tmp_path / "out")
    assert states(again) == ["written", "failed", "failed"]
    assert again[1].error is not None
    assert "another file of that name" in again[1].error.message
    assert again[1].error.cure
    with open(second.target, "rb") as file:
        assert file.read() == b"somebody else's"
    assert read_tags(third.target).year == 1998
    assert len(os.listdir(tmp_path / "out")) == 3


def test_folders_stay_as_they_are_and_records_of_one_name_do_not_meet(album: Path, tmp_path: Path) -> None:
    music = tmp_path / "music"
    shutil.copytree(album, music / "A" / "x")
    shutil.copytree(album, music / "B")
    shutil.copy(album / "album.flac", music / "whole.flac")
    root = os.fsencode(music)
    found = split(music, tmp_path / "out")
    assert states(found) == ["written"] * 6
    assert (tmp_path / "out" / "A" / "x" / "01 - The Record - First.flac").exists()
    assert (tmp_path / "out" / "B" / "01 - The Record - First.flac").exists()
    some = list(split_folder(FolderSource(root), root, b"A", os.fsencode(tmp_path / "some")))
    assert len(some) == 3
    assert (tmp_path / "some" / "x" / "01 - The Record - First.flac").exists()


def test_one_sheet_alone(album: Path, tmp_path: Path) -> None:
    (album / "bad.cue").write_text("nothing")
    shutil.copy(album / "album.flac", album / "other.flac")
    (album / "other.cue").write_text(SHEET.replace("album.wav", "other.wav"))
    found = list(split_sheet(os.fsencode(album / "album.cue"), os.fsencode(tmp_path / "out")))
    assert [one.state for one in found if isinstance(one, SplitTrack)] == ["written"] * 3
    (problem,) = split_sheet(os.fsencode(album / "bad.cue"), os.fsencode(tmp_path / "out"))
    assert isinstance(problem, ScanProblem)
    assert "names no track" in problem.message


def test_a_file_that_lost_its_end_gives_only_whole_tracks(album: Path, tmp_path: Path) -> None:
    content = (album / "album.flac").read_bytes()
    (album / "album.flac").write_bytes(content[: len(content) * 3 // 5])
    tracks = split(album, tmp_path / "out")
    assert states(tracks) == ["written", "failed", "failed"]
    assert isinstance(tracks[1].error, Truncated)
    assert os.listdir(tmp_path / "out") == ["01 - The Record - First.flac"]


def test_a_full_disk_is_said_and_leaves_no_half_file(album: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2) as disk:
        fill(disk / "ballast", 150_000)
        with pytest.raises(DiskFull, match="no space left"):
            split(album, disk / "out")
        assert [name for name in os.listdir(disk / "out") if name.startswith(".")] == []
        (disk / "ballast").unlink()
        assert set(states(split(album, disk / "out"))) <= {"written", "unchanged"}


def test_an_output_that_cannot_be_written_to_is_refused_at_once(album: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be made"):
        split(album, tmp_path / "file" / "out")
    with pytest.raises(UsageError, match="cannot be made"):
        split(album, tmp_path / "file")


def test_disks_without_hard_links(album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    assert states(split(album, tmp_path / "out")) == ["written"] * 3
    assert states(split(album, tmp_path / "out")) == ["unchanged"] * 3
    assert len(os.listdir(tmp_path / "out")) == 3


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        (Tags(album="A", title="B"), "02 - A - B.flac"),
        (Tags(), "02 - r_cord - Track 2.flac"),
        (Tags(album="a/b\\c", title='"x" <y> |z*'), "02 - a_b_c - _x_ _y_ _z_.flac"),
        (Tags(album="..", title=" . "), "02 - _ - _.flac"),
        (Tags(album="A", title="wait..."), "02 - A - wait.flac"),
        (Tags(album="A\0\n", title="\x1b[31m"), "02 - A__ - _[31m.flac"),
        (Tags(album="日本", title="語"), "02 - 日本 - 語.flac"),
        (Tags(album="Si\u0301gur", title="turned \u202eround"), "02 - Sígur - turned _round.flac"),
    ],
)
def test_a_name_is_one_that_every_system_takes(tags: Tags, name: str) -> None:
    assert track_name(Cut(2, 0, 5).path_in(b"/m/r\xffcord.flac"), tags) == name.encode()


@pytest.mark.parametrize("letter", ["x", "é", "日", "🎵"])
def test_long_names_are_cut_between_letters(letter: str, album: Path, tmp_path: Path) -> None:
    (album / "album.cue").write_text(SHEET.replace("First", letter * 400), encoding="utf-8")
    first = split(album, tmp_path / "out")[0]
    assert first.state == "written"
    name = os.path.basename(first.target)
    assert NAME_BYTES - 4 <= len(name) <= NAME_BYTES
    assert name.decode().endswith(f"{letter}.flac")
    assert read_tags(first.target).title == letter * 400


def test_an_album_of_which_only_the_middle_is_wanted_decodes_nothing_else(album: Path) -> None:
    path = Cut(2, 187, 310).path_in(os.fsencode(album / "album.flac"))
    assert split_path(path)[1] == CUTS[1]
    target = album / "x.flac"
    with target.open("w+b") as file:
        write_flac(path, file, Tags(title="x"))
    assert np.array_equal(samples_of(target), samples_of(album / "album.flac")[187 * 588 : 310 * 588])


# The commands


def test_split_tells_what_it_does(album: Path, tmp_path: Path) -> None:
    reprise, out = Reprise(tmp_path / "home"), tmp_path / "out"
    done = reprise("split", album / "album.cue", "--output", out)
    assert done.out.splitlines()[0] == str(out / "01 - The Record - First.flac")
    assert "3 tracks written, 0 there already, 0 failed" in done.err
    again = reprise("split", album, "--output", out, "--json")
    assert [line["state"] for line in again.lines[:-1]] == ["unchanged"] * 3
    assert again.lines[-1] == {
        "event": "split_finished", "written": 0, "unchanged": 3, "failed": 0, "problems": 0,
    }  # fmt: skip
    assert not (tmp_path / "home" / "catalogue.sqlite").exists()


def test_split_says_what_failed_and_ends_with_1(album: Path, tmp_path: Path) -> None:
    reprise, out = Reprise(tmp_path / "home"), tmp_path / "out"
    out.mkdir()
    (out / "01 - The Record - First.flac").write_text("mine")
    shutil.copytree(album, album / "bad")
    (album / "bad" / "album.cue").write_text(SHEET.replace("album.wav", "gone.wav"))
    done = reprise("split", album, "--output", out, code=1)
    assert "another file of that name" in done.err
    assert "not used: bad/album.cue: it names gone.wav" in done.err
    machine = reprise("split", album, "--output", out, "--json", code=1)
    assert {line["event"] for line in machine.lines} == {"track_split", "scan_problem", "split_finished"}
    (failed,) = [line for line in machine.lines if line.get("state") == "failed"]
    assert failed["cure"]


@pytest.mark.parametrize("named", ["gone.cue", "gone", "Album/album.flac"])
def test_split_of_what_is_no_folder_and_no_sheet(named: str, album: Path, tmp_path: Path) -> None:
    done = Reprise(tmp_path / "home")("split", tmp_path / named, "--output", tmp_path / "out", code=2)
    assert "cure:" in done.err


def test_embed_with_split_writes_the_files_and_embeds_the_cuts(album: Path, tmp_path: Path) -> None:
    reprise, out = Reprise(tmp_path / "home"), tmp_path / "out"
    run = reprise.embed(album, "--split", out)
    assert (run.scan, run.done) == ({"new": 3}, 3)
    assert run.event("split_finished")["written"] == 3
    assert run.lines[-1]["event"] == "job_finished"
    assert len(os.listdir(out)) == 3
    again = reprise.embed(album, "--split", out)
    assert (again.done, again.event("split_finished")["unchanged"]) == (0, 3)
    refused = reprise("embed", album, "--split", album / "split", code=2)
    assert "is inside the library" in refused.err
    assert not (album / "split").exists()
    dry = reprise("embed", album, "--split", tmp_path / "dry", "--dry-run")
    assert "0 of 3" in dry.out
    assert not (tmp_path / "dry").exists()
