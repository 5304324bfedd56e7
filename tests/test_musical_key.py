"""Keys in every notation that tags are written in."""

from __future__ import annotations

import pytest

from reprise.core.musical_key import MusicalKey, all_keys

CIRCLE = [
    "Abm",
    "B",
    "Ebm",
    "F#",
    "Bbm",
    "Db",
    "Fm",
    "Ab",
    "Cm",
    "Eb",
    "Gm",
    "Bb",
    "Dm",
    "F",
    "Am",
    "C",
    "Em",
    "G",
    "Bm",
    "D",
    "F#m",
    "A",
    "C#m",
    "E",
]
"""1A, 1B, 2A, 2B … 12A, 12B, as printed on every Camelot wheel."""


def test_the_camelot_wheel_is_the_printed_one() -> None:
    printed = {
        f"{hour}{'AB'[side]}": CIRCLE[2 * (hour - 1) + side] for hour in range(1, 13) for side in (0, 1)
    }
    for camelot, name in printed.items():
        assert MusicalKey.parse(camelot) == MusicalKey.parse(name)
    assert {key.camelot for key in all_keys()} == set(printed)


@pytest.mark.parametrize("key", all_keys(), ids=lambda key: key.name)
def test_every_notation_of_a_key_is_read_back(key: MusicalKey) -> None:
    for text in (
        key.name,
        key.long_name,
        key.long_name.upper(),
        key.camelot,
        key.camelot.lower(),
        key.open_key,
    ):
        assert MusicalKey.parse(text) == key
    assert key.relative.relative == key
    assert key.relative.camelot[:-1] == key.camelot[:-1]


@pytest.mark.parametrize(
    ("text", "camelot"),
    [
        ("Am", "8A"), ("A minor", "8A"), ("a-moll", "8A"), ("Amin", "8A"), ("08A", "8A"), ("1m", "8A"), ("01M", "8A"),
        ("C", "8B"), ("C maj", "8B"), ("CM", "8B"), ("c dur", "8B"), ("1d", "8B"), (" C ", "8B"),
        ("F♯ maj", "2B"), ("Gb", "2B"), ("G♭", "2B"), ("Bb", "6B"), ("B b", "6B"), ("Abmin", "1A"), ("G#m", "1A"), ("Cb", "1B"),
    ],
)  # fmt: skip
def test_tags_are_understood(text: str, camelot: str) -> None:
    key = MusicalKey.parse(text)
    assert key is not None
    assert key.camelot == camelot


@pytest.mark.parametrize(
    "text", ["", " ", "o", "H", "13A", "0A", "8C", "13m", "A min or", "128", "All", "minor", "A##"]
)
def test_what_is_no_key_is_none(text: str) -> None:
    assert MusicalKey.parse(text) is None
