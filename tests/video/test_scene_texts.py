"""The texts of scenes: which words are in which channel, and where they are cut."""

from __future__ import annotations

import hashlib
import json
import random

import pytest

from reprise.core.scene_texts import (
    FEW_LETTERS,
    SUMMARY_LETTERS,
    TAG_LETTERS,
    TRANSCRIPT_LETTERS,
    VISUAL_LETTERS,
    SceneWords,
    Speech,
    clean_tags,
    compose,
    cut,
    input_digest,
    lexical_fields,
    storable,
)
from reprise.core.video import Segment


def speech(*segments: tuple[float, float, str]) -> Speech:
    return Speech(Segment(*segment) for segment in segments)


def test_only_what_truly_overlaps_a_scene_is_said_in_it() -> None:
    long = "x" * FEW_LETTERS
    told = speech((0, 10, "before"), (10, 15, long), (15, 20, "inside"), (20, 30, "after"))
    texts = compose(SceneWords(10.0, 20.0), told, "a.mp4")
    assert texts["transcript"] == f"{long} inside"


def test_little_speech_takes_in_three_seconds_around() -> None:
    told = speech(
        (0, 6.9, "too early"),
        (6, 7.1, "just before"),
        (12, 13, "short"),
        (22.9, 25, "just after"),
        (23, 30, "late"),
    )
    assert compose(SceneWords(10.0, 20.0), told, "a.mp4")["transcript"] == "just before short just after"


def test_segments_that_overlap_each_other_are_all_found_and_in_order() -> None:
    """The quick search by time must find what looking at each finds."""
    choice = random.Random(5)
    segments = [
        Segment(start, start + choice.choice([0.0, 0.5, 3.0, 400.0]), f"w{number}")
        for number, start in enumerate(choice.uniform(0, 1000) for _ in range(300))
    ]
    told = Speech(segments)
    in_order = sorted(segments, key=lambda segment: (segment.start, segment.end))
    for _ in range(200):
        start = choice.uniform(-5, 1000)
        end = start + choice.uniform(0, 50)
        wanted = [one.text for one in in_order if one.end > start and one.start < end]
        assert told.between(start, end) == " ".join(wanted)


def test_an_empty_channel_has_no_text_at_all() -> None:
    texts = compose(SceneWords(0.0, 5.0), Speech(), "holiday.mp4")
    assert set(texts) == {"lexical"}
    assert lexical_fields(texts["lexical"]) == {
        "transcript": "",
        "description": "",
        "summary": "",
        "tags": "",
        "combined": "File: holiday.mp4",
    }
    assert "visual" not in compose(SceneWords(0.0, 5.0, description=" \n ", tags=(" ",)), Speech(), "a.mp4")


def test_a_transcript_given_with_the_scene_is_its_own_even_if_it_is_empty() -> None:
    told = speech((0, 5, "of the video"))
    assert compose(SceneWords(0, 5, transcript="of the\nscene"), told, "a")["transcript"] == "of the scene"
    assert "transcript" not in compose(SceneWords(0, 5, transcript=""), told, "a")


def test_what_is_seen_is_the_description_and_each_tag_once() -> None:
    words = SceneWords(0, 5, description="Two people.", tags=("Beach", "beach ", "SUN", "x" * 41))
    texts = compose(words, Speech(), "a.mp4")
    assert texts["visual"] == f"Two people. beach, sun, {'x' * TAG_LETTERS}"
    assert compose(SceneWords(0, 5, tags=("a", "b")), Speech(), "a")["visual"] == "a, b"


def test_tags_that_do_not_fit_are_left_out_whole() -> None:
    tags = tuple(f"tag{number:036d}" for number in range(200))
    visual = compose(SceneWords(0, 5, description="d" * 100, tags=tags), Speech(), "a")["visual"]
    assert len(visual) <= VISUAL_LETTERS
    assert visual.split(", ")[-1] in tags
    assert len(visual) > VISUAL_LETTERS - 42


def test_the_words_for_exact_search_are_labelled_and_name_the_file() -> None:
    words = SceneWords(0, 5, "Hello.", "A beach.", "They meet.", ("Sea",))
    fields = lexical_fields(compose(words, Speech(), "Ferien in Köln.mp4")["lexical"])
    assert fields["combined"] == (
        "File: Ferien in Köln.mp4\nTranscript: Hello.\nDescription: A beach.\nSummary: They meet.\nTags: sea"
    )
    assert fields["tags"] == "sea"


def test_the_channels_have_their_lengths() -> None:
    long = "word " * 2000
    texts = compose(SceneWords(0, 5, long, long, long), Speech(), "a.mp4")
    assert TRANSCRIPT_LETTERS * 0.7 <= len(texts["transcript"]) <= TRANSCRIPT_LETTERS
    assert VISUAL_LETTERS * 0.7 <= len(texts["visual"]) <= VISUAL_LETTERS
    assert SUMMARY_LETTERS * 0.7 <= len(texts["summary"]) <= SUMMARY_LETTERS


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        ("short", 10, "short"),
        ("One two. Three four five", 16, "One two."),  # the sentence keeps half
        ("One. Two three four five six", 20, "One. Two three four"),  # it would not: words
        ("It costs 3.50 or 4.20 euros", 15, "It costs 3.50"),  # a point inside a number ends nothing
        ('He said "no." And went away then', 20, 'He said "no."'),
        ("aaaa bbbbbbbbbbbbbbbbbbbbbb", 20, "aaaa bbbbbbbbbbbbbbb"),  # the word would keep too little
        ("x" * 30, 20, "x" * 20),
        ("今日は晴れです。明日は雨が降るでしょう。", 12, "今日は晴れです。"),
        ("彼は「はい。」と言ったあとで帰った", 9, "彼は「はい。」"),
        ("今日は晴れですが明日は雨が降るでしょう", 12, "今日は晴れですが明日は雨"),
        ("안녕하세요 여러분 오늘은 날씨가 좋습니다", 14, "안녕하세요 여러분 오늘은"),
        ("नमस्ते" * 5, 11, "नमस्तेनमस्"),  # never between a letter and its vowel sign
        ("Ende ganz genau", 10, "Ende ganz"),  # the space stands right behind the limit's last letter
    ],
)
def test_a_cut_is_at_a_sentence_else_at_a_word_else_at_a_letter(text: str, limit: int, expected: str) -> None:
    assert cut(text, limit) == expected
    assert len(cut(text, limit)) <= limit


def test_a_cut_keeps_joined_signs_together() -> None:
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    assert cut("ab" + family * 3, 9) == "ab" + family
    assert cut("e" + "\u0301" * 30, 10) == "e" + "\u0301" * 9  # one letter of marks without end still ends


def test_the_same_facts_give_the_same_digest() -> None:
    one = compose(SceneWords(0, 5, "a  b", "d", "s", ("T",)), Speech(), "f")
    two = compose(SceneWords(0, 5, " a\nb ", "d ", "s", ("t", "T")), Speech(), "f")
    assert one == two
    assert input_digest(one["lexical"]) == hashlib.sha256(one["lexical"].encode()).digest()
    assert json.loads(one["lexical"])["transcript"] == "a b"


def test_texts_that_no_database_takes_are_made_storable() -> None:
    assert storable("a\0b\ud800c") == "a b?c"
    assert clean_tags(["\ud800", "\0"]) == ("?",)
    compose(SceneWords(0, 5, "\ud800"), speech((0, 1, "\udfff")), "\udcff")
