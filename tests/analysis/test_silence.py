"""Silence at the ends: to 10 ms, whatever clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.analysis.silence import SilenceMeter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

RATE = 44_100


def ends(sound: Sound, cut: int = 4096, rate: int = RATE) -> tuple[float, float]:
    meter = SilenceMeter(rate, len(sound))
    for start in range(0, sound.shape[1], cut):
        meter.add(sound[:, start : start + cut])
    return meter.result()


def music(lead: float, seconds: float, tail: float, rate: int = RATE) -> Sound:
    rng = np.random.default_rng(5)
    sound = 0.1 * rng.standard_normal((2, round(seconds * rate)))
    return np.asarray(np.pad(sound, ((0, 0), (round(lead * rate), round(tail * rate)))), np.float32)


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 96_000])
@pytest.mark.parametrize(("lead", "tail"), [(0.0, 0.0), (0.5, 3.25), (7.13, 0.07)])
def test_ends_are_found_to_25_ms(lead: float, tail: float, rate: int) -> None:
    assert ends(music(lead, 4.0, tail, rate), rate=rate) == pytest.approx((lead, tail), abs=0.025)


def test_cutting_makes_no_difference() -> None:
    sound = music(1.5, 5.0, 2.0)
    assert ends(sound, 1152) == ends(sound, 100_000) == ends(sound, 10**9) == ends(sound, 333)


def test_a_click_neither_begins_nor_ends_a_track() -> None:
    sound = music(2.0, 5.0, 2.0)
    sound[:, RATE // 2 : RATE // 2 + 900] = 0.8  # 20 ms
    sound[:, -RATE // 2] = -1.0
    assert ends(sound) == pytest.approx((2.0, 2.0), abs=0.025)


def test_half_of_a_tenth_of_a_second_is_no_click() -> None:
    sound = music(2.0, 5.0, 0.0)
    sound[:, RATE : RATE + 2646] = sound[:, 3 * RATE : 3 * RATE + 2646]  # 60 ms
    assert ends(sound)[0] == pytest.approx(1.0, abs=0.025)


@pytest.mark.parametrize(("dbfs", "lead"), [(-50.0, 0.0), (-70.0, 2.0)])
def test_noise_is_silence_below_60_dbfs(dbfs: float, lead: float) -> None:
    sound = music(2.0, 3.0, 0.0)
    noise = np.random.default_rng(6).standard_normal((2, 2 * RATE)) * 10 ** (dbfs / 20)
    sound[:, : 2 * RATE] = noise
    assert ends(sound)[0] == pytest.approx(lead, abs=0.025)


def test_a_constant_offset_is_silence() -> None:
    sound = music(1.0, 3.0, 1.0) + np.float32(0.05)
    assert ends(sound) == pytest.approx((1.0, 1.0), abs=0.025)


def test_one_channel_is_enough() -> None:
    sound = music(1.0, 3.0, 1.0)
    sound[0] = 0.0
    assert ends(sound) == pytest.approx((1.0, 1.0), abs=0.025)


def test_all_silence_is_so_from_both_ends() -> None:
    assert ends(np.zeros((2, 3 * RATE), np.float32)) == pytest.approx((3.0, 3.0))
    assert ends(np.zeros((1, 0), np.float32)) == (0.0, 0.0)


def test_what_is_no_number_is_silence() -> None:
    sound = music(1.0, 3.0, 1.0)
    sound[:, :100], sound[:, -100:] = np.nan, np.inf
    assert ends(sound) == pytest.approx((1.0, 1.0), abs=0.025)
