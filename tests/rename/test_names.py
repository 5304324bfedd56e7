"""Names that every system takes, and that say what was written."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.rename.names import MAX_BYTES, cut, file_name, legal, numbered

FAMILY = "👨‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("AC/DC", "AC DC.mp3"),
        ('a\\b:c*d?e"f<g>h|i', "a b c d e f g h i.mp3"),
        ("  ..dots and spaces. . ", "dots and spaces.mp3"),
        ("tab\tand\r\nbreak\u2028", "tab and break.mp3"),
        ("\u3000wide\u00a0space ", "wide space.mp3"),
        ("nul\x00bell\x07", "nulbell.mp3"),
        ("evil\u202egpj.exe", "evilgpj.exe.mp3"),
        ("\u2066isolate\u2069 \u200bzero\ufeff", "isolate zero.mp3"),
        ("half\ud800pair", "halfpair.mp3"),
        ("", "untitled.mp3"),
        ("???", "untitled.mp3"),
        ("...", "untitled.mp3"),
        ("e\u0301te\u0301", "\u00e9t\u00e9.mp3"),
        ("① ﬁ ² Ⅳ ｱ", "① ﬁ ² Ⅳ ｱ.mp3"),
        ("می\u200cخواهم", "می\u200cخواهم.mp3"),
        (FAMILY, f"{FAMILY}.mp3"),
        ("שלום", "שלום.mp3"),
    ],
)
def test_what_stems_become(stem: str, name: str) -> None:
    assert file_name(stem, ".mp3").text == name


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("CON", "CON_.mp3"),
        ("nul", "nul_.mp3"),
        ("Com1.live", "Com1_.live.mp3"),
        ("LPT²", "LPT²_.mp3"),
        ("aux . x", "aux_. x.mp3"),
        ("conin$", "conin$_.mp3"),
    ],
)
def test_devices_of_windows_get_another_name(stem: str, name: str) -> None:
    assert file_name(stem, ".mp3") == (name, False, True)


@pytest.mark.parametrize("stem", ["Console", "Connie", "com", "com10", "lpt", "a con", "nul nul"])
def test_what_only_looks_like_a_device_stays(stem: str) -> None:
    assert file_name(stem, ".mp3").text == f"{stem}.mp3"


@pytest.mark.parametrize("suffix", [".mp3", ".MP3", ".Flac", ".m4a"])
def test_the_suffix_stays_as_it_is(suffix: str) -> None:
    """P2-7: it was forced to ".mp3"."""
    assert file_name("x" * 500, suffix).text.endswith(f"x{suffix}")


@pytest.mark.parametrize("letter", ["x", "é", "日", "😀", "e\u0323\u0302", FAMILY, "🇩🇪", "👍🏽", "क्ष", "한"])
def test_names_are_cut_at_255_bytes_between_letters(letter: str) -> None:
    """P2-6: 140 characters of Japanese are 420 bytes, which no file system takes."""
    name = file_name(letter * 300, ".flac")
    stem = name.text.removesuffix(".flac")
    whole = unicodedata.normalize("NFC", letter)
    assert name.shortened
    assert MAX_BYTES - len(whole.encode()) < len(name.text.encode()) <= MAX_BYTES
    assert stem == whole * (len(stem) // len(whole))


def test_only_a_letter_that_is_too_long_itself_is_cut() -> None:
    name = file_name("z" + "\u0334" * 5000, ".mp3").text
    assert name.startswith("z\u0334")
    assert len(name.encode()) <= MAX_BYTES


def test_what_fits_is_not_cut() -> None:
    assert file_name("日" * 83 + "xx", ".mp3") == ("日" * 83 + "xx.mp3", False, False)
    assert file_name("日" * 84, ".mp3").shortened


def test_no_dot_or_space_is_left_where_it_was_cut() -> None:
    assert cut("abc . def", 6) == "abc"
    assert cut("abc def", 4) == "abc"


def test_numbers_are_never_cut() -> None:
    assert numbered("Song", 2, ".mp3") == "Song (2).mp3"
    long = numbered("日" * 300, 1234, ".mp3")
    assert long.endswith("日 (1234).mp3")
    assert len(long.encode()) <= MAX_BYTES


@given(st.text(max_size=400), st.sampled_from([".mp3", ".FLAC", ".description.txt"]))
def test_any_text_becomes_a_name(text: str, suffix: str) -> None:
    name = file_name(text, suffix).text
    encoded = name.encode()
    assert len(encoded) <= MAX_BYTES
    assert not set(name) & set('\\/:"*?<>|')
    assert not any(unicodedata.category(c) in ("Cc", "Cs") or c in "\u202a\u202e\u2066" for c in name)
    stem = name.removesuffix(suffix)
    assert stem
    assert stem == stem.strip(" .")
    assert unicodedata.is_normalized("NFC", name)
    assert file_name(stem, suffix).text == name


@given(st.text(max_size=100))
def test_what_is_legal_stays(text: str) -> None:
    once = legal(text)
    assert legal(once) == once
