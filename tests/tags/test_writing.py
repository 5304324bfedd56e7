"""Writing tempo, key and gain into real files: all else stays, byte for byte where the format allows."""

from __future__ import annotations

import functools
import os
import shutil
import stat
import struct
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.items import Tags
from reprise.demo.encode import write_audio
from reprise.errors import ExtraMissing, TagsNotWritten, Vanished
from reprise.media.essence import essence_digest
from reprise.media.fields import read_fields
from reprise.media.tag_formats import NewTags
from reprise.media.tag_writing import Written, sweep, would_write, write_tags
from tests.disks import AS_ROOT, fill, small_disk
from tests.harness import wait_for
from tests.tags.files import JPEG, TONE, WRITABLE, audio, flac, id3, mp4, rich_flac, rich_m4a, rich_mp3, wave

if TYPE_CHECKING:
    from pathlib import Path

HEARD = NewTags(bpm=127.6, key="Am", gain=-6.5, peak=0.98)


def write(path: Path, new: NewTags = HEARD, **options: Any) -> Written:
    return write_tags(os.fsencode(path), new, **options)


def fields_of(path: Path) -> Any:
    return read_fields(os.fsencode(path))


@pytest.mark.parametrize("suffix", WRITABLE)
def test_every_format_there_and_back(suffix: str, tmp_path: Path) -> None:
    path = audio(tmp_path, suffix, Tags(title="Title", artist="Artist", album="Album", year=1999, track=3))
    before, digest = fields_of(path), essence_digest(os.fsencode(path))
    assert write(path) == Written(("tempo", "key", "gain"), ())
    after = fields_of(path)
    assert (after.tags.bpm, after.tags.key) == (128, "Am")
    if suffix == ".opus":
        assert after.tag("r128_track_gain") == str(round((-6.5 - 5) * 256))
    else:
        assert after.tag("replaygain_track_gain") == "-6.50 dB"
        assert after.tag("replaygain_track_peak") == "0.980000"
    assert after.tags._replace(bpm=None, key=None, duration=None) == before.tags._replace(duration=None)
    assert essence_digest(os.fsencode(path)) == digest
    content, changed = path.read_bytes(), path.stat().st_mtime_ns
    assert write(path) == Written((), ())
    assert write(path, overwrite=True) == Written((), ())
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (content, changed)
    assert os.listdir(tmp_path) == [path.name]


@pytest.mark.parametrize("suffix", WRITABLE)
def test_what_is_there_is_kept_unless_asked(suffix: str, tmp_path: Path) -> None:
    path = audio(tmp_path, suffix)
    write(path, NewTags(bpm=100, key="C"))
    content = path.read_bytes()
    assert write(path, NewTags(bpm=128, key="Am")) == Written((), ("tempo", "key"))
    assert write(path, NewTags(bpm=100.3, key="8B")) == Written((), ())  # the same, in other words
    assert path.read_bytes() == content
    assert write(path, NewTags(bpm=128, key="8A"), overwrite=True) == Written(("tempo", "key"), ())
    assert (fields_of(path).tags.bpm, fields_of(path).tags.key) == (128, "8A")


def test_what_would_be_written_is_what_is_written(tmp_path: Path) -> None:
    path = audio(tmp_path, ".flac", Tags(title="T", bpm=100.0))
    for overwrite in (False, True):
        foreseen = would_write(fields_of(path), HEARD, overwrite=overwrite)
        assert write(path, overwrite=overwrite) == foreseen
    assert would_write(fields_of(path), HEARD, overwrite=True) == Written((), ())


def frames_of(path: Path) -> dict[str, bytes]:
    """Each frame's bytes by mutagen's name of it, all but those that are written."""
    found = id3.ID3(path, translate=False, load_v1=False)
    config = mutagen_config(found.version[1])
    return {
        name: frame._writeData(config)
        for name, frame in found.items()
        if not name.startswith(("TBPM", "TKEY", "TXXX:REPLAYGAIN"))
    }


def mutagen_config(version: int) -> Any:
    from mutagen.id3._util import ID3SaveConfig

    config: Any = ID3SaveConfig
    return config(version, None)


@pytest.mark.parametrize("version", [3, 4])
def test_an_mp3_keeps_version_frames_padding_and_place_of_its_sound(version: int, tmp_path: Path) -> None:
    path = rich_mp3(audio(tmp_path, ".mp3"), version)
    frames, content = frames_of(path), path.read_bytes()
    write(path)
    after = path.read_bytes()
    assert after[3] == version
    assert frames_of(path) == frames
    assert len(frames) > 12
    assert JPEG in after
    assert len(after) == len(content)  # the padding gave the room
    head = id3.ID3(path).size
    assert after[head:] == content[head:]
    assert fields_of(path).comment == "8A - Energy 6"


def test_id3v1_at_the_end_keeps_its_bytes(tmp_path: Path) -> None:
    path = rich_mp3(audio(tmp_path, ".mp3"), 3)
    v1 = struct.pack(
        "3s30s30s30s4s28sBBB", b"TAG", b"Other title", b"Band", b"LP", b"1984", b"hand made", 0, 7, 35
    )
    path.write_bytes(path.read_bytes() + v1)
    write(path)
    assert path.read_bytes().endswith(v1)
    assert path.read_bytes().count(b"TAG") == 1


def test_id3v1_alone_stays_and_its_words_are_found_in_the_new_tag(tmp_path: Path) -> None:
    path = audio(tmp_path, ".mp3", Tags())
    sound = path.read_bytes()
    v1 = struct.pack("3s30s30s30s4s28sBBB", b"TAG", b"Old Song", b"Old Band", b"LP", b"1984", b"", 0, 7, 35)
    path.write_bytes(sound[sound.index(b"\xff\xfb") :] + v1)
    write(path)
    assert path.read_bytes().endswith(v1)
    assert id3.ID3(path, load_v1=False)["TIT2"].text == ["Old Song"]
    assert fields_of(path).tags.bpm == 128


def test_the_oldest_id3_becomes_2_3(tmp_path: Path) -> None:
    path = audio(tmp_path, ".mp3", Tags())
    sound = path.read_bytes()
    frames = b"TT2\0\0\x05\0Old\0" + b"TP1\0\0\x07\0Timer\0"
    path.write_bytes(b"ID3\x02\0\0\0\0\0" + bytes([len(frames)]) + frames + sound[sound.index(b"\xff\xfb") :])
    write(path)
    assert path.read_bytes()[3] == 3
    assert (fields_of(path).tags.title, fields_of(path).tags.artist, fields_of(path).tags.bpm) == (
        "Old",
        "Timer",
        128,
    )


def test_a_flac_keeps_comments_pictures_and_length(tmp_path: Path) -> None:
    path = rich_flac(audio(tmp_path, ".flac"))
    before, size = flac.FLAC(path), path.stat().st_size
    write(path)
    after = flac.FLAC(path)
    ours = {"BPM", "INITIALKEY", "REPLAYGAIN_TRACK_GAIN", "REPLAYGAIN_TRACK_PEAK"}
    assert [pair for pair in after.tags if pair[0] not in ours] == list(before.tags)
    assert [picture.write() for picture in after.pictures] == [picture.write() for picture in before.pictures]
    assert after.tags.vendor == before.tags.vendor
    assert path.stat().st_size == size


def test_an_m4a_keeps_cover_and_free_fields(tmp_path: Path) -> None:
    path = rich_m4a(audio(tmp_path, ".m4a"))
    before = dict(mp4.MP4(path))
    write(path, overwrite=True)
    after = dict(mp4.MP4(path))
    assert after.pop("tmpo") == [128]
    assert after.pop("----:com.apple.iTunes:initialkey") == [b"Am"]
    before.pop("----:com.apple.iTunes:initialkey")
    assert {name: value for name, value in after.items() if "replaygain" not in name} == before
    assert before["covr"] == [JPEG]


def test_a_wav_keeps_its_other_chunks(tmp_path: Path) -> None:
    path = audio(tmp_path, ".wav", Tags(title="Info title"))
    content = path.read_bytes()
    cue = b"cue \x04\0\0\0\0\0\0\0"
    path.write_bytes(content[:4] + struct.pack("<I", len(content) - 8 + len(cue)) + content[8:] + cue)
    write(path)
    assert cue in path.read_bytes()
    assert wave.WAVE(path).tags["TBPM"].text == ["128"]
    assert fields_of(path).tags.title == "Info title"


def test_other_names_of_a_key_are_brought_up_to_date(tmp_path: Path) -> None:
    path = audio(tmp_path, ".mp3")
    tags = id3.ID3(path)
    tags.add(id3.TXXX(encoding=3, desc="INITIALKEY", text=["4A"]))
    tags.save()
    assert write(path, NewTags(key="Am")) == Written((), ("key",))
    assert write(path, NewTags(key="Am"), overwrite=True) == Written(("key",), ())
    assert [str(frame) for frame in id3.ID3(path).getall("TXXX")] == ["Am"]


def test_a_tempo_of_0_is_none_and_words_are_kept(tmp_path: Path) -> None:
    path = audio(tmp_path, ".flac")
    for text, outcome in (("0", Written(("tempo",), ())), ("fast", Written((), ("tempo",)))):
        found = flac.FLAC(path)
        found["BPM"] = text
        found.save()
        assert write(path, NewTags(bpm=128)) == outcome


def test_nothing_to_write(tmp_path: Path) -> None:
    assert write(audio(tmp_path, ".mp3"), NewTags()) == Written((), ())


def test_mode_owner_attributes_and_time(tmp_path: Path) -> None:
    path = audio(tmp_path, ".mp3")
    path.chmod(0o640)
    if AS_ROOT:
        os.chown(path, 12345, 54321)
    try:
        os.setxattr(path, "user.note", b"mine")
        noted = True
    except OSError:  # a file system without them
        noted = False
    os.utime(path, ns=(10**18, 10**18))
    write(path, NewTags(bpm=128), keep_mtime=True)
    status = path.stat()
    assert stat.S_IMODE(status.st_mode) == 0o640
    assert status.st_mtime_ns == 10**18
    if AS_ROOT:
        assert (status.st_uid, status.st_gid) == (12345, 54321)
    if noted:
        assert os.getxattr(path, "user.note") == b"mine"
    started = time.time_ns()
    write(path, NewTags(key="Am"))
    assert path.stat().st_mtime_ns > started - 10**9


def refused(path: Path, word: str, **options: Any) -> None:
    """It is said why, the file is as it was, and nothing is left beside it."""
    before, status, beside = path.read_bytes(), path.lstat(), sorted(os.listdir(path.parent))
    with pytest.raises(TagsNotWritten, match=word) as told:
        write(path, **options)
    assert told.value.cure
    assert path.read_bytes() == before
    assert path.lstat().st_ino == status.st_ino
    assert path.lstat().st_mtime_ns == status.st_mtime_ns
    assert sorted(os.listdir(path.parent)) == beside


def test_links_and_read_only_files_are_left_alone(tmp_path: Path) -> None:
    path = audio(tmp_path, ".mp3")
    link = tmp_path / "link.mp3"
    link.symlink_to(path)
    refused(link, "link")
    link.unlink()
    os.link(path, link)
    refused(path, "several names")
    link.unlink()
    path.chmod(0o444)
    refused(path, "read-only")


def test_a_read_only_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = audio(tmp_path, ".mp3")
    if AS_ROOT:  # whom no mode keeps from writing
        monkeypatch.setattr(
            "reprise.media.tag_writing.os.access", lambda place, _mode: not os.path.isdir(place)
        )
    tmp_path.chmod(0o555)
    try:
        refused(path, "folder is read-only")
    finally:
        tmp_path.chmod(0o755)


@pytest.mark.parametrize(
    "content", [b"", b"no audio at all" * 99, b"ID3\x04\0\0\0\0\0\0" + b"text" * 99, b"RIFF\0\0\0\0WAVE"]
)
def test_what_is_no_audio(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(content)
    refused(path, "tags")


def test_formats_that_nobody_writes(tmp_path: Path) -> None:
    refused(audio(tmp_path, ".mka"), "format")


def test_a_file_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(Vanished):
        write(tmp_path / "gone.mp3")


def test_a_file_that_changed_since_it_was_heard(tmp_path: Path) -> None:
    path = audio(tmp_path, ".mp3")
    refused(path, "changed since", expected=(1, 2))
    status = path.stat()
    write(path, expected=(status.st_size, status.st_mtime_ns))


def test_a_file_that_changes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = audio(tmp_path, ".mp3")

    def slow(place: bytes) -> bytes:
        found = essence_digest(place)
        path.write_bytes(b"somebody else's")
        return found

    monkeypatch.setattr("reprise.media.tag_writing.essence_digest", slow)
    with pytest.raises(TagsNotWritten):
        write(path)
    assert path.read_bytes() == b"somebody else's"
    assert os.listdir(tmp_path) == ["a.mp3"]


def test_a_tag_that_would_be_lost_keeps_all_as_it_is(tmp_path: Path) -> None:
    """A frame of ID3 2.2 that has no successor cannot be carried into 2.3."""
    path = audio(tmp_path, ".mp3", Tags())
    sound = path.read_bytes()
    frames = b"TT2\0\0\x05\0Old\0" + b"XYZ\0\0\x05\0own\0"
    path.write_bytes(b"ID3\x02\0\0\0\0\0" + bytes([len(frames)]) + frames + sound[sound.index(b"\xff\xfb") :])
    refused(path, "would not survive")


def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        path = audio(disk, ".flac")
        fill(disk / "rest", leave=path.stat().st_size // 2)
        refused(path, "no space")
        (disk / "rest").unlink()
        assert write(path).changed


def test_without_mutagen_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mutagen", None)
    with pytest.raises(ExtraMissing) as told:
        write(audio(tmp_path, ".mp3"))
    assert "reprise[tags]" in told.value.cure


def test_reading_needs_no_mutagen() -> None:
    code = "import sys, reprise.tagging, reprise.media.tag_writing; assert 'mutagen' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_leftovers_are_swept_but_not_what_is_in_work(tmp_path: Path) -> None:
    import fcntl

    for name in ("dead", "living"):
        (tmp_path / f".reprise-tags-{name}").write_bytes(b"half")
    (tmp_path / ".reprise-other").touch()
    with (tmp_path / ".reprise-tags-living").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert sweep(os.fsencode(tmp_path)) == 1
    assert sorted(os.listdir(tmp_path)) == [".reprise-other", ".reprise-tags-living"]
    assert sweep(os.fsencode(tmp_path / "gone")) == 0


WRITER = """
import os, sys
from reprise.media.tag_formats import NewTags
from reprise.media.tag_writing import write_tags
folder = os.fsencode(sys.argv[1])
print("ready", flush=True)
number = 0
while True:
    number += 1
    for name in sorted(os.listdir(folder)):
        if not name.startswith(b"."):
            write_tags(os.path.join(folder, name), NewTags(bpm=61 + number % 100, key="Am"), overwrite=True)
"""


def _changed(folder: Path, since: int) -> bool:
    return folder.stat().st_mtime_ns != since


def test_kill_9_while_writing_loses_nothing(tmp_path: Path) -> None:
    template = rich_mp3(write_audio(tmp_path / "base.mp3", TONE, 44_100), 4)
    folder = tmp_path / "crate"
    folder.mkdir()
    paths = [folder / "a.mp3", folder / "b.flac", folder / "c.m4a"]
    shutil.copy(template, paths[0])
    rich_flac(audio(folder, ".flac", name="b"))
    rich_m4a(audio(folder, ".m4a", name="c"))
    digests = {path: essence_digest(os.fsencode(path)) for path in paths}
    titles = {path: fields_of(path).tags.title for path in paths}
    frames = frames_of(paths[0])
    for turn in range(12):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        with process, process.stdout:
            process.stdout.readline()
            wait_for(functools.partial(_changed, folder, folder.stat().st_mtime_ns))
            threading.Event().wait(turn * 0.004)  # wherever it is now
            process.kill()
        for path in paths:
            assert essence_digest(os.fsencode(path)) == digests[path]
            assert fields_of(path).tags.title == titles[path]
        assert frames_of(paths[0]) == frames
    sweep(os.fsencode(folder))
    assert sorted(folder.iterdir()) == paths
