"""The scoring of a labelled folder: right and wrong rows, files that are not there, near misses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from benchmarks import score_analysis
from benchmarks.scoring import Answer, Truth, certainties, mirex_weight, near, read_truths, score

from reprise.core.musical_key import MusicalKey
from reprise.demo.encode import write_audio

if TYPE_CHECKING:
    from pathlib import Path

RATE = 22_050
A_MINOR = MusicalKey(9, minor=True)


def click_track(bpm: float, seconds: float = 20.0) -> np.ndarray[Any, np.dtype[np.float32]]:
    """A kick-like click on each beat over a chord of A minor."""
    time = np.arange(int(seconds * RATE)) / RATE
    since = np.mod(time, 60.0 / bpm)
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 261.63, 329.63))
    sound = 0.8 * np.sin(2 * np.pi * 70 * since) * np.exp(-since / 0.05) + 0.05 * chord * (
        1 + np.exp(-since / 0.1)
    )
    return np.asarray(sound, np.float32)


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """Three files, of which one is no audio, and a table that also names one that is not there."""
    write_audio(tmp_path / "fast.wav", click_track(140.0), RATE)
    write_audio(tmp_path / "slow.flac", click_track(90.0), RATE)
    (tmp_path / "broken.mp3").write_bytes(b"no music at all" * 50)
    (tmp_path / "truth.csv").write_text(
        "path,bpm,key,style,split\n"
        "fast.wav,140,Am,club,train\n"
        "slow.flac,90,8A,slow,test\n"
        "broken.mp3,120,C,slow,test\n"
        "gone.flac,100,C,slow,test\n"
        "slow.flac,fast,C,slow,test\n"
        "slow.flac,90,H sharp,slow,test\n"
        ",90,C,slow,test\n"
        "slow.flac,nan,C,slow,test\n",
        encoding="utf-8",
    )
    return tmp_path


def scored(folder: Path, *options: str) -> tuple[int, dict[str, Any]]:
    said: list[str] = []
    code = score_analysis.main([str(folder), "--json", "--processes", "1", *options], said.append)
    answer: dict[str, Any] = json.loads(said[-1])
    return code, answer


def test_a_folder_is_scored_and_every_bad_row_named(labelled: Path) -> None:
    code, answer = scored(labelled)
    assert code == 1, "some rows and files failed"
    assert len(answer["faults"]) == 4
    assert any("'fast' is no tempo" in fault for fault in answer["faults"])
    assert any("'H sharp' is no key" in fault for fault in answer["faults"])
    (reprise,) = answer["listeners"]
    assert [row["path"] for row in reprise["failed"]] == ["broken.mp3", "gone.flac"]
    assert "no such file" in reprise["failed"][1]["reason"]
    everything = reprise["groups"]["all"]
    assert everything["tracks"] == 4
    assert everything["failed"] == 2
    assert everything["octave_1"] == 0.5, "the two that can be read, of four"
    assert everything["given_1"] == 0.5
    assert reprise["groups"]["split train"]["given_1"] == 1.0
    assert set(reprise["groups"]) == {"all", "split test", "split train", "club (train)", "slow (test)"}


def test_only_one_split_and_a_peer_that_is_absent(labelled: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, answer = scored(labelled, "--split", "train", "--peers", "nobody")
    assert answer["listeners"][0]["groups"]["all"]["tracks"] == 1
    assert code == 1, "rows of the table are at fault"
    assert "nobody is no peer that is known here" in answer["absent"][0]
    assert answer["absent"][0] in capsys.readouterr().err


def test_a_table_for_people(labelled: Path) -> None:
    said: list[str] = []
    score_analysis.main([str(labelled), "--processes", "1"], said.append)
    assert "slow (test)" in said[0]
    assert "failed: gone.flac: there is no such file" in said[0]


@pytest.mark.parametrize("content", [None, "", "file,tempo\na.mp3,120\n", "path\na.mp3\n"])
def test_a_table_of_no_use(tmp_path: Path, content: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    if content is not None:
        (tmp_path / "truth.csv").write_text(content, encoding="utf-8")
    assert score_analysis.main([str(tmp_path)], print) == 2
    assert "truth.csv" in capsys.readouterr().err


def test_a_table_from_a_spreadsheet(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_bytes("\ufeffpath,bpm,key\r\na.mp3, 174.5 ,\r\nb.mp3,,F♯ min\r\n".encode())
    truths, faults = read_truths(table)
    assert faults == []
    assert truths == [Truth("a.mp3", 174.5, None), Truth("b.mp3", None, MusicalKey(6, minor=True))]


@pytest.mark.parametrize(
    ("heard", "weight"), [("Am", 1.0), ("Em", 0.5), ("Dm", 0.0), ("C", 0.3), ("A", 0.2), ("F#", 0.0)]
)
def test_weights_of_near_misses(heard: str, weight: float) -> None:
    assert mirex_weight(MusicalKey.parse(heard), A_MINOR) == weight


def test_octaves_and_tolerances() -> None:
    assert near(87.5, 174.0, 0.01, (0.5, 1.0, 2.0))
    assert not near(87.5, 174.0, 0.01)
    assert not near(None, 174.0, 0.5)
    assert near(120.1, 120.0, 0.001)
    assert not near(120.2, 120.0, 0.001)


def test_a_score_of_nothing_has_no_shares() -> None:
    empty = score([])
    assert empty.tracks == 0
    assert empty.exact_1 is None
    assert empty.mirex is None


def test_a_score_counts_what_is_given_and_what_has_no_beat() -> None:
    pairs = [
        (Truth("a", 174.0, A_MINOR), Answer("a", 87.0, 0.6, (174.0,), A_MINOR)),
        (Truth("b", 90.0, A_MINOR), Answer("b", 60.0, 0.4, (), MusicalKey(0, minor=False))),
        (Truth("c", None, None), Answer("c")),
        (Truth("d", None, None), Answer("d", 100.0)),
    ]
    found = score(pairs)
    assert (found.tempi, found.exact_4, found.octave_1, found.any_1, found.given_1) == (2, 0.0, 0.5, 0.5, 0.5)
    assert (found.keys, found.key_exact) == (2, 0.5)
    assert found.mirex == pytest.approx(0.65)
    assert (found.beatless, found.beatless_none) == (2, 0.5)


def test_certainty_is_counted_by_confidence() -> None:
    pairs = [
        (
            Truth(str(number), 100.0, None),
            Answer(str(number), 100.0 if number % 10 < number / 10 else 50.0, number / 100),
        )
        for number in range(101)
    ]
    rows = certainties(pairs)
    assert sum(row.tracks for row in rows) == 101
    shares = [row.right for row in rows if row.right is not None]
    assert shares == sorted(shares)


def test_a_listener_of_tempi_is_not_judged_by_keys() -> None:
    pairs = [(Truth("a", 100.0, A_MINOR), Answer("a", 100.0))]
    found = score_analysis.report("of tempi", pairs)["groups"]["all"]
    assert found["exact_1"] == 1.0
    assert found["key_exact"] is None
