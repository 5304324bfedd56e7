"""Cue sheets from end to end: embedded per track, found by title, and never computed twice."""

from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from reprise.demo.encode import write_audio
from tests.cli.conftest import RATE, Reprise, tune

if TYPE_CHECKING:
    from pathlib import Path

flac: Any = importlib.import_module("mutagen.flac")  # it has no types

TITLES = ("Erste", "Zweite", "Dritte", "Vierte")
STARTS = ("00:00:00", "00:03:10", "00:06:00", "00:10:30")  # of 13 seconds


def sheet(titles: tuple[str, ...] = TITLES, starts: tuple[str, ...] = STARTS, file: str = "album.wav") -> str:
    lines = ['PERFORMER "The Band"', 'TITLE "The Record"', f'FILE "{file}" WAVE']
    for number, (title, start) in enumerate(zip(titles, starts, strict=True), 1):
        lines += [f"  TRACK {number:02} AUDIO", f'    TITLE "{title}"', f"    INDEX 01 {start}"]
    return "\r\n".join(lines)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirteen seconds in one FLAC. Copy, do not change."""
    return write_audio(tmp_path_factory.mktemp("record") / "album.flac", tune(5, 13.0), RATE)


@pytest.fixture(scope="module")
def embedded(record: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An album with its sheet and another track, embedded once. Copy, do not change."""
    folder = tmp_path_factory.mktemp("embedded")
    album = folder / "music" / "Album"
    album.mkdir(parents=True)
    shutil.copy(record, album)
    (album / "album.cue").write_text(sheet())
    write_audio(folder / "music" / "other.mp3", tune(9), RATE)
    first = Reprise(folder / "home").embed(folder / "music")
    assert first.done == 5
    assert first.scan == {"new": 5}
    return folder


@pytest.fixture
def music(embedded: Path, tmp_path: Path) -> Path:
    shutil.copytree(embedded, tmp_path, dirs_exist_ok=True)
    with closing(sqlite3.connect(tmp_path / "home" / "catalogue.sqlite")) as connection:
        connection.execute("UPDATE libraries SET root = ?", (os.fsencode(tmp_path / "music"),))
        connection.commit()
    return tmp_path / "music"


@pytest.fixture
def reprise(music: Path) -> Reprise:
    return Reprise(music.parent / "home")


def titles(reprise: Reprise) -> dict[str, int]:
    """Present items by title."""
    rows = reprise.read("SELECT title, id FROM items WHERE missing_since IS NULL AND title IS NOT NULL")
    return dict(rows)


def test_each_track_is_an_item_that_is_found_by_its_title(reprise: Reprise, music: Path) -> None:
    ids = titles(reprise)
    assert set(ids) == set(TITLES)
    found = reprise("similar", "Zweite", "--json").lines
    assert {line["item_id"] for line in found if line["event"] == "match"} == {
        *(item_id for title, item_id in ids.items() if title != "Zweite"),
        reprise.ids["other.mp3"],
    }
    rows = reprise.read(
        "SELECT artist, album, album_artist, track, duration FROM items WHERE title = 'Zweite'"
    )
    assert rows == [("The Band", "The Record", "The Band", 2, pytest.approx(215 / 75))]
    told = reprise("explain", "Zweite")
    assert "Album/album.flac, track 2" in told.out
    assert "length     2.9 s" in told.out


def test_a_track_is_named_as_it_is_shown(reprise: Reprise, music: Path) -> None:
    album = music / "Album" / "album.flac"
    for name in ("Album/album.flac, track 2", f"{album}, track 2"):
        [first, *_] = reprise("similar", name, "-n", "1", "--json").lines
        assert (first.get("track"), first["path"]) != (2, str(album))
    assert reprise("explain", f"{album}, track 2").out.startswith("The Band - Zweite ")
    refused = reprise("similar", str(album), "--json", code=2).event("error")
    assert "fits several tracks" in refused["message"]
    assert all(title in refused["message"] for title in TITLES)
    assert reprise("similar", f"{album}, track 9", "--json", code=2).event("error")["code"] == "not_found"


def test_a_playlist_leads_to_the_file_and_to_the_place_in_it(reprise: Reprise, music: Path) -> None:
    lines = reprise("similar", "Zweite", "-n", "1", "--m3u").out.splitlines()
    assert lines[:5] == [
        "#EXTM3U",
        "#EXTINF:3,The Band - Zweite",
        "#EXTVLCOPT:start-time=3.133",
        "#EXTVLCOPT:stop-time=6.000",
        str(music / "Album" / "album.flac"),
    ]


def test_a_track_sounds_like_the_same_part_in_a_file_of_its_own(
    reprise: Reprise, music: Path, tmp_path: Path
) -> None:
    sound = tune(5, 13.0)
    first, end = 450 * RATE // 75, 780 * RATE // 75
    write_audio(music / "apart.flac", sound[first:end], RATE)
    assert reprise.embed(music).done == 1
    best = reprise("similar", "Dritte", "-n", "1", "--json").lines[0]
    assert best["item_id"] == reprise.ids["apart.flac"]
    assert best["score"] > 0.999


def test_a_second_run_does_nothing(reprise: Reprise, music: Path) -> None:
    again = reprise.embed(music)
    assert (again.scan, again.done) == ({}, 0)
    assert again.event("job_finished")["operations"]["skipped"] == 5


def test_another_title_in_the_sheet_is_no_other_sound(reprise: Reprise, music: Path) -> None:
    before = titles(reprise)
    (music / "Album" / "album.cue").write_text(sheet(("Erste", "Second", *TITLES[2:])))
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"retagged": 1, "touched": 3}, 0)
    assert titles(reprise)["Second"] == before["Zweite"]


def test_a_touched_sheet_and_a_retagged_file_cost_nothing(reprise: Reprise, music: Path) -> None:
    os.utime(music / "Album" / "album.cue")
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"touched": 4}, 0)
    file = flac.FLAC(music / "Album" / "album.flac")
    file["genre"] = "Kosmische Musik"
    file.save()
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"retagged": 4}, 0)
    assert reprise.read("SELECT DISTINCT genre FROM items WHERE title IS NOT NULL") == [("Kosmische Musik",)]
    assert reprise.embed(music, "--force").done == 5  # what a model process reads is what the next scan finds
    assert reprise.embed(music).scan == {}


def test_moving_the_album_with_its_sheet_keeps_the_vectors(reprise: Reprise, music: Path) -> None:
    before = titles(reprise)
    (music / "Album").rename(music / "Moved")
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"moved": 4}, 0)
    assert titles(reprise) == before
    (music / "Moved" / "album.flac").rename(music / "Moved" / "renamed.flac")
    (music / "Moved" / "album.cue").write_text(sheet(file="renamed.flac"))
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"moved": 4}, 0)
    assert titles(reprise) == before


def test_a_move_before_anything_was_embedded_is_followed_track_by_track(tmp_path: Path, record: Path) -> None:
    """No digest is known then: size and time are the same for all tracks, so their bounds tell them apart."""
    music, reprise = tmp_path / "music", Reprise(tmp_path / "home")
    (music / "a").mkdir(parents=True)
    shutil.copy(record, music / "a")
    (music / "a" / "album.cue").write_text(sheet())
    from reprise.app import App
    from reprise.settings import load_settings

    with App(load_settings({}, {}, reprise.home)) as app:
        library, _ = app.library_of(music)
        app.scan(library, lambda _event: None)
        before = titles(reprise)
        (music / "a").rename(music / "b")
        numbers = sheet().replace("TRACK 04", "TRACK 05").replace("TRACK 01", "TRACK 04")
        at = (music / "b" / "album.cue").stat().st_mtime_ns
        (music / "b" / "album.cue").write_text(
            numbers.replace("TRACK 05", "TRACK 01")
        )  # first and last exchange
        os.utime(music / "b" / "album.cue", ns=(at, at))
        finished = app.scan(library, lambda _event: None)
    assert (finished.moved, finished.new, finished.missing) == (4, 0, 0)
    assert titles(reprise) == before


def test_without_its_sheet_the_file_is_one_track_again_and_back(reprise: Reprise, music: Path) -> None:
    cue, before = music / "Album" / "album.cue", titles(reprise)
    text, at = cue.read_text(), cue.stat()
    cue.unlink()
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"new": 1, "missing": 4}, 1)
    assert set(reprise.ids) == {"Album/album.flac", "other.mp3"}
    cue.write_text(text)
    os.utime(cue, ns=(at.st_atime_ns, at.st_mtime_ns))
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"returned": 4, "missing": 1}, 0)
    assert titles(reprise) == before
    cue.unlink()
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"returned": 1, "missing": 4}, 0)


def test_moved_bounds_are_new_sound_and_the_others_are_not(reprise: Reprise, music: Path) -> None:
    before = titles(reprise)
    starts = (STARTS[0], "00:03:40", *STARTS[2:])  # the end of the first and the start of the second
    (music / "Album" / "album.cue").write_text(sheet(starts=starts))
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"new": 2, "touched": 2, "missing": 2}, 2)
    after = titles(reprise)
    assert {title for title in TITLES if before[title] == after[title]} == {"Dritte", "Vierte"}
    (music / "Album" / "album.cue").write_text(sheet())
    run = reprise.embed(music)
    assert run.done == 0  # the first bounds again: their vectors were kept
    assert titles(reprise) == before


def test_other_numbers_are_no_other_sound(reprise: Reprise, music: Path) -> None:
    before = titles(reprise)
    text = sheet()
    for number in (4, 3, 2, 1):
        text = text.replace(f"TRACK {number:02}", f"TRACK {number + 10:02}")
    (music / "Album" / "album.cue").write_text(text)
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"moved": 4}, 0)
    assert titles(reprise) == before


def test_other_sound_in_the_file_is_embedded_again(reprise: Reprise, music: Path) -> None:
    before = titles(reprise)
    write_audio(music / "Album" / "album.flac", tune(6, 13.0), RATE)
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"changed": 4}, 4)
    assert titles(reprise) == before


def test_a_bad_sheet_costs_nothing_else_and_is_listed_with_its_cure(reprise: Reprise, music: Path) -> None:
    (music / "Album" / "album.cue").write_text(sheet(file="another.wav"))
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"new": 1, "missing": 4, "problems": 1}, 1)
    (problem,) = [line for line in reprise("errors", "--json").lines if line["event"] == "scan_problem"]
    assert problem["code"] == "cue_sheet"
    assert problem["path"].endswith("Album/album.cue")
    assert problem["reason"] == "it names another.wav, which is not in this folder"
    assert "mend the sheet" in problem["cure"]


def test_a_file_that_cannot_be_looked_at_keeps_its_tracks(reprise: Reprise, music: Path) -> None:
    """As when the disk that a link leads to is away."""
    file, elsewhere = music / "Album" / "album.flac", music.parent / "elsewhere.flac"
    file.rename(elsewhere)
    file.symlink_to(elsewhere)
    assert reprise.embed(music).scan == {}
    elsewhere.rename(music.parent / "away")
    run = reprise.embed(music)
    assert (run.scan, run.done) == ({"problems": 1}, 0)
    assert set(titles(reprise)) == set(TITLES)


def test_a_track_that_cannot_be_decoded_fails_alone(tmp_path: Path, record: Path) -> None:
    music, reprise = tmp_path / "music", Reprise(tmp_path / "home")
    music.mkdir()
    content = record.read_bytes()
    (music / "album.flac").write_bytes(content[: len(content) // 2])
    (music / "album.cue").write_text(sheet())
    run = reprise.embed(music, code=1)
    assert run.done == 2
    failures = [line for line in reprise("errors", "--json").lines if line["event"] == "failure"]
    assert {line["code"] for line in failures} == {"truncated"}
    assert {line["path"] for line in failures} == {"album.flac, track 3", "album.flac, track 4"}


def test_excluding_sheets_is_the_way_not_to_use_them(reprise: Reprise, music: Path) -> None:
    run = reprise.embed(music, "--exclude", "*.cue")
    assert (run.scan, run.done) == ({"new": 1, "missing": 4}, 1)


def test_a_dry_run_counts_tracks_and_their_length(tmp_path: Path, record: Path) -> None:
    music, reprise = tmp_path / "music", Reprise(tmp_path / "home")
    music.mkdir()
    shutil.copy(record, music)
    (music / "album.cue").write_text(sheet())
    (estimate,) = reprise("embed", music, "--dry-run", "--json").lines
    assert (estimate["items"], estimate["to_do"]) == (4, 4)
    assert estimate["audio_seconds"] == pytest.approx(13.0, abs=0.1)


def test_nothing_that_people_or_programs_read_holds_a_nul(tmp_path: Path, record: Path) -> None:
    music, reprise = tmp_path / "music", Reprise(tmp_path / "home")
    music.mkdir()
    (music / "album.flac").write_bytes(record.read_bytes()[:60_000])
    (music / "album.cue").write_text(sheet())
    said = [
        reprise.embed(music, code=1),
        reprise("errors"),
        reprise("errors", "--json"),
        reprise("explain", "Erste", "--json"),
        reprise("status"),
        reprise("similar", "The Band", code=2),
        reprise("embed", music, "--log-level", "debug", code=1),
    ]
    for result in said:
        for text in (result.out, result.err):
            assert "\0" not in text
            assert "\\u0000" not in text
            assert "\ufffd" not in text


def test_owners_do_not_see_each_others_tracks(reprise: Reprise, music: Path) -> None:
    other = reprise("similar", "Zweite", "--owner", "somebody", code=2)
    assert "no track of 'somebody'" in other.err
    run = reprise("embed", music, "--json", "--owner", "somebody")
    assert run.done == 5
    rows = reprise.read("SELECT owner, COUNT(*) FROM items GROUP BY owner ORDER BY owner")
    assert rows == [("default", 5), ("somebody", 5)]
