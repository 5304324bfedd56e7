"""Scan: what happens to files, and that only a changed sound costs a model call."""

from __future__ import annotations

import importlib
import os
import shutil
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from reprise.app import App
from reprise.engine.scan import Scan
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Reprise, Studio

# They have no types.
mutagen: Any = importlib.import_module("mutagen")
id3: Any = importlib.import_module("mutagen.id3")
wave: Any = importlib.import_module("mutagen.wave")

TRACKS = (
    "Amber/one.mp3",
    "Amber/two.flac",
    "Amber/three.m4a",
    "Blue/four.ogg",
    "Blue/five.opus",
    "Blue/six.wav",
)


def retag(path: Path, title: str) -> None:
    """Write another title with another program than ours."""
    if path.suffix == ".wav":
        file = wave.WAVE(path)
        file.add_tags()
        file.tags["TIT2"] = id3.TIT2(encoding=3, text=title)
        file.save()
        return
    file = mutagen.File(path, easy=True)
    file["title"] = title
    file.save()


def age(reprise: Reprise, days: float) -> None:
    """Let time pass for what is missing."""
    with closing(sqlite3.connect(reprise.home / "catalogue.sqlite")) as connection:
        connection.execute("UPDATE items SET missing_since = missing_since - ?", (days * 86_400,))
        connection.commit()


def titles(reprise: Reprise) -> dict[str, str]:
    return {os.fsdecode(path): title for path, title in reprise.read("SELECT path, title FROM items")}


def vectors(reprise: Reprise) -> int:
    return sum(line["vectors"] for line in reprise("spaces", "verify", "--json").lines)


def test_a_second_run_does_nothing_and_says_so(studio: Studio) -> None:
    again = studio.reprise("embed", studio.music)
    assert "nothing changed" in again.err
    assert "nothing to do: 6 operations up to date" in again.err
    assert again.out == ""
    machine = studio.embed()
    assert machine.scan == {}
    assert machine.event("job_finished")["operations"] == {"total": 6, "done": 0, "skipped": 6, "failed": 0}


def test_a_new_file_is_the_only_one_computed(studio: Studio, render: Callable[..., Path]) -> None:
    before = studio.reprise.ids
    render(studio.music / "Cyan/seven.flac", 7)
    result = studio.embed()
    assert (result.scan, result.done) == ({"new": 1}, 1)
    assert before.items() <= studio.reprise.ids.items()


def test_a_changed_file_is_the_only_one_computed_and_keeps_its_id(
    studio: Studio, render: Callable[..., Path]
) -> None:
    before = studio.reprise.ids
    render(studio.music / TRACKS[0], 70, seconds=3)
    result = studio.embed()
    assert (result.scan, result.done) == ({"changed": 1}, 1)
    assert studio.reprise.ids == before


def test_other_sound_of_the_same_size_is_noticed(studio: Studio, render: Callable[..., Path]) -> None:
    path = studio.music / "Blue/six.wav"
    size = path.stat().st_size
    render(path, 71)
    assert path.stat().st_size == size
    result = studio.embed()
    assert (result.scan, result.done) == ({"changed": 1}, 1)


def test_touched_files_cost_nothing(studio: Studio) -> None:
    for name in TRACKS:
        os.utime(studio.music / name, (1e9, 1e9))
    result = studio.embed()
    assert (result.scan, result.done) == ({"touched": 6}, 0)
    assert studio.embed().scan == {}


def test_retagging_any_format_costs_nothing_and_is_seen(studio: Studio) -> None:
    before = studio.reprise.ids
    for name in TRACKS:
        retag(studio.music / name, f"Another {name}")
    result = studio.embed()
    assert (result.scan, result.done) == ({"retagged": 6}, 0)
    assert studio.reprise.ids == before
    assert titles(studio.reprise) == {name: f"Another {name}" for name in TRACKS}


def test_renamed_and_moved_files_keep_their_ids(studio: Studio) -> None:
    before = studio.reprise.ids
    os.rename(studio.music / "Amber/one.mp3", studio.music / "Amber/first.mp3")
    (studio.music / "Deep/er").mkdir(parents=True)
    os.rename(studio.music / "Blue/six.wav", studio.music / "Deep/er/six.wav")
    result = studio.embed()
    assert (result.scan, result.done) == ({"moved": 2}, 0)
    assert studio.reprise.ids["Amber/first.mp3"] == before["Amber/one.mp3"]
    assert studio.reprise.ids["Deep/er/six.wav"] == before["Blue/six.wav"]


def test_a_renamed_folder_costs_nothing(studio: Studio) -> None:
    before = studio.reprise.ids
    os.rename(studio.music / "Amber", studio.music / "Zinc")
    result = studio.embed()
    assert (result.scan, result.done) == ({"moved": 3}, 0)
    assert studio.reprise.ids == {name.replace("Amber", "Zinc"): item for name, item in before.items()}


def test_renamed_and_retagged_at_once_keeps_the_id(studio: Studio) -> None:
    before = studio.reprise.ids
    for name in TRACKS:
        path = studio.music / name
        retag(path, "quite another title, and a longer one")
        os.rename(path, path.with_name(f"new {path.name}"))
    result = studio.embed()
    assert (result.scan, result.done) == ({"moved": 6}, 0)
    assert set(studio.reprise.ids.values()) == set(before.values())


def test_case_only_renames_cost_nothing(studio: Studio) -> None:
    before = studio.reprise.ids
    os.rename(studio.music / "Amber/one.mp3", studio.music / "Amber/ONE.mp3")
    result = studio.embed()
    assert result.done == 0
    assert studio.reprise.ids["Amber/ONE.mp3"] == before["Amber/one.mp3"]


def test_a_copy_is_another_item(studio: Studio) -> None:
    before = studio.reprise.ids
    shutil.copy2(studio.music / "Amber/two.flac", studio.music / "Amber/copy.flac")
    result = studio.embed()
    assert (result.scan, result.done) == ({"new": 1}, 1)
    assert studio.reprise.ids["Amber/two.flac"] == before["Amber/two.flac"]
    best = studio.reprise("similar", studio.music / "Amber/two.flac", "-n", 1, "--json").lines[0]
    assert best["item_id"] == studio.reprise.ids["Amber/copy.flac"]
    assert best["score"] == pytest.approx(1.0, abs=1e-4)


def swap(first: Path, second: Path) -> None:
    aside = first.with_name("aside")
    os.rename(first, aside)
    os.rename(second, first)
    os.rename(aside, second)


def test_files_that_swap_names_swap_ids_and_cost_nothing(studio: Studio) -> None:
    before = studio.reprise.ids
    swap(studio.music / "Amber/two.flac", studio.music / "Blue/six.wav")
    result = studio.embed()
    assert (result.scan, result.done) == ({"moved": 2}, 0)
    after = studio.reprise.ids
    assert after["Amber/two.flac"] == before["Blue/six.wav"]
    assert after["Blue/six.wav"] == before["Amber/two.flac"]
    assert titles(studio.reprise)["Blue/six.wav"] == "Two"
    assert studio.embed().scan == {}


def test_names_that_move_in_a_circle_cost_nothing(studio: Studio) -> None:
    before = studio.reprise.ids
    swap(studio.music / TRACKS[0], studio.music / TRACKS[1])
    swap(studio.music / TRACKS[1], studio.music / TRACKS[2])
    result = studio.embed()
    assert (result.scan, result.done) == ({"moved": 3}, 0)
    after = studio.reprise.ids
    expected = {TRACKS[0]: TRACKS[1], TRACKS[1]: TRACKS[2], TRACKS[2]: TRACKS[0]}
    assert {name: after[name] for name in expected} == {new: before[old] for new, old in expected.items()}


def test_a_file_moved_over_another_keeps_its_id_and_the_other_waits(studio: Studio) -> None:
    before = studio.reprise.ids
    saved = (studio.music / "Blue/six.wav").read_bytes()
    os.replace(studio.music / "Amber/two.flac", studio.music / "Blue/six.wav")
    result = studio.embed()
    assert (result.scan, result.done) == ({"moved": 1, "missing": 1}, 0)
    assert studio.reprise.ids["Blue/six.wav"] == before["Amber/two.flac"]
    assert studio.reprise.missing == {before["Blue/six.wav"]}
    (studio.music / "Blue/back.wav").write_bytes(saved)
    back = studio.embed()
    assert (back.scan, back.done) == ({"moved": 1}, 0)
    assert studio.reprise.ids["Blue/back.wav"] == before["Blue/six.wav"]


def test_a_backup_beside_an_edited_file_costs_one_call(studio: Studio, render: Callable[..., Path]) -> None:
    before = studio.reprise.ids
    path = studio.music / "Blue/six.wav"
    os.rename(path, studio.music / "Blue/six before.wav")
    render(path, 72)
    result = studio.embed()
    assert result.done == 1
    assert studio.reprise.ids["Blue/six before.wav"] == before["Blue/six.wav"]
    assert set(studio.reprise.ids) == {*TRACKS, "Blue/six before.wav"}


def test_swapped_and_one_of_them_edited_costs_one_call(studio: Studio, render: Callable[..., Path]) -> None:
    before = studio.reprise.ids
    swap(studio.music / "Amber/two.flac", studio.music / "Blue/six.wav")
    render(studio.music / "Blue/six.wav", 73)
    result = studio.embed()
    assert result.done == 1
    assert studio.reprise.ids["Amber/two.flac"] == before["Blue/six.wav"]
    assert set(studio.reprise.ids) == set(TRACKS)
    assert vectors(studio.reprise) == 6


def test_a_deleted_file_waits_and_its_return_costs_nothing(studio: Studio) -> None:
    before = studio.reprise.ids
    path = studio.music / "Amber/one.mp3"
    aside = studio.music.parent / "aside.mp3"
    os.rename(path, aside)
    gone = studio.embed()
    assert gone.scan == {"missing": 1}
    assert gone.event("job_finished")["operations"]["total"] == 5
    listed = {line["path"] for line in studio.reprise("similar", "Two", "--json").lines}
    assert str(path) not in listed
    assert studio.embed().scan == {}
    os.rename(aside, path)
    back = studio.embed()
    assert (back.scan, back.done) == ({"returned": 1}, 0)
    assert studio.reprise.ids == before


def test_a_file_that_returns_elsewhere_costs_nothing(studio: Studio) -> None:
    before = studio.reprise.ids
    aside = studio.music.parent / "aside.flac"
    os.rename(studio.music / "Amber/two.flac", aside)
    studio.embed()
    retag(aside, "Back again")
    os.rename(aside, studio.music / "Blue/back.flac")
    back = studio.embed()
    assert (back.scan, back.done) == ({"moved": 1}, 0)
    assert studio.reprise.ids["Blue/back.flac"] == before["Amber/two.flac"]


def test_what_is_gone_for_longer_than_the_grace_period_is_forgotten_with_its_vector(studio: Studio) -> None:
    gone = studio.reprise.ids["Amber/one.mp3"]
    (studio.music / "Amber/one.mp3").unlink()
    studio.embed()
    assert vectors(studio.reprise) == 6
    age(studio.reprise, days=29)
    assert studio.embed().scan == {}
    age(studio.reprise, days=2)
    result = studio.embed()
    assert (result.scan, result.done) == ({"removed": 1}, 0)
    assert vectors(studio.reprise) == 5
    assert studio.reprise.read("SELECT COUNT(*) FROM ledger WHERE item_id = ?", gone) == [(0,)]
    assert studio.reprise("spaces", "verify", "--json").lines[0]["good"]


def test_an_empty_root_is_refused_and_nothing_is_marked_missing(studio: Studio) -> None:
    shutil.move(studio.music, studio.music.with_name("unmounted"))
    studio.music.mkdir()
    result = studio.embed(code=2)
    assert result.event("error")["code"] == "library"
    assert "6 files" in result.event("error")["message"]
    assert "mount the disk" in result.event("error")["cure"]
    assert studio.reprise.missing == set()
    studio.music.rmdir()
    gone = studio.embed(code=2)
    assert "does not exist" in gone.event("error")["message"]
    assert studio.reprise.missing == set()
    shutil.move(studio.music.with_name("unmounted"), studio.music)
    again = studio.embed()
    assert (again.scan, again.done) == ({}, 0)


def test_links_and_loops_are_walked_once(reprise: Reprise, tracks: Path, tmp_path: Path) -> None:
    music = tmp_path / "music"
    shutil.copytree(tracks, music)
    (music / "Amber/loop").symlink_to(music, target_is_directory=True)
    (music / "self").symlink_to("self")
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy2(tracks / "Blue/six.wav", other / "linked.wav")
    (music / "Other").symlink_to(other, target_is_directory=True)
    (music / "file link.mp3").symlink_to(music / "Amber/one.mp3")
    (music / "broken.mp3").symlink_to(music / "nothing.mp3")
    result = reprise.embed(music)
    assert set(reprise.ids) == {*TRACKS, "Other/linked.wav", "file link.mp3"}
    assert result.scan == {"new": 8, "problems": 1}
    problem = reprise("errors", "--json").event("scan_problem")
    assert problem["code"] == "broken_link"
    assert problem["cure"]
    unfollowed = Reprise_like(reprise, tmp_path / "second", follow_links="no")
    unfollowed.embed(music)
    assert set(unfollowed.ids) == {*TRACKS, "file link.mp3"}


def test_a_linked_disk_that_is_away_is_not_taken_for_deleted(
    reprise: Reprise, tracks: Path, tmp_path: Path
) -> None:
    music, disk = tmp_path / "music", tmp_path / "disk"
    shutil.copytree(tracks / "Amber", music / "Amber")
    shutil.copytree(tracks / "Blue", disk)
    (music / "Disk").symlink_to(disk, target_is_directory=True)
    reprise.embed(music)
    disk.rename(tmp_path / "away")
    away = reprise.embed(music)
    assert (away.scan, reprise.missing) == ({"problems": 1}, set())
    (tmp_path / "away").rename(disk)
    back = reprise.embed(music)
    assert (back.scan, back.done) == ({}, 0)


def test_moves_are_found_although_the_scan_before_was_killed_in_the_middle(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = studio.reprise.ids
    os.rename(studio.music / "Amber", studio.music / "Copper")

    def die(self: Scan, now: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Scan, "_follow_moves", die)
    with App(load_settings({}, home=studio.reprise.home)) as app, pytest.raises(KeyboardInterrupt):
        app.scan(app.catalogue().libraries.all(app.owner)[0], lambda event: None)
    monkeypatch.undo()
    after = studio.embed()
    assert (after.scan["moved"], after.done) == (3, 0)
    assert studio.reprise.ids["Copper/one.mp3"] == before["Amber/one.mp3"]


def Reprise_like(reprise: Reprise, home: Path, **settings: str) -> Reprise:  # noqa: N802
    return type(reprise)(home, settings)


def test_exclusion_is_remembered_changed_and_taken_back(studio: Studio) -> None:
    excluded = studio.embed("--exclude", "*.wav", "--exclude", "Amber/")
    assert excluded.scan == {"missing": 4}
    assert set(studio.reprise.ids) == {"Blue/four.ogg", "Blue/five.opus"}
    assert studio.embed().scan == {}
    changed = studio.embed("--exclude", "*.wav")
    assert (changed.scan, changed.done) == ({"returned": 3}, 0)
    listed = studio.reprise("libraries", "--json").lines[0]
    assert listed["exclude"] == ["*.wav"]
    cleared = studio.embed("--exclude", "")
    assert (cleared.scan, cleared.done) == ({"returned": 1}, 0)
    assert studio.reprise("libraries", "--json").lines[0]["exclude"] == []


@pytest.mark.parametrize("pattern", ["!", "[z-a]"])
def test_a_wrong_pattern_is_refused_and_not_remembered(studio: Studio, pattern: str) -> None:
    refused = studio.embed("--exclude", pattern, code=2)
    assert "pattern is wrong" in refused.event("error")["message"]
    assert studio.embed().scan == {}


def test_patterns_that_leave_nothing_are_named(studio: Studio) -> None:
    refused = studio.embed("--exclude", "*", code=2)
    assert "exclude: *" in refused.event("error")["cure"]
    assert studio.reprise.missing == set()


def test_a_subfolder_of_a_library_is_a_scope_of_it(studio: Studio, render: Callable[..., Path]) -> None:
    render(studio.music / "Amber/new.flac", 8)
    render(studio.music / "Blue/new.flac", 9)
    result = studio.reprise.embed(studio.music / "Amber")
    assert result.event("job_finished")["operations"] == {"total": 4, "done": 1, "skipped": 3, "failed": 0}
    assert len(studio.reprise("libraries", "--json").lines) == 1
    assert studio.embed().done == 1


def test_a_folder_around_a_library_is_refused(studio: Studio) -> None:
    refused = studio.reprise.embed(studio.music.parent, code=2)
    assert "contains the library" in refused.event("error")["message"]
    assert "libraries remove 1" in refused.event("error")["cure"]
    assert len(studio.reprise("libraries", "--json").lines) == 1


def test_two_libraries_stay_apart(studio: Studio, tracks: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    shutil.copytree(tracks / "Blue", second)
    assert studio.reprise.embed(second).done == 3
    listed = studio.reprise("libraries", "--json").lines
    assert [(line["name"], line["items"]) for line in listed] == [("music", 6), ("second", 3)]
    removed = studio.reprise("libraries", "remove", 1, "--yes")
    assert "forgot 6 items; the files are untouched" in removed.out
    assert (studio.music / "Amber/one.mp3").exists()
    assert vectors(studio.reprise) == 3
    again = studio.reprise.embed(second)
    assert (again.scan, again.done) == ({}, 0)


def test_two_owners_of_one_folder_do_not_see_each_other(studio: Studio) -> None:
    other = studio.embed("--owner", "ada")
    assert other.done == 6
    mine, hers = (
        studio.reprise("status", "--json").lines[0],
        studio.reprise("status", "--json", "--owner", "ada"),
    )
    assert mine["models"][0]["vectors"] == hers.lines[0]["models"][0]["vectors"] == 6
    my_ids = {row[0] for row in studio.reprise.read("SELECT id FROM items WHERE owner = 'default'")}
    found = studio.reprise("similar", "One", "--json").lines
    assert {line["item_id"] for line in found} < my_ids
    her_id = studio.reprise.read("SELECT id FROM items WHERE owner = 'ada'")[0][0]
    studio.reprise("explain", her_id, code=2)
    studio.reprise("libraries", "remove", 2, "--yes", code=2)
    studio.reprise("libraries", "remove", 2, "--yes", "--owner", "ada")
    assert studio.embed().done == 0


def test_the_order_in_which_files_were_made_does_not_matter(
    reprise: Reprise, tracks: Path, tmp_path: Path
) -> None:
    """The same files, found in three rounds or at once, give the same neighbours."""
    at_once, in_rounds = tmp_path / "at once", tmp_path / "rounds"
    shutil.copytree(tracks, at_once)
    reprise.embed(at_once)
    other = Reprise_like(reprise, tmp_path / "other")
    for names in (TRACKS[4:], TRACKS[:2], TRACKS[2:4]):
        for name in names:
            (in_rounds / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(tracks / name, in_rounds / name)
        other.embed(in_rounds)

    def neighbours(one: Reprise, folder: Path) -> list[tuple[str, float]]:
        found = one("similar", folder / TRACKS[0], "--json").lines
        return [(line["title"], line["score"]) for line in found]

    assert neighbours(reprise, at_once) == neighbours(other, in_rounds)


def test_since_selects_what_changed_after_a_moment(studio: Studio, render: Callable[..., Path]) -> None:
    for form in ("2100-01-01", "2100-01-01T10:30", "2100-01-01 10:30:00", "2100-01-01T10:30:00+02:00"):
        assert studio.embed("--force", "--since", form).event("job_finished")["operations"]["total"] == 0
    moment = time.strftime("%Y-%m-%dT%H:%M:%S")
    render(studio.music / "new.wav", 10)
    result = studio.embed("--force", "--since", moment)
    assert result.event("job_finished")["operations"]["total"] == 1
    for form in ("yesterday", "2026-13-40", "", "0001-01-01T00:00+23:59"):
        assert "cure" in studio.embed("--since", form, code=2).event("error")
