"""Folders of videos: which files are videos, what they say of themselves, and a scan of them."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest

from reprise.app import App
from reprise.core.items import Library
from reprise.core.ports import FoundFile
from reprise.errors import LibraryError, Vanished
from reprise.media.video.digest import video_digest
from reprise.settings import load_settings
from reprise.sources.video_folder import VideoFolder
from tests.video.films import Shot, write_film

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def folder(root: Path, *exclude: str) -> VideoFolder:
    return VideoFolder(os.fsencode(root), exclude)


def files(root: Path, *exclude: str) -> list[bytes]:
    return [entry.path for entry in folder(root, *exclude).walk() if isinstance(entry, FoundFile)]


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    with App(load_settings({}, {"REPRISE_HOME": str(tmp_path / "state")})) as one:
        yield one


def test_videos_are_found_and_nothing_else(tmp_path: Path) -> None:
    for name in (
        "a.mp4", "B.MKV", "c/d.webm", "e.m2ts", "f.OGV", "song.mp3", "x.srt", "a.mp4.part", ".hidden.mp4", "mp4",
        ".folder/a.mp4", "@eaDir/a.mp4", "drafts/a.mov",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"123")
    assert files(tmp_path, "drafts/") == [b"B.MKV", b"a.mp4", b"c/d.webm", b"e.m2ts", b"f.OGV"]
    counts = folder(tmp_path).counts(b"")
    assert counts is not None
    assert counts.tracks == 4


def test_a_cue_sheet_beside_a_video_cuts_nothing(tmp_path: Path) -> None:
    (tmp_path / "concert.mp4").write_bytes(b"123")
    (tmp_path / "concert.cue").write_text(
        'FILE "concert.mp4" WAVE\n  TRACK 01 AUDIO\n    INDEX 01 00:00:00\n  TRACK 02 AUDIO\n    INDEX 01 00:01:00\n'
    )
    assert files(tmp_path) == [b"concert.mp4"]


@pytest.mark.parametrize("name", ["film.mp4", "film.mkv", "film.avi", "film.ts", "film.mov"])
def test_length_and_title_are_read_from_every_container(tmp_path: Path, name: str) -> None:
    write_film(tmp_path / name, [Shot(2.0)])
    tags = folder(tmp_path).tags(name.encode())
    assert tags.duration == pytest.approx(2.0, abs=0.2)


def test_odd_files_cost_themselves_only(tmp_path: Path, app: App) -> None:
    films = tmp_path / "films"
    films.mkdir()
    write_film(films / "good.mp4", [Shot(1.0)])
    whole = (films / "good.mp4").read_bytes()
    (films / "empty.mp4").touch()
    (films / "half.mp4").write_bytes(whole[: len(whole) // 2])
    (films / "noise.avi").write_bytes(os.urandom(5000))
    (films / "list.mkv").write_text("#EXTM3U\n#EXTINF:10,\n/etc/hostname\n")
    (films / "text.mov").write_text("no video at all")
    library, _ = app.library_of(films, kind="video")
    finished = app.scan(library, lambda _: None)
    assert (finished.files, finished.new, finished.problems) == (6, 6, 0)
    videos, count = app.catalogue().videos.page(app.owner, library_id=library.id, text="", limit=10, offset=0)
    lengths = {video.path: video.facts.duration for video in videos}
    assert count == 6
    assert lengths.pop(b"good.mp4") == pytest.approx(1.0, abs=0.2)
    assert lengths[b"empty.mp4"] == lengths[b"list.mkv"] == lengths[b"text.mov"] == 0


def test_the_digest_is_that_of_the_video(tmp_path: Path) -> None:
    write_film(tmp_path / "a.mp4", [Shot(1.0)])
    assert folder(tmp_path).digest(b"a.mp4") == video_digest(os.fsencode(tmp_path / "a.mp4"))
    with pytest.raises(Vanished):
        folder(tmp_path).tags(b"gone.mp4")


def test_one_folder_may_hold_music_and_videos(tmp_path: Path, app: App) -> None:
    media = tmp_path / "media"
    (media / "clips").mkdir(parents=True)
    (media / "song.mp3").write_bytes(b"sound")
    write_film(media / "clips" / "both.mp4", [Shot(1.0)])
    music, _ = app.library_of(media)
    videos, inside = app.library_of(media / "clips", kind="video")
    assert (videos.kind, inside) == ("video", b"")
    same, _ = app.library_of(media, kind="folder")
    assert same == music
    with pytest.raises(LibraryError, match="contains the library"):
        app.library_of(media, kind="video")  # which would be around the other one of videos
    assert app.library_of(media / "clips") == (music, b"clips")  # who does not say which means music
    for library, paths in ((music, [b"clips/both.mp4", b"song.mp3"]), (videos, [b"both.mp4"])):
        app.scan(library, lambda _: None)
        assert [row[1] for row in app.catalogue().items.files(app.owner, library.id)] == paths


def test_what_is_missing_is_said_in_words_of_videos(tmp_path: Path, app: App) -> None:
    films = tmp_path / "films"
    films.mkdir()
    (films / "song.mp3").write_bytes(b"sound")
    library, _ = app.library_of(films, kind="video")
    with pytest.raises(LibraryError, match="no video in"):
        app.scan(library, lambda _: None)


def test_the_source_of_a_library_is_of_its_kind(app: App) -> None:
    video = Library(1, "me", "video", "v", b"/v")
    music = Library(2, "me", "folder", "m", b"/m")
    assert isinstance(app.source(video), VideoFolder)
    assert not isinstance(app.source(music), VideoFolder)


def test_a_photo_that_was_kept_before_stays_as_it_is() -> None:
    """Otherwise each installation that it moves to would know it by another digest."""
    image = pytest.importorskip("PIL.Image")
    from reprise.media.photos import upright_jpeg

    picture = image.effect_noise((300, 200), 80).convert("RGB")
    turned = image.Exif()
    turned[0x0112] = 6
    for kind, options in (("PNG", {}), ("JPEG", {"exif": turned}), ("JPEG", {"comment": b"secret"})):
        written = io.BytesIO()
        picture.save(written, kind, **options)
        kept = upright_jpeg(written.getvalue())
        assert kept != written.getvalue()
        assert b"secret" not in kept
        assert upright_jpeg(kept) == kept
