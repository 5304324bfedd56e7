"""What of heard words is taken for speech."""

from __future__ import annotations

import pytest

from reprise.core.speech_quality import Heard, speech, without_music
from reprise.core.video import Segment

LONG = "This is a sentence of more than forty characters."
FORTY = "x" * 40


def test_speech_is_kept_as_it_is() -> None:
    heard = [Heard(0, 4, f" {LONG} "), Heard(4, 6, "And more.", no_speech=0.79)]
    assert speech(heard) == (Segment(0, 4, LONG), Segment(4, 6, "And more."))


def test_segments_that_are_probably_no_speech_are_dropped() -> None:
    heard = [Heard(0, 4, LONG), Heard(4, 6, "Thanks for watching!", no_speech=0.8)]
    assert speech(heard) == (Segment(0, 4, LONG),)


@pytest.mark.parametrize(("text", "kept"), [(FORTY, 1), (FORTY[1:], 0), ("", 0)])
def test_fewer_than_forty_characters_in_all_are_none(text: str, kept: int) -> None:
    assert len(speech([Heard(0, 4, text)])) == kept


def test_forty_characters_may_come_from_several_segments() -> None:
    assert len(speech([Heard(0, 1, "x" * 20), Heard(1, 2, "y" * 20)])) == 2


@pytest.mark.parametrize(("seconds", "kept"), [(3.0, 1), (2.9, 0)])
def test_speech_that_lasts_less_than_three_tenths_is_none(seconds: float, kept: int) -> None:
    heard = [Heard(0, seconds, LONG), Heard(seconds, 10, "noise noise noise", no_speech=0.9)]
    assert len(speech(heard)) == kept


def test_music_counts_as_time_without_speech() -> None:
    assert speech([Heard(0, 2, LONG), Heard(2, 10, "[Music]")]) == ()
    assert speech([Heard(0, 4, LONG), Heard(4, 10, "♪♪")]) == (Segment(0, 4, LONG),)


def test_nothing_heard() -> None:
    assert speech([]) == ()


@pytest.mark.parametrize(
    "text",
    [
        "♪", "♪♪♪", "🎵 ", "[Music]", "(music)", "[MUSIC PLAYING]", "*music*", "[♪ upbeat music ♪]", "【音楽】", "(음악)", "[音乐]",
        "[Musik]", "(Musique douce)", "[музыка]", "[Música de fondo]", "...", "- -", "", "[Music] [Music]", "♪ (instrumental) ♪",
    ],
)  # fmt: skip
def test_markers_of_music_are_no_words(text: str) -> None:
    assert without_music(text) == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("♪ Over the rainbow ♪", "Over the rainbow"),
        ("[Music] Good evening.", "Good evening."),
        ("[door slams]", "[door slams]"),
        ("I love music.", "I love music."),
        ("(laughs) Music, please!", "(laughs) Music, please!"),
        ("5", "5"),
        ("네.", "네."),
        ("음악을 들어요", "음악을 들어요"),
    ],
)
def test_words_and_other_sounds_stay(text: str, words: str) -> None:
    assert without_music(text) == words
