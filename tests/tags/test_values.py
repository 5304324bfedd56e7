"""What a name can say of a track, and which origin wins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.core.analysis import Analysis, HeardKey, HeardTempo
from reprise.core.file_fields import FileFields, OnlineFacts
from reprise.core.items import Tags
from reprise.core.musical_key import MusicalKey, all_keys
from reprise.core.renaming import Origin
from reprise.rename.values import FIELDS, KeyDisplay, ValueRules, key_in, values_of


def heard_as(bpm: float | None = None, key: str | None = None) -> Analysis:
    parsed = MusicalKey.parse(key) if key else None
    return Analysis(
        seconds=60.0,
        whole=True,
        tempo=None if bpm is None else HeardTempo(bpm, 0.9),
        key=None if parsed is None else HeardKey(parsed, 0.5),
        loudness=None,
        lead_silence=0.0,
        tail_silence=0.0,
        tuning=0.0,
    )


def texts(fields: FileFields, stem: str = "x", **given: object) -> dict[str, str]:
    return {name: value.text for name, value in values_of(fields, stem, **given)[0].items()}  # type: ignore[arg-type]


FULL = FileFields(
    tags=Tags(
        "Roygbiv (Extended Mix)", "Boards of Canada", "MHTRTC", "BoC", "IDM", 1998, 3, 1, 127.6, "8A", 245.0
    ),
    tracks=12,
    discs=2,
    label="Warp",
    composer="Sandison",
    comment="loud",
    isrc="GB1",
    catalog="WARP55",
    bitrate=320,
    other={"mood": "calm", "catalog_number": "WARP55"},
)


def test_everything_that_tags_say() -> None:
    assert texts(FULL, "old name") == {
        "artist": "Boards of Canada", "title": "Roygbiv", "album": "MHTRTC", "album_artist": "BoC", "label": "Warp",
        "year": "1998", "track": "03", "tracks": "12", "disc": "1", "discs": "2", "bpm": "128", "key": "Am",
        "camelot": "8A", "openkey": "1m", "mix": "Extended Mix", "mix_paren": " (Extended Mix)", "kb": " [8A 128]",
        "genre": "IDM", "composer": "Sandison", "comment": "loud", "isrc": "GB1", "catalog": "WARP55",
        "duration": "4m05s", "bitrate": "320", "filename": "old name",
    }  # fmt: skip
    values, notes = values_of(FULL, "old name")
    assert {value.origin for name, value in values.items() if name != "filename"} == {Origin.TAG}
    assert notes == ()
    assert set(values) <= set(FIELDS)


def test_any_other_tag_is_given_when_asked_for() -> None:
    rules = ValueRules(tags=("Mood", "CATALOG NUMBER", "artist", "bpm", "nothing"))
    found = texts(FULL, rules=rules)
    assert found["tag:Mood"] == "calm"
    assert found["tag:CATALOG NUMBER"] == "WARP55"
    assert found["tag:artist"] == "Boards of Canada"
    assert found["tag:bpm"] == "127.6"
    assert "tag:nothing" not in found


def test_without_tags_the_name_tells() -> None:
    """P2-9: such files were skipped."""
    values, _ = values_of(FileFields(), "03 - Somebody - Song (Club Mix)")
    assert {name: value.text for name, value in values.items()} == {
        "artist": "Somebody", "title": "Song", "track": "03", "mix": "Club Mix", "mix_paren": " (Club Mix)",
        "filename": "03 - Somebody - Song (Club Mix)",
    }  # fmt: skip
    assert {value.origin for value in values.values()} == {Origin.FILE_NAME}


def test_a_name_alone_is_a_title() -> None:
    assert texts(FileFields(), "whatever") == {"title": "whatever", "filename": "whatever"}
    assert texts(FileFields(), "") == {}


@pytest.mark.parametrize(
    "tag", ["8A", "08A", "Am", "A minor", "a-moll", "1m", "A min", "8A/Am", "Am (8A)", "8A - 128"]
)
def test_keys_in_any_notation(tag: str) -> None:
    """P2-4: Camelot in the key's tag was discarded."""
    found = texts(FileFields(tags=Tags(key=tag)))
    assert (found["key"], found["camelot"], found["openkey"], found["kb"]) == ("Am", "8A", "1m", " [8A]")


@pytest.mark.parametrize("key", all_keys())
def test_every_key_survives_every_notation(key: MusicalKey) -> None:
    for text in (key.name, key.long_name, key.camelot, key.open_key):
        assert key_in(text) == key
    assert KeyDisplay.BOTH.show(key) == f"{key.name} {key.camelot}"


def test_a_key_that_is_none() -> None:
    values, notes = values_of(FileFields(tags=Tags(key="All")), "x", heard_as(key="Cm"))
    assert values["key"] == ("Cm", Origin.AUDIO)
    assert "'All' is no key" in notes[0]
    assert "key" not in texts(FileFields(tags=Tags(key="x" * 5000)))


@pytest.mark.parametrize(
    ("bpm", "text"), [(60.0, "60"), (59.6, "60"), (200.4, "200"), (59.4, None), (201.0, None), (999.0, None)]
)
def test_tempo_has_bounds(bpm: float, text: str | None) -> None:
    values, notes = values_of(FileFields(tags=Tags(bpm=bpm)), "x")
    assert (values["bpm"].text if "bpm" in values else None) == text
    assert bool(notes) == (text is None)


@pytest.mark.parametrize(
    ("tag", "heard", "verify", "text", "origin", "said"),
    [
        (None, 128.3, False, "128", Origin.AUDIO, ""),
        (128.0, 128.9, False, "128", Origin.TAG, ""),
        (128.0, 131.0, False, "128", Origin.TAG, "the tags stand"),
        (128.0, 131.0, True, "128", Origin.TAG, "the tags stand"),  # 2.3 %
        (128.0, 140.0, False, "128", Origin.TAG, "the tags stand"),
        (128.0, 140.0, True, "140", Origin.AUDIO, "what was heard wins"),
        (87.0, 174.2, True, "87", Origin.TAG, "double"),
        (174.0, 87.1, True, "174", Origin.TAG, "half"),
        (300.0, 150.0, False, "150", Origin.AUDIO, "no tempo between"),
        (128.0, 240.0, True, "128", Origin.TAG, "no tempo between"),
    ],
)
def test_tempo_of_tags_and_ear(
    tag: float | None, heard: float, verify: bool, text: str, origin: Origin, said: str
) -> None:
    values, notes = values_of(FileFields(tags=Tags(bpm=tag)), "x", heard_as(heard), None, ValueRules(verify))
    assert values["bpm"] == (text, origin)
    assert said in " ".join(notes)
    assert bool(notes) == bool(said)


def test_keys_that_sound_the_same_are_equal() -> None:
    assert values_of(FileFields(tags=Tags(key="G#m")), "x", heard_as(key="Abm"))[1] == ()
    values, notes = values_of(FileFields(tags=Tags(key="Am")), "x", heard_as(key="C"))
    assert values["camelot"] == ("8A", Origin.TAG)
    assert notes == ("heard C, the tags say Am: the tags stand",)


@pytest.mark.parametrize(
    ("display", "text"), [("musical", "F#m"), ("camelot", "11A"), ("open-key", "4m"), ("both", "F#m 11A")]
)
def test_keys_as_people_like_them(display: str, text: str) -> None:
    rules = ValueRules(key_display=KeyDisplay(display))
    assert texts(FileFields(), heard=heard_as(key="F#m"), rules=rules)["key"] == text


ONLINE = OnlineFacts("id", 0.9, "Boards of Canada", "Roygbiv", "Music Has the Right to Children", 1998)


def test_musicbrainz_fills_what_is_empty_when_it_is_sure() -> None:
    placeholders = FileFields(tags=Tags(title="Track 05", artist="Unknown Artist"))
    values, notes = values_of(placeholders, "05 - someone - something", None, ONLINE)
    assert values["artist"] == ("Boards of Canada", Origin.MUSICBRAINZ)
    assert values["title"] == ("Roygbiv", Origin.MUSICBRAINZ)
    assert values["album"].origin is values["year"].origin is Origin.MUSICBRAINZ
    assert values["track"] == ("05", Origin.FILE_NAME)
    assert len(notes) == 2


def test_musicbrainz_never_replaces_what_is_there() -> None:
    values, notes = values_of(
        FileFields(tags=Tags(title="Own", artist="boards of canada")), "x", None, ONLINE
    )
    assert values["title"] == ("Own", Origin.TAG)
    assert values["artist"] == ("boards of canada", Origin.TAG)
    assert notes == ("MusicBrainz knows the title as 'Roygbiv'; the tags stand",)


def test_musicbrainz_that_is_not_sure_only_leaves_a_note() -> None:
    values, notes = values_of(FileFields(), "Name - Song", None, OnlineFacts("id", 0.84, "Other"))
    assert values["artist"] == ("Name", Origin.FILE_NAME)
    assert "84%" in notes[0]


@pytest.mark.parametrize("artist", ["Unknown Artist", "Various", "VA"])
def test_placeholders_count_as_empty(artist: str) -> None:
    """No name says "Unknown Artist"."""
    values, notes = values_of(FileFields(tags=Tags(artist=artist, title="Track 01")), "Real - Song")
    assert (values["artist"], values["title"]) == (("Real", Origin.FILE_NAME), ("Song", Origin.FILE_NAME))
    assert len(notes) == 2
    assert "artist" not in texts(FileFields(tags=Tags(artist=artist, title="Song")), "Song")


def test_the_albums_artist_stands_in() -> None:
    assert texts(FileFields(tags=Tags(title="Song", album_artist="Band")), "03 - Song")["artist"] == "Band"
    assert "artist" not in texts(
        FileFields(tags=Tags(title="Song", album_artist="Various Artists")), "03 - Song"
    )


def test_a_title_with_its_artist_in_front() -> None:
    found = texts(
        FileFields(tags=Tags(title="Boards of Canada - Roygbiv - Extended Mix", artist="Boards of Canada"))
    )
    assert (found["artist"], found["title"], found["mix"]) == ("Boards of Canada", "Roygbiv", "Extended Mix")
    found = texts(FileFields(tags=Tags(title="Real - Song")), "Real - Song")
    assert (found["artist"], found["title"]) == ("Real", "Song")


def test_a_mix_of_its_own_tag() -> None:
    found = texts(FileFields(tags=Tags(title="Song"), mix="Koze Remix"))
    assert (found["title"], found["mix"], found["remixer"]) == ("Song", "Koze Remix", "Koze")
    assert texts(FileFields(tags=Tags(title="Song (Koze Remix)"), mix="koze remix"))["title"] == "Song"
    assert "mix" not in texts(FileFields(tags=Tags(title="Song"), subtitle="Live in Berlin"))
    assert texts(FileFields(tags=Tags(title="Song"), subtitle="Dub Version"))["mix"] == "Dub Version"


def test_track_numbers() -> None:
    assert "track" not in texts(FileFields(tags=Tags(title="a", artist="b", track=0)))
    assert texts(FileFields(tags=Tags(title="a", artist="b", track=7), tracks=120))["track"] == "007"
    assert texts(FileFields(tags=Tags(title="a", artist="b", track=107)))["track"] == "107"
    assert texts(FileFields(tags=Tags(title="a", artist="b")), "07_a")["track"] == "07"


anything = st.one_of(st.none(), st.text(max_size=60))


@given(
    st.builds(Tags, anything, anything, anything, anything, anything, st.none() | st.integers(), st.none() | st.integers(0, 9999),
              st.none() | st.integers(0, 99), st.none() | st.floats(0.1, 999), anything, st.none() | st.floats(0, 1e6)),
    st.text(max_size=60),
    st.none() | st.floats(1, 999),
)  # fmt: skip
def test_any_tags_and_any_name_give_values(tags: Tags, stem: str, bpm: float | None) -> None:
    values, _ = values_of(FileFields(tags=tags), stem, heard_as(bpm))
    assert all(value.text for value in values.values())
    assert ("title" in values) or not (stem or tags.title)
