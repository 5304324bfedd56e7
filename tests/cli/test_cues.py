"""``reprise cues``: what was heard as a table, as lines, and as a collection for Rekordbox."""

from __future__ import annotations

import os
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import pytest

from reprise.core.items import Tags
from reprise.demo.encode import write_audio
from tests.analysis.arranged import Arranged, arrange
from tests.cli.conftest import Reprise

if TYPE_CHECKING:
    from pathlib import Path

RATE = 22_050


@dataclass(frozen=True)
class Booth:
    music: Path
    reprise: Reprise
    track: Arranged


@pytest.fixture(scope="module")
def booth(tmp_path_factory: pytest.TempPathFactory) -> Booth:
    """Two tracks, one of them with a name that is not UTF-8, analysed once. Do not change."""
    folder = tmp_path_factory.mktemp("booth")
    music = folder / "my music"
    (music / "Sets").mkdir(parents=True)
    track = arrange([("beat", 8), ("full", 16), ("break", 16), ("full", 16)], 128.0, silence=1.0)
    tags = Tags(title="Gauge & Co", artist="Kessel 9", album="Pressure", genre="Techno", duration=106.0)
    write_audio(music / "Sets/gauge #1.flac", track.samples, RATE, tags=tags)
    write_audio(folder / "odd.wav", track.samples[: 20 * RATE], RATE)
    os.rename(os.fsencode(folder / "odd.wav"), os.fsencode(music) + b"/odd\xff.wav")
    reprise = Reprise(folder / "home")
    reprise("analyze", music)
    return Booth(music, reprise, track)


def gauge(booth: Booth) -> dict[str, Any]:
    (line,) = [
        line for line in booth.reprise("cues", booth.music, "--json").lines if line["title"] == "Gauge & Co"
    ]
    return line


def test_each_track_is_a_line(booth: Booth) -> None:
    line = gauge(booth)
    assert (line["event"], line["artist"]) == ("cues", "Kessel 9")
    assert line["path"] == str(booth.music / "Sets/gauge #1.flac")
    assert [cue["slot"] for cue in line["cues"]] == list(range(len(line["cues"])))
    seconds = {cue["kind"]: cue["seconds"] for cue in line["cues"]}
    starts, bar = booth.track.starts, booth.track.bar
    assert seconds["intro"] == pytest.approx(1.0, abs=bar / 2)
    assert seconds["breakdown"] == pytest.approx(starts[2], abs=bar)
    assert seconds["drop"] == pytest.approx(starts[3], abs=bar)
    assert len(booth.reprise("cues", booth.music / "Sets", "--json").lines) == 1


def test_people_see_minutes(booth: Booth) -> None:
    out = booth.reprise("cues", booth.music).out
    assert "Kessel 9 - Gauge & Co" in out
    assert "1:1" in out  # the drop at 76 s


def test_the_collection_holds_what_was_heard(booth: Booth, tmp_path: Path) -> None:
    target = tmp_path / "cues.xml"
    result = booth.reprise("cues", booth.music, "--rekordbox", target, "--json")
    left_out, last = result.lines
    assert (left_out["event"], left_out["reason"]) == ("left_out", "its name is not UTF-8")
    assert last == {"event": "cues_exported", "file": str(target), "tracks": 1, "left_out": 1}
    line = gauge(booth)
    collection = ET.parse(target).getroot()[1]
    (one,) = collection
    assert collection.attrib["Entries"] == "1"
    assert (one.attrib["Name"], one.attrib["TrackID"]) == ("Gauge & Co", str(line["item_id"]))
    assert one.attrib.get("Tonality") == line["key"]
    assert one.attrib.get("AverageBpm") == (f"{line['bpm']:.2f}" if line["bpm"] else None)
    place = unquote_to_bytes(one.attrib["Location"].removeprefix("file://localhost"))
    assert os.path.samefile(place, booth.music / "Sets/gauge #1.flac")
    marks = one.findall("POSITION_MARK")
    assert [mark.attrib["Num"] for mark in marks] == [str(cue["slot"]) for cue in line["cues"]]
    starts = [float(mark.attrib["Start"]) for mark in marks]
    assert starts == pytest.approx([cue["seconds"] for cue in line["cues"]], abs=0.001)
    grid = one.find("TEMPO")
    assert (grid is None) == (line["first_beat"] is None)
    if grid is not None:
        assert float(grid.attrib["Inizio"]) == pytest.approx(line["first_beat"], abs=0.001)


def test_a_file_that_is_there_is_kept_unless_forced(booth: Booth, tmp_path: Path) -> None:
    target = tmp_path / "cues.xml"
    target.write_text("mine")
    result = booth.reprise("cues", booth.music, "--rekordbox", target, code=2)
    assert "is there already" in result.err
    assert target.read_text() == "mine"
    told = booth.reprise("cues", booth.music, "--rekordbox", target, "--force")
    assert "1 track written" in told.err
    assert "left out, its name is not UTF-8: odd" in told.err
    assert ET.parse(target).getroot().tag == "DJ_PLAYLISTS"


def test_before_anything_is_analysed_the_cure_is_said(reprise: Reprise, booth: Booth) -> None:
    reprise("scan", booth.music)
    result = reprise("cues", booth.music, code=2)
    assert "has been analysed yet" in result.err
    assert "cure: run: reprise analyze" in result.err
    assert "holds a folder" in reprise("cues", booth.music.parent, code=2).err
