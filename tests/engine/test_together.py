"""Models loaded together: each track is decoded once for all of them, and everything else is as ever."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.engine.together import groups
from reprise.media.spool import SpooledAudio, spool_name
from tests.harness import outcome_of, read_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.harness import Home

TOGETHER = {"REPRISE_TOGETHER_MEMORY_MB": "4000"}


def test_only_heavy_models_that_decode_alike_and_fit_are_grouped(home: Home) -> None:
    with home.app() as app:
        cards = [app.installed.cards[name] for name in ("exclusive", "exclusive-b", "null", "exclusive")]
    names = [[card.name for card in group] for group in groups(cards, 128)]
    assert names == [["exclusive", "exclusive-b"], ["null"], ["exclusive"]]
    assert [len(group) for group in groups(cards, 127)] == [1, 1, 1, 1]
    assert [len(group) for group in groups(cards, 0)] == [1, 1, 1, 1]


def test_two_models_take_turns_over_the_same_tracks(home: Home) -> None:
    home.add_many(40)
    outcome = home.embed("--model", "exclusive", "--model", "exclusive-b", **TOGETHER)
    assert outcome.code == 0
    assert outcome.last["operations"] == {"total": 80, "done": 80, "skipped": 0, "failed": 0}
    order = [by for by, _ in home.notes("item")]
    changes = sum(one != other for one, other in pairwise(order))
    assert changes >= 4, "they alternate"
    percents = [event["percent"] for event in outcome.named("progress")]
    assert percents == sorted(percents)
    assert percents[-1] == 100.0
    home.assert_sound(("exclusive", "exclusive-b"))


def test_by_default_one_model_follows_the_other(home: Home) -> None:
    home.add_many(20)
    home.embed("--model", "exclusive", "--model", "exclusive-b")
    order = [by for by, _ in home.notes("item")]
    assert order == sorted(order)


def test_what_fails_in_a_group_is_its_own(home: Home) -> None:
    home.add_many(20)
    home.add("zz", content="encode-crash")
    outcome = home.embed("--model", "exclusive", "--model", "exclusive-b", **TOGETHER)
    assert outcome.code == 1
    assert outcome.last["operations"] == {"total": 42, "done": 40, "skipped": 0, "failed": 2}
    assert home.failures() == {"zz": "worker_crashed"}
    home.assert_sound(("exclusive", "exclusive-b"))


def test_a_paused_group_goes_on(home: Home) -> None:
    home.add_many(40)
    slow = {"PLUGIN_MODELS_SECONDS": "0.05", "REPRISE_COMMIT_SECONDS": "0.1", **TOGETHER}
    job = home.start("embed", str(home.music), "--model", "exclusive", "--model", "exclusive-b", **slow)
    read_until(job, "progress")
    job.terminate()
    assert outcome_of(job).last["state"] == "paused"
    outcome = home.embed("--model", "exclusive", "--model", "exclusive-b", **TOGETHER)
    assert outcome.code == 0
    home.assert_sound(("exclusive", "exclusive-b"))


class Counted:
    """Sound that counts how often it is decoded."""

    sample_rate = 8000
    declared_seconds = 2.0

    def __init__(self, fails: bool = False) -> None:
        self.decoded = 0
        self.fails = fails

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        self.decoded += 1
        generator = np.random.default_rng(1)
        for _ in range(5):
            yield generator.standard_normal(3200).astype(np.float32)
        if self.fails:
            raise OSError("the disk is gone")


def heard(audio: Counted, folder: Path) -> NDArray[np.float32]:
    return np.concatenate(list(SpooledAudio(audio, folder, "one").blocks()))


def test_what_comes_from_the_spool_is_what_was_decoded(tmp_path: Path) -> None:
    audio = Counted()
    first, second = heard(audio, tmp_path), heard(audio, tmp_path)
    assert audio.decoded == 1
    assert np.array_equal(first, second)
    assert np.array_equal(first, np.concatenate(list(Counted().blocks())))


def test_sound_that_broke_off_is_not_kept(tmp_path: Path) -> None:
    audio = Counted(fails=True)
    for _ in range(2):
        with pytest.raises(OSError, match="gone"):
            heard(audio, tmp_path)
    assert audio.decoded == 2
    assert list(tmp_path.iterdir()) == []


def test_a_changed_file_has_another_name_in_the_spool(tmp_path: Path) -> None:
    track = tmp_path / "track.flac"
    track.write_bytes(b"sound")
    path = bytes(track)
    before = spool_name(path, 8000)
    assert spool_name(path, 16000) != before == spool_name(path, 8000)
    track.write_bytes(track.read_bytes() + b"x")
    assert spool_name(path, 8000) != before
