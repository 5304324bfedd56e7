"""What is told by a title and by a file's name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.rename.words import (
    MIX_WORDS,
    is_no_title,
    is_nobody,
    read_name,
    remixer_of,
    split_mix,
    without_artist,
)


@pytest.mark.parametrize(
    ("stem", "artist", "title", "track"),
    [
        ("03 - Artist - Title", "Artist", "Title", 3),
        ("03. Title", None, "Title", 3),
        ("03.Title", None, "Title", 3),
        ("03_Title", None, "Title", 3),
        ("03_Artist_-_Some_Title", "Artist", "Some Title", 3),
        ("(03) Title", None, "Title", 3),
        ("[03] - Title", None, "Title", 3),
        ("01 Artist - Title", "Artist", "Title", 1),
        ("02 2 Unlimited - No Limit", "2 Unlimited", "No Limit", 2),
        ("00 - Intro", None, "Intro", None),
        ("Artist – Title", "Artist", "Title", None),
        ("Artist - Title - Radio Edit", "Artist", "Title - Radio Edit", None),
        ("03 - 1979", None, "1979", 3),
        ("Artist - Title [8A 128]", "Artist", "Title", None),
        ("Artist - Title (Club Mix) [12B]", "Artist", "Title (Club Mix)", None),
        ("Artist - Title [128]", "Artist", "Title", None),
        # numbers that are part of a name
        ("50 Cent - In Da Club", "50 Cent", "In Da Club", None),
        ("2 Unlimited - No Limit", "2 Unlimited", "No Limit", None),
        ("311 - Amber", "311", "Amber", None),
        ("99 Problems", None, "99 Problems", None),
        ("4-Track Demo", None, "4-Track Demo", None),
        ("1979", None, "1979", None),
        ("24", None, "24", None),
        ("3.14", None, "3.14", None),
        ("Jay-Z", None, "Jay-Z", None),
        ("", None, None, None),
    ],
)
def test_names(stem: str, artist: str | None, title: str | None, track: int | None) -> None:
    found = read_name(stem)
    assert (found.artist, found.title, found.track) == (artist, title, track)


def test_a_name_with_disc_and_one_with_an_album() -> None:
    assert read_name("2-07 - Title") == ("Title", None, None, 7, 2)
    assert read_name("Artist - Album - 03 - Title") == ("Title", "Artist", "Album", 3, None)


def test_who_is_known_tells_which_side_is_the_artist() -> None:
    assert read_name("Roygbiv - Boards of Canada", artist="boards of canada").title == "Roygbiv"


@given(st.text())
def test_any_name_tells_something_or_nothing(stem: str) -> None:
    found = read_name(stem)
    assert found.title or not stem
    assert found.track is None or found.track > 0


@pytest.mark.parametrize("word", MIX_WORDS)
def test_all_thirteen_words_make_a_mix(word: str) -> None:
    assert len(MIX_WORDS) == 13
    assert split_mix(f"Title (Some {word.title()})") == ("Title", f"Some {word.title()}")
    assert split_mix(f"Title [{word.upper()}]") == ("Title", word.upper())
    assert split_mix(f"Title - Some {word}") == ("Title", f"Some {word}")


@pytest.mark.parametrize(
    ("title", "bare", "mix"),
    [
        ("Title [Club Mix] (feat. X)", "Title (feat. X)", "Club Mix"),
        ("Title (Original Mix) [2020 Remaster]", "Title", "Original Mix, 2020 Remaster"),
        ("Title - Remastered 2011", "Title", "Remastered 2011"),
        ("Title - 2011 Remaster", "Title", "2011 Remaster"),
        ("Title (A Cappella)", "Title", "A Cappella"),
        ("Title(Dub)", "Title", "Dub"),
        ("Title (Live)", "Title (Live)", None),
        ("(Instrumental)", "(Instrumental)", None),
        ("Mix", "Mix", None),
        ("Radio Radio", "Radio Radio", None),
        ("One - Two", "One - Two", None),
        ("Video - Radio Star", "Video - Radio Star", None),
        ("Title (Mixtape)", "Title (Mixtape)", None),
        ("", "", None),
    ],
)
def test_mixes(title: str, bare: str, mix: str | None) -> None:
    assert split_mix(title) == (bare, mix)


@given(st.text())
def test_a_title_never_becomes_empty(title: str) -> None:
    assert bool(split_mix(title)[0]) == bool(title)


def test_remixers() -> None:
    assert remixer_of("DJ Koze Remix") == "DJ Koze"
    assert remixer_of("Koze's Bootleg") == "Koze"
    assert remixer_of("Club Remix") is None
    assert remixer_of("Extended Mix") is None


def test_what_programs_write_for_nothing() -> None:
    assert all(map(is_nobody, ("Unknown Artist", "various", "VA", "<unknown>", "Various Artists")))
    assert all(map(is_no_title, ("Track 01", "track1", "Untitled", "Audio Track 3", "Unknown", "Piste 2")))
    assert not any(
        map(is_no_title, ("Track of the Year", "22", "1979", "Untitled Nr. 4", "Unknown Pleasures"))
    )


def test_an_artist_is_not_said_twice() -> None:
    assert without_artist("Boards of Canada - Roygbiv", "BOARDS OF CANADA") == "Roygbiv"
    assert without_artist("Other - Roygbiv", "Boards of Canada") == "Other - Roygbiv"
    assert without_artist("Artist - ", "Artist") == "Artist - "
