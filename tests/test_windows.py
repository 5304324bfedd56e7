"""Windows against an oracle that has the whole track in one array; and what a track costs while it is cut."""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reprise.core.windows import Windowing
from reprise.errors import Silent, TooShort

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE = 10
"""Hz: a track of 5 samples is just long enough."""

WINDOWINGS = st.integers(1, 60).flatmap(
    lambda window: st.builds(Windowing, st.just(window), st.integers(1, window), st.just(0))
)
SPREADS = st.builds(
    lambda window, spread: Windowing(window, window, spread), st.integers(1, 60), st.integers(1, 9)
)
LENGTHS = st.integers(5, 400)
BLOCKS = st.lists(st.integers(0, 90), min_size=1, max_size=20)


@dataclass
class Track:
    """An ``Audio`` over an array, in blocks of the given sizes over and over; counts how often it is decoded."""

    samples: Samples
    declared_seconds: float | None = None
    sizes: list[int] = field(default_factory=lambda: [1024])
    sample_rate: int = RATE
    decoded: int = 0

    def blocks(self) -> Iterator[Samples]:
        self.decoded += 1
        position = turn = 0
        while position < len(self.samples):
            size = self.sizes[turn % len(self.sizes)] or (0 if any(self.sizes) else 1)
            yield self.samples[position : position + size]
            position, turn = position + size, turn + 1


def ramp(length: int) -> Samples:
    """Every sample tells its place in the track, and none is zero."""
    return np.arange(1, length + 1, dtype=np.float32)


def oracle(samples: Samples, windowing: Windowing) -> list[Samples]:
    """The rule of the windows, said of the whole track: 0, hop, … while they fit, and one to the end if that is left."""
    window = windowing.window
    if len(samples) < window:
        return [np.concatenate([samples, np.zeros(window - len(samples), np.float32)])]
    starts = list(range(0, len(samples) - window + 1, windowing.hop))
    if starts[-1] + window < len(samples):
        starts.append(len(samples) - window)
    return [samples[start : start + window] for start in starts]


def assert_equal(windows: list[Samples], expected: list[Samples]) -> None:
    assert len(windows) == len(expected)
    for window, right in zip(windows, expected, strict=True):
        assert window.dtype == np.float32
        np.testing.assert_array_equal(window, right)


@given(LENGTHS, WINDOWINGS, BLOCKS)
def test_whole_coverage_is_what_the_rule_says_however_the_decoder_cuts_its_blocks(
    length: int, windowing: Windowing, sizes: list[int]
) -> None:
    windows = list(windowing.cut(Track(ramp(length), sizes=sizes)))
    assert_equal(windows, oracle(ramp(length), windowing))


@given(LENGTHS, WINDOWINGS, BLOCKS)
def test_whole_coverage_hears_every_sample_in_order_and_pads_short_tracks_only(
    length: int, windowing: Windowing, sizes: list[int]
) -> None:
    windows = list(windowing.cut(Track(ramp(length), sizes=sizes)))
    heard = np.unique(np.concatenate(windows))
    np.testing.assert_array_equal(heard[heard > 0], ramp(length))
    assert (0 in heard) == (length < windowing.window)
    firsts = [window[0] for window in windows]
    assert firsts == sorted(set(firsts))
    assert length in windows[-1]


@pytest.mark.parametrize(
    ("seconds", "window", "hop", "count"),
    [
        (210, 120, 15, 7),
        (210, 30, 5, 37),
        (120, 120, 15, 1),
        (120.5, 120, 15, 2),
        (135, 120, 15, 2),
        (30, 120, 15, 1),
        (7200, 120, 15, 473),
    ],
)
def test_the_counts_of_the_source_s_windows(seconds: float, window: int, hop: int, count: int) -> None:
    windowing = Windowing(window * RATE, hop * RATE)
    windows = list(windowing.cut(Track(ramp(round(seconds * RATE)))))
    assert len(windows) == count
    assert windows[-1].max() == round(seconds * RATE)


@given(LENGTHS, SPREADS)
def test_spread_windows_lie_inside_in_order_and_evenly(length: int, windowing: Windowing) -> None:
    windows = list(windowing.cut(Track(ramp(length), declared_seconds=length / RATE)))
    count = min(windowing.spread, -(-length // windowing.window))
    assert len(windows) == count
    if length < windowing.window:
        assert_equal(windows, oracle(ramp(length), windowing))
        return
    starts = [int(window[0]) - 1 for window in windows]
    for window, start in zip(windows, starts, strict=True):
        np.testing.assert_array_equal(window, ramp(length)[start : start + windowing.window])
    assert starts == sorted(starts)
    for place, start in enumerate(starts):
        middle = (place + 0.5) * length / count
        inside = min(max(middle, windowing.window / 2), length - windowing.window / 2)
        assert abs(start + windowing.window / 2 - inside) <= 1


@given(LENGTHS, SPREADS, BLOCKS, st.one_of(st.none(), st.floats(-10, 1000)))
def test_spread_windows_do_not_depend_on_the_stated_length_or_the_decoder_s_blocks(
    length: int, windowing: Windowing, sizes: list[int], declared: float | None
) -> None:
    true = list(windowing.cut(Track(ramp(length), declared_seconds=length / RATE)))
    track = Track(ramp(length), declared_seconds=declared, sizes=sizes)
    assert_equal(list(windowing.cut(track)), true)
    assert track.decoded <= 2


@given(st.integers(100, 4000), SPREADS, st.floats(-0.015, 0.015))
def test_a_length_that_is_a_little_wrong_costs_no_second_decoding(
    length: int, windowing: Windowing, lie: float
) -> None:
    assume(length > windowing.spread * windowing.window * 2)
    assume(abs(lie) * length < windowing.window // 2 - 2)
    track = Track(ramp(length), declared_seconds=length * (1 + lie) / RATE)
    list(windowing.cut(track))
    assert track.decoded == 1


@pytest.mark.parametrize("spread", [0, 3])
def test_too_little_and_too_quiet_are_said(spread: int) -> None:
    windowing = Windowing(20, 20, spread)
    with pytest.raises(TooShort, match=r"0\.40 s"):
        list(windowing.cut(Track(ramp(4))))
    with pytest.raises(TooShort, match=r"0\.00 s"):
        list(windowing.cut(Track(ramp(0))))
    with pytest.raises(Silent, match="-80 dBFS"):
        list(windowing.cut(Track(np.full(100, -9e-5, np.float32))))
    quiet = np.zeros(100, np.float32)
    quiet[50] = -2e-4
    assert list(windowing.cut(Track(quiet)))


@pytest.mark.parametrize(("window", "hop", "spread"), [(10, 11, 0), (10, 0, 0), (0, 0, 0), (10, 10, -1)])
def test_windows_that_leave_something_out_are_refused_when_they_are_declared(
    window: int, hop: int, spread: int
) -> None:
    with pytest.raises(ValueError, match="no windows"):
        Windowing(window, hop, spread)


@given(LENGTHS, WINDOWINGS)
def test_a_window_belongs_to_whoever_gets_it(length: int, windowing: Windowing) -> None:
    expected = oracle(ramp(length), windowing)
    seen = []
    for window in windowing.cut(Track(ramp(length))):
        seen.append(window.copy())
        window[:] = np.nan
    assert_equal(seen, expected)


@dataclass
class Endless:
    """A long track, made while it is heard."""

    seconds: int
    declared_seconds: float | None
    sample_rate: int = 24_000
    block: int = 1024

    def blocks(self) -> Iterator[Samples]:
        noise = np.random.default_rng(1).standard_normal(self.block).astype(np.float32)
        for _ in range(self.seconds * self.sample_rate // self.block):
            yield noise.copy()


@pytest.mark.parametrize("spread", [0, 3])
def test_a_two_hour_track_streams_in_the_memory_of_a_few_windows(spread: int) -> None:
    """The source's widest windows, 120 s at 24 kHz: 11.5 MB each, of a track of 691 MB."""
    windowing = Windowing(120 * 24_000, 15 * 24_000, spread)
    heard = Endless(7200, 7195.0)
    began = time.process_time()
    tracemalloc.start()
    try:
        count = sum(1 for _ in windowing.cut(heard))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == (spread or 473)
    assert peak < (4 if not spread else 2 * spread + 3) * 4 * windowing.window
    assert time.process_time() - began < 60, "cutting must cost little beside decoding"


def test_many_small_blocks_cost_no_more_than_few_large_ones() -> None:
    """Joining what is held with each new block would copy 5 MB for each of 57,600 blocks: minutes."""
    windowing = Windowing(120 * 24_000, 120 * 24_000)
    began = time.process_time()
    assert sum(1 for _ in windowing.cut(Endless(240, None, block=100))) == 2
    assert time.process_time() - began < 10
