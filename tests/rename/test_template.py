"""Templates: any text is understood or has a fault with a place, and a name never shows what was missing."""

from __future__ import annotations

import re
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reprise.core.renaming import Origin, Value
from reprise.errors import BadTemplate, UsageError
from reprise.rename.names import ILLEGAL, MAX_BYTES, file_name
from reprise.rename.presets import PRESETS, SAMPLE, example, preset
from reprise.rename.template import Severity, Template, check
from reprise.rename.values import FIELDS

VALUES = {name: Value(text, Origin.TAG) for name, text in SAMPLE.items()}
DEFAULT = "{artist} - {title} [{camelot} {bpm}]"
"""The default of the source project."""


def _name(template: str, **values: str) -> str:
    given = {name: Value(text, Origin.TAG) for name, text in values.items()}
    return Template.parse(template).render(given).stem


def test_the_default_of_the_source_project_leaves_no_brackets_behind() -> None:
    """P2-5: without tempo and key it gave "A - T [ ]"."""
    assert _name(DEFAULT, artist="A", title="T") == "A - T"
    assert _name(DEFAULT, artist="A", title="T", bpm="128") == "A - T [128]"
    assert _name(DEFAULT, artist="A", title="T", camelot="8A") == "A - T [8A]"
    assert _name(DEFAULT, artist="A", title="T", camelot="8A", bpm="128") == "A - T [8A 128]"
    assert _name(DEFAULT, title="T") == "T"


@pytest.mark.parametrize(
    ("template", "values", "name"),
    [
        ("{track}. {artist} - {title}", {"title": "T", "artist": "A"}, "A - T"),
        ("{track}. {artist} - {title}", {"title": "T", "track": "05"}, "05 - T"),
        ("{artist} & {remixer} - {title}", {"artist": "A", "title": "T"}, "A - T"),
        ("{artist} - {title} - {album}", {"artist": "A", "album": "B"}, "A - B"),
        ("{artist} - {title} (feat. {remixer}) [{label}]", {"title": "T"}, "T"),
        ("{artist} - {title} (feat. {remixer}) [{label}]", {"title": "T", "label": "L"}, "T [L]"),
        ("{title} ({mix} [{bpm}])", {"title": "T"}, "T"),
        ("{title} ({mix} [{bpm}])", {"title": "T", "mix": "Dub"}, "T (Dub)"),
        ("{title}{mix_paren}{kb}", {"title": "T", "mix_paren": " (Dub)", "kb": " [8A]"}, "T (Dub) [8A]"),
        ("{title} <<by {artist}>, {year}>", {"title": "T", "year": "1999"}, "T, 1999"),
        ("{title}< by {artist}<, {year}>>", {"title": "T", "artist": "A"}, "T by A"),
        ("{title}< by {artist}<, {year}>>", {"title": "T"}, "T"),
        ("{artist|album_artist} - {title}", {"title": "T", "album_artist": "B"}, "B - T"),
        ('{artist|"Unknown Artist"} - {title}', {"title": "T"}, "Unknown Artist - T"),
        ("%artist% - %title% 100%%", {"title": "T", "artist": "A"}, "A - T 100%"),
        ("50% of {title}", {"title": "T"}, "50% of T"),
        ("{{{title}}}", {"title": "T"}, "{T}"),
        ("{track:3} {camelot:2} {title:2}", {"track": "07", "camelot": "8A", "title": "T"}, "007 08A T"),
        ("{track:1} {title}", {"track": "07", "title": "T"}, "7 T"),
        ("{TITLE} {Artist}", {"title": "T", "artist": "A"}, "T A"),
        ("{title} [{tag:My Tag}]", {"title": "T", "tag:My Tag": "x"}, "T [x]"),
        ("{title} [{key}]", {"title": "T", "key": "?"}, "T"),
        ("{title}", {"title": "( )"}, "( )"),
        ("{title}", {"title": "AC/DC: \u202ewho?"}, "AC DC who"),
    ],
)
def test_what_templates_give(template: str, values: dict[str, str], name: str) -> None:
    assert _name(template, **values) == name


def test_the_values_in_a_name_are_told_with_their_origins() -> None:
    values = {"album_artist": Value("B", Origin.MUSICBRAINZ), "year": Value("1999", Origin.TAG)}
    rendered = Template.parse('{artist|album_artist} {title|"untold"}').render(values)
    assert rendered.values == {
        "album_artist": Value("B", Origin.MUSICBRAINZ),
        "title": Value("untold", Origin.DEFAULT),
    }


def test_nothing_to_say_is_an_empty_stem() -> None:
    assert _name(DEFAULT) == ""
    assert _name('{artist|"Unknown"} [{bpm}]') == ""


@pytest.mark.parametrize(
    ("template", "position", "length"),
    [
        ("", 0, 0),
        ("   ", 0, 3),
        ("{artst} - {title}", 1, 5),
        ("{title} {artist", 8, 1),
        ("artist} {title}", 6, 1),
        ("<{artist} {title}", 0, 1),
        ("{artist}> {title}", 8, 1),
        ("<and> {title}", 0, 5),
        ("{album}/{title}", 7, 1),
        ("{album}: {title}", 7, 1),
        ("{title}\x07", 7, 1),
        ("{title}\u202e", 7, 1),
        ("{title} \ud800", 8, 1),
        ("%foo% {title}", 1, 3),
        ("{}", 1, 1),
        ("{title|}", 7, 1),
        ("{title:0}", 7, 1),
        ("{title:12}", 7, 2),
        ("{tag:}", 1, 4),
        ('{"x"|title}', 5, 5),
        ('{title|"a/b"}', 9, 1),
        ("no field", 0, 8),
    ],
)
def test_a_fault_has_its_place(template: str, position: int, length: int) -> None:
    with pytest.raises(BadTemplate) as told:
        Template.parse(template)
    assert (told.value.position, told.value.length) == (position, length)
    first = next(fault for fault in check(template) if fault.severity is Severity.ERROR)
    assert (first.position, first.length) == (position, length)


def test_all_faults_are_told_at_once() -> None:
    assert [fault.position for fault in check("{artst} / {titel} <x")] == [1, 8, 11, 18]


def test_a_near_miss_is_named() -> None:
    assert "did you mean artist?" in check("{artst}")[0].message


def test_what_is_odd_is_only_warned_of() -> None:
    faults = check("  {title}  {artist} ")
    assert [(fault.position, fault.length, fault.severity) for fault in faults] == [
        (0, 2, Severity.WARNING),
        (9, 2, Severity.WARNING),
        (19, 1, Severity.WARNING),
    ]
    assert [fault.position for fault in check("{title}" + "x" * 200)] == [200]
    Template.parse("  {title}  ")


@given(st.text(alphabet=st.sampled_from('{}<>%|:"/ -[]()artise12\x00é名\u202e'), max_size=60))
def test_any_text_is_understood_or_has_a_fault_inside_it(text: str) -> None:
    faults = check(text)
    for fault in faults:
        assert 0 <= fault.position <= fault.position + fault.length <= max(len(text), 0)
        assert fault.message
    errors = [fault for fault in faults if fault.severity is Severity.ERROR]
    if errors:
        with pytest.raises(BadTemplate):
            Template.parse(text)
    else:
        Template.parse(text).render(VALUES)


@given(st.text(max_size=300))
def test_no_text_at_all_breaks_the_check(text: str) -> None:
    for fault in check(text):
        assert 0 <= fault.position <= fault.position + fault.length <= len(text)


_NAMES = st.sampled_from(sorted(FIELDS))
_SEPARATORS = st.sampled_from([" - ", " ", ", ", ". ", "_", "", " & "])


@st.composite
def _templates(draw: st.DrawFn) -> str:
    parts = []
    for _ in range(draw(st.integers(1, 5))):
        field = f"{{{draw(_NAMES)}}}"
        wrap = draw(st.sampled_from(["{}", "[{}]", "({})", "<{}>", "<[{}]>", "[({})]"]))
        parts.append(wrap.format(field + draw(st.sampled_from(["", f" {field}"]))) + draw(_SEPARATORS))
    return "".join(parts)


_WORDS = st.text(alphabet=st.characters(blacklist_characters="()[]{}"), max_size=80)


@settings(max_examples=400)
@given(_templates(), st.dictionaries(_NAMES, _WORDS, max_size=6))
def test_a_name_never_shows_what_was_missing(template: str, values: dict[str, str]) -> None:
    given = {name: Value(text, Origin.TAG) for name, text in values.items()}
    rendered = Template.parse(template).render(given)
    assert not re.search(r"\(\s*\)|\[\s*\]|\(\[\s*\]\)", rendered.stem)
    assert "  " not in rendered.stem
    name = file_name(rendered.stem, ".MP3").text
    assert not ILLEGAL & set(name)
    assert name.endswith(".MP3")
    assert 5 <= len(name.encode()) <= MAX_BYTES
    assert name == name.strip(" .")


@pytest.mark.parametrize("one", PRESETS, ids=lambda one: one.id)
def test_presets_are_without_fault_whatever_is_missing(one: object) -> None:
    found = preset(one.id)  # type: ignore[attr-defined]
    assert check(found.template) == []
    assert found.example.endswith(".mp3")
    template = Template.parse(found.template)
    names = template.fields
    for count in range(1, len(names) + 1):
        for chosen in combinations(names, count):
            stem = template.render({name: VALUES[name] for name in chosen}).stem
            assert stem
            assert not re.search(r"\[\s*\]|\(\s*\)|  |^[\s\-–_.,]|[\s\-–_.,]$|- -|\( |\[ | \)| \]", stem), (
                stem
            )


def test_there_is_no_preset_of_another_name() -> None:
    with pytest.raises(UsageError, match="no preset"):
        preset("dance")


def test_every_field_has_a_sample() -> None:
    assert SAMPLE.keys() == FIELDS.keys()
    assert example(Template.parse("{tag:Energy} {title}")) == "Energy Roygbiv.mp3"
