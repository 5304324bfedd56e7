"""The same recording is found in any coding; covers, live versions and other music over the same drums are not."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.analysis.fingerprint import MOST_SECONDS, fingerprint
from reprise.analysis.spectrum import BANDS, FRAMES_PER_SECOND, SAMPLE_RATE, Spectrum, analyse
from reprise.core.fingerprints import (
    MOST_KEYS,
    NO_MATCH,
    UNHEARD,
    WORDS_PER_SECOND,
    compare,
    heard_seconds,
    keys_of,
    words_of,
    written,
)
from reprise.demo.compose import render
from reprise.demo.encode import write_audio
from reprise.demo.styles import STYLES, Part, Style, style_named
from reprise.media.decode import AudioFile
from tests.test_acoustic import Given, noise, sine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    Sound = NDArray[np.float32]

RATE = 32_000
SECONDS = 18.0
CHOSEN = ("techno", "ambient", "piano ballad", "hip hop")
"""Styles: hard drums, none, notes that ring, a loop."""

OTHER_VOICE = {
    "guitar": "square", "harp": "organ", "piano": "supersaw", "epiano": "strings", "bell": "accordion",
    "organ": "guitar", "accordion": "piano", "pad": "bell", "strings": "stab", "flute": "acid", "supersaw": "epiano",
    "acid": "upright", "stab": "pad", "square": "flute", "distorted": "organ", "sub": "acid", "upright": "reese",
    "bassguitar": "square", "reese": "bassguitar",
}  # fmt: skip


def revoiced(part: Part | None) -> Part | None:
    return part and replace(part, voices=tuple(OTHER_VOICE[voice] for voice in part.voices))


def cover(style: Style) -> Style:
    """The same notes at the same time, played on other instruments."""
    return replace(style, bass=revoiced(style.bass), chords=revoiced(style.chords), lead=revoiced(style.lead))


def at_tempo(style: Style, factor: float) -> Style:
    return replace(style, tempo=(style.tempo[0] * factor, style.tempo[1] * factor))


@cache
def stereo(name: str, seed: int = 1) -> Sound:
    return render(style_named(name), seed, SECONDS, RATE).samples


def print_of(samples: Sound, rate: int, path: Path, kbps: int | None = None) -> bytes:
    """Of the samples as they come back from a file of that format."""
    write_audio(path, samples, rate, kbps=kbps)
    return fingerprint(analyse(AudioFile(str(path), SAMPLE_RATE)))


def mono_print(style: Style, seed: int = 1, seconds: float = SECONDS) -> bytes:
    piece = render(style, seed, seconds, SAMPLE_RATE)
    return fingerprint(analyse(Given(np.asarray(piece.samples.mean(axis=1), np.float32))))


def later(samples: Sound, seconds: float) -> Sound:
    return np.concatenate([np.zeros((round(seconds * RATE), 2), np.float32), samples])


def every_second(samples: Sound) -> Sound:
    """At half the rate, mono."""
    from scipy.signal import resample_poly

    return np.asarray(resample_poly(samples.mean(axis=1), 1, 2), np.float32)


def spectrum_of(levels: NDArray[np.int16]) -> Spectrum:
    power = (10 ** (levels.astype(np.float64) / 1000)).sum(axis=1)
    moments = np.stack([power, np.zeros_like(power), np.zeros_like(power)], axis=1).astype(np.float32)
    empty = np.zeros((0, 1), np.float32)
    return Spectrum(len(levels) / FRAMES_PER_SECOND, 1.0, 0.1, levels, moments, empty, empty)


CODINGS: dict[str, tuple[str, int | None, Callable[[Sound], Sound]]] = {
    "mp3 at 64": (".mp3", 64, lambda sound: sound),
    "opus at 48": (".opus", 48, lambda sound: sound),
    "m4a at 96": (".m4a", 96, lambda sound: sound),
    "6 dB quieter": (".mp3", 128, lambda sound: sound * np.float32(0.5)),
    "6 dB louder, clipped": (".flac", None, lambda sound: np.clip(sound * 2, -1, 1)),
    "3.09 s later": (".mp3", 128, lambda sound: later(sound, 3.093)),
    "cut at the begin": (".ogg", None, lambda sound: sound[round(2.28 * RATE) :]),
    "mono": (".wav", None, lambda sound: sound.mean(axis=1)),
}


@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize("coding", CODINGS)
def test_the_same_recording_is_found_in_any_coding(name: str, coding: str, tmp_path: Path) -> None:
    suffix, kbps, change = CODINGS[coding]
    first = print_of(stereo(name), RATE, tmp_path / "first.wav")
    second = print_of(change(stereo(name)), RATE, tmp_path / f"second{suffix}", kbps)
    match = compare(first, second)
    assert match.same, match
    shift = {"3.09 s later": 3.093, "cut at the begin": -2.28}.get(coding, 0.0)
    assert match.offset_seconds == pytest.approx(shift, abs=0.1)
    assert match.overlap_seconds >= 0.85 * heard_seconds(first) - abs(shift)
    back = compare(second, first)
    assert back.same
    assert back.offset_seconds == pytest.approx(-match.offset_seconds, abs=0.1)


@pytest.mark.parametrize("name", CHOSEN)
def test_it_is_found_at_half_the_sample_rate(name: str, tmp_path: Path) -> None:
    first = print_of(stereo(name), RATE, tmp_path / "first.wav")
    assert compare(first, print_of(every_second(stereo(name)), RATE // 2, tmp_path / "low.mp3", 48)).same


@pytest.mark.parametrize("name", [style.name for style in STYLES])
def test_a_cover_a_live_version_and_another_song_are_other_recordings(name: str) -> None:
    style = style_named(name)
    original = mono_print(style)
    others = {
        "cover": mono_print(cover(style)),
        "faster": mono_print(at_tempo(style, 1.01)),
        "slower": mono_print(at_tempo(style, 0.99)),
        "another song": mono_print(style, seed=2),
    }
    assert compare(original, original).same
    assert {
        what: compare(original, other) for what, other in others.items() if compare(original, other).same
    } == {}


@pytest.mark.parametrize("name", ["techno", "hip hop", "house", "drum and bass"])
def test_other_music_over_the_same_drums_is_another_recording(name: str) -> None:
    style = style_named(name)
    fixed = replace(style, tempo=(style.tempo[0], style.tempo[0]))
    drums = render(replace(fixed, bass=None, chords=None, lead=None), 1, SECONDS, SAMPLE_RATE).samples
    music = [render(replace(fixed, drums=()), seed, SECONDS, SAMPLE_RATE).samples for seed in (2, 3)]
    first, second = (
        fingerprint(analyse(Given((0.5 * drums + 0.5 * played).mean(axis=1).astype(np.float32))))
        for played in music
    )
    assert not compare(first, second).same


def test_the_longer_the_track_the_further_a_live_version_is_away() -> None:
    style = style_named("hip hop")
    similarity = [
        compare(mono_print(style, 1, seconds), mono_print(at_tempo(style, 1.01), 1, seconds)).similarity
        for seconds in (15.0, 60.0)
    ]
    assert similarity[1] < similarity[0] - 0.1


def test_codings_share_keys_and_songs_do_not(tmp_path: Path) -> None:
    prints = {
        name: [
            print_of(stereo(name), RATE, tmp_path / f"{number}.{suffix}", kbps)
            for number, (suffix, kbps) in enumerate((("wav", None), ("mp3", 64)))
        ]
        for name in CHOSEN
    }
    for name, (first, second) in prints.items():
        assert len(np.intersect1d(keys_of(first), keys_of(second))) >= 1, name
        others = [keys_of(other[0]) for own, other in prints.items() if own != name]
        assert len(np.intersect1d(keys_of(first), np.concatenate(others))) == 0


def test_silence_and_a_sustained_tone_say_nothing() -> None:
    sound = np.concatenate([noise(4.0), np.zeros(6 * SAMPLE_RATE, np.float32), noise(4.0)])
    assert heard_seconds(fingerprint(analyse(Given(sound)))) == pytest.approx(8.0, abs=1.0)
    tone = fingerprint(analyse(Given(sine(440.0, 10.0))))
    assert heard_seconds(tone) < 1.0
    assert not compare(tone, tone).same or heard_seconds(tone) > 0


def test_short_sounds_have_short_fingerprints() -> None:
    assert fingerprint(analyse(Given(noise(0.5)))) == written(
        words_of(fingerprint(analyse(Given(noise(0.5)))))
    )
    second = fingerprint(analyse(Given(noise(1.0))))
    assert 1 <= len(words_of(second)) <= 8
    assert compare(second, second).similarity == 1.0
    assert not compare(second, fingerprint(analyse(Given(sine(700, 1.0) * noise(1.0, 1.0))))).same


def test_the_size_is_22_bytes_a_second_and_bounded() -> None:
    chance = np.random.default_rng(0)
    minutes = chance.integers(-6000, -1000, (round(240 * FRAMES_PER_SECOND), BANDS)).astype(np.int16)
    assert 5_000 < len(fingerprint(spectrum_of(minutes))) < 5_300
    hours = np.tile(minutes, (30, 1))  # two hours
    assert len(fingerprint(spectrum_of(hours))) == pytest.approx(
        2 * MOST_SECONDS * WORDS_PER_SECOND, rel=0.01
    )


def test_comparing_looks_at_every_offset_as_a_plain_loop_does() -> None:
    chance = np.random.default_rng(3)
    one = chance.integers(1, 65536, 40).astype(np.uint16)
    other = np.concatenate([chance.integers(1, 65536, 11), one[5:] ^ (chance.random(35) < 0.5)]).astype(
        np.uint16
    )
    other[20] = UNHEARD

    def agreement(offset: int) -> int:
        pairs = [(a, other[at + offset]) for at, a in enumerate(one) if 0 <= at + offset < len(other)]
        return sum(16 - 2 * int(a ^ b).bit_count() for a, b in pairs if a and b)

    best = max(range(-39, len(other)), key=agreement)
    assert best == 6
    match = compare(written(one), written(other))
    assert match.offset_seconds == pytest.approx(best / WORDS_PER_SECOND)
    assert match.overlap_seconds == pytest.approx(39 / WORDS_PER_SECOND)
    assert match.similarity == pytest.approx(agreement(best) / (16 * 39))


def test_nothing_is_compared_with_an_empty_or_unknown_fingerprint() -> None:
    known = written(np.arange(1, 200, dtype=np.uint16))
    assert compare(b"", known) == NO_MATCH
    assert compare(known, b"\xff" + known[1:]) == NO_MATCH
    assert compare(written(np.zeros(100, np.uint16)), known) == NO_MATCH
    assert keys_of(b"").size == 0
    assert len(words_of(known[:-1])) == 198


def test_keys_are_few_distinct_and_the_same_every_time() -> None:
    words = np.random.default_rng(1).integers(0, 65536, 5000).astype(np.uint16)
    keys = keys_of(written(words))
    assert len(keys) == MOST_KEYS
    assert np.array_equal(keys, np.unique(keys))
    assert np.array_equal(keys, keys_of(written(words)))
    half = keys_of(written(words[2000:]))
    assert len(np.intersect1d(keys, half)) > MOST_KEYS // 4
