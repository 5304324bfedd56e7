"""Loudness against the standards' own test signals, and against FFmpeg's meter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np
import pytest

from reprise.analysis.loudness import LoudnessMeter
from reprise.analysis.weighting import k_weighting, slot_of
from reprise.demo.compose import render
from reprise.demo.styles import style_named

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.core.analysis import Loudness

    Sound = NDArray[np.float32]

RATE = 48_000


def tone(*parts: tuple[float, float], rate: int = RATE, hertz: float = 1000.0) -> Sound:
    """A sine of (dBFS, seconds) one after the other, shape (n,)."""
    levels = np.concatenate([np.full(round(seconds * rate), 10 ** (level / 20)) for level, seconds in parts])
    return np.asarray(levels * np.sin(2 * np.pi * hertz * np.arange(len(levels)) / rate), np.float32)


def measured(sound: Sound, rate: int = RATE, cut: int = 65_536) -> Loudness | None:
    meter = LoudnessMeter(rate, len(sound))
    for start in range(0, sound.shape[1], cut):
        meter.add(sound[:, start : start + cut])
    return meter.result()


def heard(sound: Sound, rate: int = RATE, cut: int = 65_536) -> Loudness:
    loudness = measured(sound, rate, cut)
    assert loudness is not None
    return loudness


def stereo(*parts: tuple[float, float], rate: int = RATE) -> Sound:
    return np.stack([tone(*parts, rate=rate)] * 2)


# -- EBU Tech 3341 and 3342 ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parts", "lufs"),
    [
        ([(-23, 20)], -23),
        ([(-33, 20)], -33),
        ([(-36, 10), (-23, 60), (-36, 10)], -23),
        ([(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)], -23),
        ([(-26, 20), (-20, 20.1), (-26, 20)], -23),
    ],
    ids=["case 1", "case 2", "case 3", "case 4", "case 5"],
)
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_integrated_loudness_of_the_standards_signals(
    parts: list[tuple[float, float]], lufs: float, rate: int
) -> None:
    assert heard(stereo(*parts, rate=rate), rate).integrated == pytest.approx(lufs, abs=0.1)


def test_surround_as_in_case_6() -> None:
    front, centre, back = tone((-28, 20)), tone((-24, 20)), tone((-30, 20))
    low = tone((-10, 20))
    assert heard(np.stack([front, front, centre, back, back])).integrated == pytest.approx(-23, abs=0.1)
    six = heard(np.stack([front, front, centre, low, back, back]))
    assert six.integrated == pytest.approx(-23, abs=0.1), "low frequencies of 5.1 do not count"


@pytest.mark.parametrize(
    ("levels", "lu"),
    [((-20, -30), 10), ((-20, -15), 5), ((-40, -20), 20), ((-50, -35, -20, -35, -50), 15)],
    ids=["case 1", "case 2", "case 3", "case 4"],
)
def test_loudness_range_of_the_standards_signals(levels: tuple[float, ...], lu: float) -> None:
    assert heard(stereo(*((level, 20.0) for level in levels))).range == pytest.approx(lu, abs=1.0)


def test_a_steady_three_seconds_have_no_range() -> None:
    """Tech 3341 case 9: every window of 3 s is as loud as any other."""
    sound = stereo(*([(-20, 1.34), (-30, 1.66)] * 5))
    assert heard(sound).range == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize(
    ("part", "degrees", "amplitude", "dbtp"),
    [(4, 0, 0.5, -6.0), (4, 45, 0.5, -6.0), (6, 60, 0.5, -6.0), (8, 67.5, 0.5, -6.0), (4, 45, 1.41, 3.0)],
    ids=["case 15", "case 16", "case 17", "case 18", "case 19"],
)
@pytest.mark.parametrize("rate", [44_100, 48_000])
def test_true_peak_of_the_standards_signals(
    part: int, degrees: float, amplitude: float, dbtp: float, rate: int
) -> None:
    fade = np.minimum(1.0, np.minimum(np.arange(rate), np.arange(rate)[::-1]) / 2000)
    wave = amplitude * np.sin(2 * np.pi * np.arange(rate) / part + np.radians(degrees)) * fade
    peak = heard(np.asarray([wave, wave], np.float32), rate).true_peak
    assert dbtp - 0.4 <= peak <= dbtp + 0.2


def test_coefficients_of_the_standard() -> None:
    shelf, high_pass = k_weighting(48_000)
    assert shelf.b == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-9)
    assert shelf.a == pytest.approx([1.0, -1.69065929318241, 0.73248077421585], abs=1e-9)
    assert high_pass.b == pytest.approx([1.0, -2.0, 1.0])
    assert high_pass.a == pytest.approx([1.0, -1.99004745483398, 0.99007225036621], abs=1e-9)


# -- FFmpeg -------------------------------------------------------------------------------------------------------


def ffmpeg(sound: Sound, rate: int) -> tuple[float, float, float]:
    """Integrated, range and true peak in dBTP of FFmpeg's filter ``ebur128``."""
    layout = {1: "mono", 2: "stereo"}[len(sound)]
    graph = av.filter.Graph()
    source = graph.add(
        "abuffer", sample_rate=str(rate), sample_fmt="fltp", channel_layout=layout, time_base=f"1/{rate}"
    )
    meter, sink = graph.add("ebur128", "peak=true:metadata=1"), graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), "fltp", layout)
    frame.sample_rate = rate
    source.push(frame)
    source.push(None)
    found: dict[str, str] = {}
    while True:
        try:
            found |= dict(sink.pull().metadata)  # every 100 ms
        except (BlockingIOError, EOFError):
            break
    peak = 20 * np.log10(float(found["lavfi.r128.true_peak"]))
    return float(found["lavfi.r128.I"]), float(found["lavfi.r128.LRA"]), float(peak)


@pytest.mark.parametrize("style", ["techno", "piano ballad", "rock"])
def test_music_measures_as_in_ffmpeg(style: str) -> None:
    piece = np.asarray(render(style_named(style), 1, 20.0, 44_100).samples.T, np.float32)
    sound = np.concatenate([piece * np.float32(0.1), np.tanh(piece * 2)], axis=1)
    ours, theirs = heard(sound, 44_100), ffmpeg(sound, 44_100)
    assert ours.integrated == pytest.approx(theirs[0], abs=0.1)
    assert ours.range == pytest.approx(theirs[1], abs=0.3)
    assert ours.true_peak == pytest.approx(theirs[2], abs=0.2)


@pytest.mark.parametrize("rate", [8_000, 22_050, 32_000, 44_123, 96_000])
def test_mono_at_any_rate_measures_as_in_ffmpeg(rate: int) -> None:
    rng = np.random.default_rng(rate)
    walk = np.cumsum(rng.standard_normal((1, rate * 8)), axis=1)
    sound = np.asarray(0.02 * (walk[:, 20:] - walk[:, :-20]), np.float32)
    assert heard(sound, rate).integrated == pytest.approx(ffmpeg(sound, rate)[0], abs=0.1)


# -- how the sound comes, and what is wrong with it ---------------------------------------------------------------


def test_cutting_makes_no_difference() -> None:
    sound = np.random.default_rng(1).standard_normal((2, 44_100 * 6 + 77)).astype(np.float32) * np.float32(
        0.1
    )
    whole = heard(sound, 44_100, cut=10**9)
    assert heard(sound, 44_100, cut=1152) == whole
    assert heard(sound, 44_100, cut=39_119) == whole


def test_too_short_and_too_quiet_have_no_loudness() -> None:
    assert measured(stereo((-20, 0.39))) is None
    assert measured(stereo((-20, 0.41))) is not None
    assert measured(np.zeros((2, RATE), np.float32)) is None
    assert measured(np.zeros((2, 0), np.float32)) is None
    assert measured(stereo((-75, 3.0))) is None


def test_what_is_no_number_is_silence() -> None:
    sound = stereo((-23, 10.0))
    broken = sound.copy()
    broken[0, 1000], broken[1, 2000], broken[0, 3000] = np.nan, np.inf, -np.inf
    assert heard(broken).integrated == pytest.approx(-23, abs=0.1)
    assert heard(broken).true_peak == pytest.approx(-23, abs=1.5), "a gap swings a little"


def test_absurd_values_stay_finite() -> None:
    sound = stereo((-23, 5.0))
    sound[0, 100] = 3e38
    loudness = heard(sound)
    assert np.isfinite([loudness.integrated, loudness.range, loudness.true_peak]).all()


def test_a_peak_in_the_last_samples_counts() -> None:
    sound = stereo((-30, 1.0))
    sound[1, -1] = 0.9
    assert heard(sound).true_peak >= 20 * np.log10(0.9) - 1e-6


def test_gain_brings_to_the_reference() -> None:
    assert heard(stereo((-23, 5.0))).gain == pytest.approx(5.0, abs=0.1)


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 44_100, 48_000, 88_200, 96_000, 192_000])
def test_slots_are_a_tenth_of_a_second(rate: int) -> None:
    slot, row = slot_of(rate)
    assert slot == round(rate / 10)
    assert slot % row == 0
