"""``reprise analyze`` as a person and as a script use it."""

from __future__ import annotations

import signal
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.core.analysis import Analysis
from reprise.core.items import Tags
from reprise.demo.encode import write_audio
from reprise.media.tags import read_tags
from tests.cli.conftest import PATIENCE_SECONDS, RATE, TRACKS, Reprise, tune

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BPM = 126.0
FACTS = {"seconds", "whole", "tempo", "key", "loudness", "lead_silence", "tail_silence", "tuning", "cues"}


@pytest.fixture
def music(tracks: Path, tmp_path: Path) -> Path:
    """Six short tracks in six formats, to be changed as a test likes."""
    import shutil

    return shutil.copytree(tracks, tmp_path / "music")


def beats(seconds: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Kick drum and hats at 126 BPM under a chord of A minor."""
    at = np.arange(round(seconds * RATE)) / RATE
    beat, off = np.mod(at, 60 / BPM), np.mod(at + 30 / BPM, 60 / BPM)
    kick = 0.5 * np.sin(2 * np.pi * (50 + 60 * np.exp(-beat / 0.03)) * beat) * np.exp(-beat / 0.12)
    hat = 0.1 * np.random.default_rng(1).standard_normal(len(at)) * np.exp(-off / 0.03)
    chord = sum(0.06 * np.sin(2 * np.pi * hertz * at) for hertz in (220.0, 261.63, 329.63, 440.0))
    return np.asarray(kick + hat + chord, np.float32)


def analyze(reprise: Reprise, folder: Path, *arguments: object, code: int = 0) -> list[dict[str, Any]]:
    return reprise("analyze", folder, "--json", *arguments, code=code).lines


def heard(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == "analysis"]


def test_scripts_get_a_line_for_each_track_and_the_end_stays_the_end(reprise: Reprise, music: Path) -> None:
    lines = analyze(reprise, music)
    assert lines[-1]["event"] == "job_finished"
    assert lines[-1]["operations"] == {"total": 6, "done": 6, "skipped": 0, "failed": 0}
    assert [line["event"] for line in lines].count("job_finished") == 1
    found = heard(lines)
    assert [line["path"] for line in found] == sorted(str(music / name) for name in TRACKS)
    assert all(line.keys() >= FACTS | {"item_id", "artist", "title"} for line in found)
    assert {line["artist"] for line in found} == {"Amber", "Blue", None}
    assert lines[-7:-1] == found
    for line in found:
        facts = {name: line[name] for name in FACTS}
        assert Analysis.from_dict(facts).as_dict() == facts
        assert line["loudness"] is not None
        assert line["whole"]


def test_what_was_heard_is_not_heard_again(reprise: Reprise, music: Path) -> None:
    first = analyze(reprise, music)
    again = analyze(reprise, music)
    assert again[-1]["operations"]["done"] == 0
    assert heard(again) == heard(first)
    assert reprise.read("SELECT COUNT(*) FROM analyses") == [(6,)]
    forced = analyze(reprise, music, "--force")
    assert forced[-1]["operations"]["done"] == 6
    assert heard(forced) == heard(first)


def test_a_table_for_people(reprise: Reprise, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    tags = Tags(artist="The Beaters", title="[Straight] On")
    write_audio(folder / "a.flac", beats(30), RATE, tags=tags)
    told = reprise("analyze", folder)
    head, row = told.out.splitlines()
    assert head.split() == ["track", "BPM", "key", "LUFS", "peak", "dBTP", "silence", "s", "cues"]
    assert row.startswith("The Beaters - [Straight] On")
    assert "Am 8A" in row
    (line,) = heard(analyze(reprise, folder))
    tempi = [line["tempo"]["bpm"], *(other["bpm"] for other in line["tempo"]["alternatives"])]
    assert any(abs(bpm / BPM - 1) < 0.01 for bpm in tempi)
    assert f"{line['tempo']['bpm']:.1f} ({line['tempo']['alternatives'][0]['bpm']:.1f})" in row
    assert f"{line['loudness']['integrated']:.1f}" in row
    assert line["key"]["camelot"] == "8A"
    assert "completed: 1 of 1 operation done" in told.err


def test_of_many_tracks_the_first_are_shown_and_how_to_see_the_rest(reprise: Reprise, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    for number in range(51):
        write_audio(folder / f"{number:02}.wav", tune(number, 0.6), RATE)
    told = reprise("analyze", folder)
    assert len(told.out.splitlines()) == 1 + 20
    assert f"and 31 tracks more: reprise analyze '{folder}' --list" in told.err
    listed = reprise("analyze", folder, "--list")
    assert len(listed.out.splitlines()) == 1 + 51
    assert len(analyze(reprise, folder, "--list")) == 51


def test_listing_listens_to_nothing(reprise: Reprise, music: Path) -> None:
    everything = heard(analyze(reprise, music))
    for name in TRACKS:
        (music / name).write_bytes(b"nobody reads this")
    assert analyze(reprise, music, "--list") == everything
    blue = analyze(reprise, music / "Blue", "--list")
    assert blue == [line for line in everything if "/Blue/" in line["path"]]
    told = reprise("analyze", music / "Blue", "--list")
    assert len(told.out.splitlines()) == 1 + 3
    assert reprise.read("SELECT COUNT(*) FROM jobs") == [(1,)]


def test_listing_what_no_library_holds(reprise: Reprise, music: Path, tmp_path: Path) -> None:
    analyze(reprise, music)
    (tmp_path / "elsewhere").mkdir()
    (line,) = analyze(reprise, tmp_path / "elsewhere", "--list", code=2)
    assert (line["event"], line["code"]) == ("error", "not_found")
    assert reprise.read("SELECT COUNT(*) FROM libraries") == [(1,)]


def test_a_folder_of_a_library(reprise: Reprise, music: Path) -> None:
    analyze(reprise, music / "Amber")
    lines = analyze(reprise, music / "Amber", "--dry-run")
    assert [(line["event"], line["model"], line["to_do"]) for line in lines] == [("estimate", "analysis", 0)]


def test_a_dry_run_changes_nothing(reprise: Reprise, music: Path) -> None:
    told = reprise("analyze", music, "--dry-run")
    assert "analysis: 6 of 6 operations (6 new)" in told.out
    assert not (reprise.home / "catalogue.sqlite").exists()


def test_fast_hears_the_middle_of_long_tracks(reprise: Reprise, tmp_path: Path) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    write_audio(folder / "long.flac", beats(120), RATE)
    write_audio(folder / "short.flac", beats(20), RATE)
    long, short = heard(analyze(reprise, folder, "--fast"))
    assert (long["whole"], short["whole"]) == (False, True)
    assert long["seconds"] == pytest.approx(90, abs=0.1)
    assert (long["lead_silence"], long["tail_silence"], long["cues"]) == (None, None, [])
    assert analyze(reprise, folder, "--fast")[-1]["operations"]["done"] == 0
    lines = analyze(reprise, folder)
    assert lines[-1]["operations"]["done"] == 2
    assert [line["whole"] for line in heard(lines)] == [True, True]
    again = analyze(reprise, folder, "--fast")
    assert [line["whole"] for line in heard(again)] == [True, True]  # the whole says more than the part


def test_the_part_can_be_set(music: Path, tmp_path: Path) -> None:
    reprise = Reprise(tmp_path / "home", {"analysis_excerpt": "1"})
    found = heard(analyze(reprise, music))
    assert all(line["seconds"] == pytest.approx(1.0, abs=0.01) for line in found)
    assert not any(line["whole"] for line in found)


def test_only_what_failed_is_tried_again(reprise: Reprise, music: Path) -> None:
    (music / "broken.mp3").write_text("no music")
    lines = analyze(reprise, music, code=1)
    assert lines[-1]["state"] == "completed_with_errors"
    assert len(heard(lines)) == 6
    assert lines[-1]["operations"]["failed"] == 1
    assert analyze(reprise, music, code=1)[-1]["operations"]["done"] == 0
    retried = analyze(reprise, music, "--retry-failed", code=1)
    assert [line["code"] for line in retried if line["event"] == "item_failed"] == ["not_audio"]
    write_audio(music / "broken.mp3", tune(77), RATE)
    assert analyze(reprise, music)[-1]["operations"]["done"] == 1
    told = reprise("analyze", music, "--force", "--retry-failed", code=2)
    assert "give one" in told.err


def test_tags_are_written_when_asked_and_only_then(reprise: Reprise, tmp_path: Path) -> None:
    path = tmp_path / "music" / "a.mp3"
    path.parent.mkdir()
    write_audio(path, beats(30), RATE, tags=Tags(title="Straight On"))
    before = path.read_bytes()
    analyze(reprise, path.parent)
    assert path.read_bytes() == before
    lines = analyze(reprise, path.parent, "--write-tags")
    assert [line["event"] for line in lines[-4:]] == ["analysis", "tags", "tags_finished", "job_finished"]
    assert lines[-2]["written"] == 1
    tags = read_tags(bytes(path))
    assert (tags.key, tags.title) == ("Am", "Straight On")
    again = analyze(reprise, path.parent, "--write-tags")
    assert again[-2]["written"] == 0
    assert again[-1]["operations"]["done"] == 0  # the sound is the same
    assert "tags" in reprise("analyze", path.parent, "--write-tags").err


def test_what_is_left_out_is_left_out(reprise: Reprise, music: Path) -> None:
    found = heard(analyze(reprise, music, "--exclude", "Blue/"))
    assert len(found) == 3


def test_what_was_analysed_can_be_searched_and_explained(reprise: Reprise, music: Path) -> None:
    analyze(reprise, music)
    matches = reprise("similar", "One", "--json").lines
    assert {match["model"] for match in matches} == {"analysis"}
    assert len(matches) == 5
    assert reprise("path", "One", "Five", "--steps", "1", "--json").lines
    assert reprise("radio", "One", "-n", "2", "--json").lines
    told = reprise("explain", "One").out
    assert "loudness" in told
    assert "analysis: done" in told
    facts = reprise("explain", "One", "--json").lines[0]
    assert facts["analysis"] == {
        name: value
        for name, value in next(
            line for line in analyze(reprise, music, "--list") if line["title"] == "One"
        ).items()
        if name in FACTS
    }
    assert "analysis" in reprise("status").out
    assert "analysis" in reprise("models", "show", "analysis").out
    reprise("embed", music, "--model", "acoustic")
    acoustic = reprise("similar", "One", "--json").lines
    assert {match["model"] for match in acoustic} == {"acoustic"}
    assert [(m["item_id"], m["score"]) for m in acoustic] == [(m["item_id"], m["score"]) for m in matches]


def test_nothing_heard_yet_explains_itself(reprise: Reprise, music: Path) -> None:
    reprise("embed", music, "--model", "acoustic")
    assert reprise("explain", "One", "--json").lines[0]["analysis"] is None
    assert "tempo" not in reprise("explain", "One").out
    assert analyze(reprise, music, "--list") == []
    assert reprise("analyze", music, "--list").out == ""


def test_ctrl_c_pauses_and_the_same_command_goes_on(
    reprise: Reprise, tmp_path: Path, render: Callable[..., Path]
) -> None:
    folder = tmp_path / "music"
    for number in range(40):
        render(folder / f"{number:02}.wav", number, seconds=12.0)
    reprise.settings["commit_seconds"] = "0.05"
    process = subprocess.Popen(
        [*reprise.command, "analyze", str(folder), "--json"],
        env=reprise.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if '"progress"' in line:
                break
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert '"analysis"' not in rest.replace('"model": "analysis"', "")
    done = reprise.read("SELECT COUNT(*) FROM analyses")[0][0]
    assert 0 < done < 40
    lines = analyze(reprise, folder)
    assert lines[-1]["operations"]["total"] == 40
    assert len(heard(lines)) == 40
