"""Who gets which name: what only looks like a clash is none, and what is one is numbered."""

from __future__ import annotations

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.rename.clashes import Wish, clash_key, settled

NFC, NFD = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")


def _settled(moves: dict[str, str], *staying: str) -> dict[str, str]:
    wishes = [Wish(f"{old}.mp3".encode(), new, ".mp3") for old, new in sorted(moves.items())]
    names = settled(wishes, [name.encode() for name in staying])
    return {old: name.removesuffix(".mp3") for old, name in zip(sorted(moves), names, strict=True)}


def test_a_swap_is_done_not_numbered() -> None:
    """P2-8: it ended with a " (2)"."""
    assert _settled({"A": "B", "B": "A"}) == {"A": "B", "B": "A"}


def test_cycles_and_chains_are_no_clashes() -> None:
    assert _settled({"A": "B", "B": "C", "C": "A"}) == {"A": "B", "B": "C", "C": "A"}
    assert _settled({"A": "B", "B": "C", "C": "D"}) == {"A": "B", "B": "C", "C": "D"}


def test_a_name_that_only_changes_its_capitals_is_no_clash() -> None:
    assert _settled({"song": "Song"}) == {"song": "Song"}
    assert _settled({NFD: NFC}) == {NFD: NFC}


def test_two_that_want_one_name_are_numbered() -> None:
    assert _settled({"1": "Song", "2": "Song", "3": "Song"}) == {
        "1": "Song",
        "2": "Song (2)",
        "3": "Song (3)",
    }


@pytest.mark.parametrize("there", ["Song.mp3", "SONG.MP3", "song.mp3"])
def test_a_file_that_stays_keeps_its_name(there: str) -> None:
    assert _settled({"1": "Song"}, there) == {"1": "Song (2)"}


def test_names_that_differ_in_capitals_or_form_clash() -> None:
    assert _settled({"1": "Song", "2": "SONG"}) == {"1": "Song", "2": "SONG (2)"}
    assert _settled(
        {"1": NFC, "2": NFC},
    ) == {"1": NFC, "2": f"{NFC} (2)"}
    assert _settled({"1": "x", NFD: NFC, NFC: NFC}) == {"1": "x", NFD: f"{NFC} (2)", NFC: NFC}
    assert _settled({"1": "caf\u00e9"}, "CAFE\u0301.mp3") == {"1": "caf\u00e9 (2)"}


def test_whoever_has_the_name_keeps_it() -> None:
    assert _settled({"A": "Z", "Z": "Z"}) == {"A": "Z (2)", "Z": "Z"}


def test_twins_that_have_their_names_stay_as_they_are() -> None:
    """A file system that parts them holds both: nothing is to be done."""
    assert _settled({"song": "song", "SONG": "SONG"}) == {"song": "song", "SONG": "SONG"}


def test_numbers_pass_over_names_that_are_taken() -> None:
    assert _settled({"1": "Song", "2": "Song"}, "song (2).mp3") == {"1": "Song", "2": "Song (3)"}
    wanted = {"1": "Song", "2": "Song", "3": "Song (2)"}
    assert _settled(wanted) == {"1": "Song", "2": "Song (3)", "3": "Song (2)"}


def test_a_second_plan_changes_nothing() -> None:
    many = {f"{number:02}": "Song" for number in range(1, 15)}
    first = _settled(many)
    again = _settled(dict.fromkeys(first.values(), "Song"))
    assert again == {name: name for name in first.values()}


def test_a_number_goes_when_nobody_has_the_name() -> None:
    assert _settled({"Song (2)": "Song"}) == {"Song (2)": "Song"}
    assert _settled({"Song (2)": "Song", "x": "Song"}) == {"Song (2)": "Song (2)", "x": "Song"}


def test_a_refused_file_stays_in_the_way() -> None:
    assert _settled({"A": "B"}, "B.mp3") == {"A": "B (2)"}


def test_suffixes_part_names() -> None:
    wishes = [
        Wish(b"1.mp3", "Song", ".mp3"),
        Wish(b"1.flac", "Song", ".flac"),
        Wish(b"2.MP3", "Song", ".MP3"),
    ]
    assert settled(wishes, []) == ["Song.mp3", "Song.flac", "Song (2).MP3"]


def test_long_names_are_numbered_within_255_bytes() -> None:
    wishes = [Wish(b"%d.mp3" % number, "日" * 83, ".mp3") for number in range(12)]
    names = settled(wishes, [])
    assert len(set(names)) == 12
    assert all(len(name.encode()) <= 255 for name in names)
    assert names[11].endswith("日 (12).mp3")


def test_names_that_are_no_text_have_keys_too() -> None:
    assert clash_key(b"\xff.mp3") != clash_key(b"\xfe.mp3")
    assert clash_key("Å".encode()) == clash_key("\u212b".encode()) == clash_key("a\u030a".encode())


_WORDS = st.sampled_from(["a", "A", "b", NFC, NFD, "É", "c", "a (2)", "A (3)", "b (2)", "straße", "STRASSE"])


@given(st.dictionaries(_WORDS, _WORDS, max_size=9), st.sets(_WORDS, max_size=4))
def test_names_are_never_given_twice(moves: dict[str, str], staying: set[str]) -> None:
    staying -= moves.keys()
    wishes = [
        Wish(os.fsencode(f"{old}.mp3"), unicodedata.normalize("NFC", new), ".mp3")
        for old, new in sorted(moves.items())
    ]
    names = settled(wishes, [f"{name}.mp3".encode() for name in staying])
    moved = [
        os.fsencode(name) for name, wish in zip(names, wishes, strict=True) if os.fsencode(name) != wish.old
    ]
    kept = [wish.old for name, wish in zip(names, wishes, strict=True) if os.fsencode(name) == wish.old]
    assert len({*moved, *kept}) == len(wishes)
    still = {clash_key(f"{name}.mp3".encode()) for name in staying} | {clash_key(name) for name in kept}
    keys = [clash_key(name) for name in moved]
    assert len(set(keys)) == len(keys)
    assert not still & set(keys)


@given(st.dictionaries(_WORDS, _WORDS, max_size=9), st.sets(_WORDS, max_size=4))
def test_planning_what_was_planned_is_nothing(moves: dict[str, str], staying: set[str]) -> None:
    staying -= moves.keys()
    stays = [f"{name}.mp3".encode() for name in staying]
    items = sorted((f"{old}.mp3".encode(), unicodedata.normalize("NFC", new)) for old, new in moves.items())
    names = settled([Wish(old, new, ".mp3") for old, new in items], stays)
    second = sorted((name.encode(), new) for name, (_, new) in zip(names, items, strict=True))
    assert settled([Wish(old, new, ".mp3") for old, new in second], stays) == [
        old.decode() for old, _ in second
    ]
