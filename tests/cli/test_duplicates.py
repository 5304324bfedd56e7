"""``reprise duplicates`` on real files: found with evidence, nothing touched."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.core.items import Tags
from reprise.demo.compose import render
from reprise.demo.encode import write_audio
from reprise.demo.styles import style_named
from tests.cli.conftest import Reprise

if TYPE_CHECKING:
    from pathlib import Path

RATE = 32_000
SECONDS = 15.0


@dataclass(frozen=True)
class Shop:
    music: Path
    reprise: Reprise

    def files(self) -> dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.music.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A song twice, its live version and another song, analysed once. Do not change."""
    music = tmp_path_factory.mktemp("shop") / "music"
    for folder in ("Old", "New"):
        (music / folder).mkdir(parents=True)
    song = render(style_named("house"), 1, SECONDS, RATE).samples
    silence = np.zeros((round(1.5 * RATE), 2), np.float32)
    tags = Tags(title="Harbour", artist="Vega", duration=SECONDS)
    write_audio(music / "Old/harbour.flac", song, RATE, tags=tags)
    write_audio(
        music / "New/harbour.mp3", np.concatenate([silence, song * np.float32(0.5)]), RATE, tags=tags, kbps=96
    )
    write_audio(music / "Old/valve.ogg", render(style_named("techno"), 1, SECONDS, RATE).samples, RATE)
    reprise = Reprise(music.parent / "home")
    reprise("analyze", music)
    return Shop(music, reprise)


def test_the_same_recording_is_reported_and_nothing_is_touched(analysed: Shop) -> None:
    before = analysed.files()
    result = analysed.reprise("duplicates", "--json")
    group, last = result.lines
    assert last == {"event": "duplicates_found", "tracks": 3, "same_recording": 1, "part": 0, "alike": 0}
    assert (group["event"], group["kind"]) == ("duplicates", "same_recording")
    assert 0.75 <= group["certainty"] <= 1.0
    by_format = {item["format"]: item for item in group["items"]}
    assert set(by_format) == {"flac", "mp3"}
    assert by_format["mp3"]["path"] == str(analysed.music / "New/harbour.mp3")
    assert by_format["flac"]["kbps"] > by_format["mp3"]["kbps"] > 60
    (evidence,) = group["evidence"]
    assert abs(evidence["offset_seconds"]) == pytest.approx(1.5, abs=0.1)
    assert evidence["overlap_seconds"] > 10
    assert evidence["cosine"] > 0.93
    assert abs(evidence["seconds_apart"]) == pytest.approx(1.5, abs=0.1)
    assert analysed.files() == before


def test_people_read_what_it_is_and_why(analysed: Shop) -> None:
    out = analysed.reprise("duplicates").out
    assert "1. the same recording, certainty 0." in out
    assert "Old/harbour.flac" in out
    assert "% of the fingerprint over" in out
    assert "3 tracks compared: 1 × the same recording" in out


def test_a_folder_shows_the_groups_that_it_has_a_part_in(analysed: Shop) -> None:
    reprise = analysed.reprise
    assert len(reprise("duplicates", analysed.music / "New", "--json").lines) == 2
    assert reprise("duplicates", analysed.music, "-n", "0").out.count("certainty") == 1
    elsewhere = reprise("duplicates", analysed.music.parent, code=2)
    assert "no library of 'default' holds a folder" in elsewhere.err


def test_another_owner_has_no_duplicates(analysed: Shop) -> None:
    result = analysed.reprise("duplicates", "--owner", "other", "--json", code=2)
    assert result.event("error")["code"] == "not_found"


def test_before_anything_is_analysed_the_cure_is_said(
    reprise: Reprise, tmp_path: Path, analysed: Shop
) -> None:
    shutil.copytree(analysed.music, tmp_path / "music")
    reprise("scan", tmp_path / "music")
    result = reprise("duplicates", tmp_path / "music", code=2)
    assert "no track has been analysed yet" in result.err
    assert f"cure: run: reprise analyze {tmp_path / 'music'}" in result.err
