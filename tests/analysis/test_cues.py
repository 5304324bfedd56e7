"""Intro, drops and breakdowns are found where the music has them, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reprise.analysis.cues import MOST_BREAKDOWNS, MOST_DROPS, find_cues
from reprise.analysis.spectrum import SAMPLE_RATE, analyse
from reprise.core.analysis import Cue, CueKind, HeardTempo
from tests.analysis.arranged import Arranged, arrange
from tests.test_acoustic import Given, noise, sine

BPMS = (90.0, 128.0, 174.0)


def heard(track: Arranged, tempo: HeardTempo | None = None) -> tuple[Cue, ...]:
    return find_cues(analyse(Given(track.samples)), tempo)


def times(cues: tuple[Cue, ...], kind: CueKind) -> list[float]:
    return [cue.seconds for cue in cues if cue.kind is kind]


@pytest.mark.parametrize("bpm", BPMS)
def test_each_cue_is_within_a_bar_of_where_the_section_begins(bpm: float) -> None:
    track = arrange(
        [("beat", 16), ("full", 24), ("break", 16), ("rise", 8), ("full", 24), ("break", 16), ("full", 8)],
        bpm,
        silence=2.0,
    )
    starts, cues = track.starts, heard(track)
    assert times(cues, CueKind.INTRO) == pytest.approx([2.0], abs=0.1)
    assert times(cues, CueKind.BREAKDOWN) == pytest.approx([starts[2], starts[5]], abs=track.bar / 2)
    assert times(cues, CueKind.DROP) == pytest.approx([starts[4], starts[6]], abs=track.bar / 2)
    assert all(0.0 < cue.strength <= 1.0 for cue in cues)
    assert list(cues) == sorted(cues, key=lambda cue: cue.seconds)


def test_a_build_up_is_no_drop() -> None:
    """It ends louder than what follows in the treble, but the bass comes only with the drop."""
    track = arrange([("pads", 16), ("rise", 16), ("full", 32)], 126.0)
    assert times(heard(track), CueKind.DROP) == pytest.approx([track.starts[2]], abs=track.bar / 2)


def test_a_short_break_is_no_breakdown_and_its_end_is_a_drop() -> None:
    track = arrange([("full", 24), ("break", 6), ("full", 24)], 128.0)  # 11 s
    cues = heard(track)
    assert times(cues, CueKind.BREAKDOWN) == []
    assert times(cues, CueKind.DROP) == pytest.approx([track.starts[2]], abs=track.bar / 2)


def test_the_end_of_a_track_is_no_breakdown() -> None:
    assert times(heard(arrange([("full", 32), ("pads", 16)], 128.0)), CueKind.BREAKDOWN) == []


def test_a_track_without_changes_has_its_intro_only() -> None:
    cues = heard(arrange([("full", 64)], 128.0, silence=1.0))
    assert [cue.kind for cue in cues] == [CueKind.INTRO]


def test_never_more_than_a_player_has_slots_and_never_too_near() -> None:
    track = arrange([("full", 12), ("break", 12)] * 5 + [("full", 12)], 128.0)  # 22.5 s each
    cues = heard(track)
    drops, breakdowns = times(cues, CueKind.DROP), times(cues, CueKind.BREAKDOWN)
    assert len(drops) == MOST_DROPS
    assert len(breakdowns) == MOST_BREAKDOWNS
    assert len(cues) == 8
    assert np.diff(drops).min() >= 8.0
    assert np.diff(breakdowns).min() >= 16.0


def test_cues_lie_on_beats_if_the_tempo_is_sure() -> None:
    track = arrange([("beat", 16), ("break", 16), ("full", 24)], 128.0, silence=1.5)
    beat = 60 / 128.0
    sure = heard(track, HeardTempo(128.0, 0.9, (), 1.5))
    places = [(cue.seconds - 1.5) / beat for cue in sure]
    assert places == pytest.approx([round(place) for place in places], abs=1e-6)
    assert times(sure, CueKind.DROP) == pytest.approx([track.starts[2]], abs=1e-6)
    assert times(sure, CueKind.BREAKDOWN) == pytest.approx([track.starts[1]], abs=1e-6)
    assert times(sure, CueKind.INTRO) == pytest.approx([1.5], abs=1e-6)
    spectrum = analyse(Given(track.samples))
    plain = find_cues(spectrum, None)
    assert find_cues(spectrum, HeardTempo(128.0, 0.1, (), 1.5)) == plain
    assert find_cues(spectrum, HeardTempo(128.0, 0.9, (), None)) == plain


def test_a_beat_before_the_begin_or_behind_the_end_moves_no_cue() -> None:
    track = arrange([("full", 8)], 128.0)
    (cue,) = heard(track, HeardTempo(20.0, 0.9, (), 16.0))
    assert cue.seconds >= 0.0


def test_the_same_track_has_the_same_cues_at_any_level() -> None:
    track = arrange([("beat", 16), ("break", 16), ("full", 24)], 128.0)
    quiet = replace(track, samples=track.samples * np.float32(0.1))
    loud_cues, quiet_cues = heard(track), heard(quiet)
    for kind in CueKind:
        assert times(quiet_cues, kind) == pytest.approx(times(loud_cues, kind))


@pytest.mark.parametrize("seconds", [0.6, 1.0, 5.0])
def test_short_sounds_have_an_intro(seconds: float) -> None:
    cues = find_cues(analyse(Given(noise(seconds))), None)
    assert [(cue.kind, cue.seconds) for cue in cues] == [(CueKind.INTRO, 0.0)]


def test_a_drone_and_speech_like_noise_have_no_drops() -> None:
    for sound in (sine(110.0, 60.0), noise(60.0)):
        assert [cue.kind for cue in find_cues(analyse(Given(sound)), None)] == [CueKind.INTRO]


def test_a_fade_in_is_no_drop() -> None:
    sound = arrange([("full", 40)], 128.0).samples
    ramp = np.minimum(np.arange(len(sound)) / (30.0 * SAMPLE_RATE), 1.0).astype(np.float32)
    assert times(find_cues(analyse(Given(sound * ramp)), None), CueKind.DROP) == []
