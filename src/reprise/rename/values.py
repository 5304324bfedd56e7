"""What a name can say of a track, and which origin wins: its tags, its name, its sound, or MusicBrainz.

The file's own tags win. What they lack comes from MusicBrainz (when it is sure), the file's name (artist, title, album,
numbers) or the sound (tempo, key). Where origins disagree there is a note in words.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from reprise.core.musical_key import MusicalKey
from reprise.core.renaming import Origin, Value
from reprise.rename.words import (
    folded,
    is_no_title,
    is_nobody,
    read_name,
    remixer_of,
    split_mix,
    without_artist,
)

if TYPE_CHECKING:
    from reprise.core.analysis import Analysis, HeardTempo
    from reprise.core.file_fields import FileFields, OnlineFacts
    from reprise.core.items import Tags
    from reprise.rename.words import NameParts

FIELDS = {
    "artist": "who plays it",
    "title": "what it is called, without its mix",
    "album": "the album",
    "album_artist": "whose album it is",
    "label": "who publishes it",
    "year": "1900 to 2099",
    "track": "its number on the album, of two digits",
    "tracks": "how many tracks the album has",
    "disc": "the number of its disc",
    "discs": "how many discs the album has",
    "bpm": "beats per minute, 60 to 200, rounded",
    "key": "the key as you like to read it (setting key_display)",
    "camelot": "the key on the Camelot wheel: 8A",
    "openkey": "the key as Open Key: 1m",
    "mix": "Extended Mix, Radio Edit …",
    "mix_paren": "the mix in brackets, with a space before it",
    "kb": "Camelot key and tempo in square brackets, with a space before them",
    "genre": "the genre",
    "composer": "who wrote it",
    "remixer": "who made the remix",
    "comment": "the comment",
    "isrc": "the recording's ISRC",
    "catalog": "the label's catalogue number",
    "duration": "its length: 4m05s",
    "bitrate": "kbit/s",
    "filename": "the name it has now, without suffix",
}
"""Every field of a template, but for ``tag:NAME``, which is any tag of the file."""

LOWEST_BPM, HIGHEST_BPM = 60, 200
_EQUAL_BPM = 1.0
_FAR_BPM = 0.05  # of the tag's tempo
_SURE = 0.85
"""Confidence from which MusicBrainz fills what the tags lack."""


class KeyDisplay(StrEnum):
    """``BOTH`` is musical and Camelot: "Am 8A"."""

    MUSICAL = "musical"
    CAMELOT = "camelot"
    OPEN_KEY = "open-key"
    BOTH = "both"

    def show(self, key: MusicalKey) -> str:
        if self is KeyDisplay.MUSICAL:
            return key.name
        if self is KeyDisplay.CAMELOT:
            return key.camelot
        return key.open_key if self is KeyDisplay.OPEN_KEY else f"{key.name} {key.camelot}"


@dataclass(frozen=True, slots=True)
class ValueRules:
    """``verify``: a tempo that was heard wins over a tag that is more than 5 % off. ``tags``: the NAMEs of
    ``{tag:NAME}`` that are wanted besides :data:`FIELDS`."""

    verify: bool = False
    key_display: KeyDisplay = KeyDisplay.MUSICAL
    tags: tuple[str, ...] = ()


USUAL_RULES = ValueRules()


def values_of(
    fields: FileFields,
    stem: str,
    heard: Analysis | None = None,
    online: OnlineFacts | None = None,
    rules: ValueRules = USUAL_RULES,
) -> tuple[dict[str, Value], tuple[str, ...]]:
    """All values of one track by the names of :data:`FIELDS`, and notes on where origins disagreed.

    Args:
        fields: what the file says.
        stem: its name without suffix.
        heard: what was heard of it.
        online: what MusicBrainz knows of it.

    Returns:
        Values that are known (nothing is made up for the others) and the notes, in words.
    """
    found: dict[str, Value] = {}
    notes: list[str] = []
    _say_what_tags_say(found, fields)
    _identify(found, notes, fields.tags, stem, online)
    _split_off_mix(found, fields)
    _tempo(found, notes, fields.tags.bpm, None if heard is None else heard.tempo, rules)
    _key(found, notes, fields.tags.key, None if heard is None or heard.key is None else heard.key.key, rules)
    _combine(found)
    for name in rules.tags:
        if text := fields.tag(name):
            found[f"tag:{name}"] = Value(text, Origin.TAG)
    if stem:
        found["filename"] = Value(stem, Origin.FILE_NAME)
    return found, tuple(notes)


def _say_what_tags_say(found: dict[str, Value], fields: FileFields) -> None:
    tags = fields.tags
    plain = (
        ("album_artist", tags.album_artist), ("genre", tags.genre), ("label", fields.label), ("remixer", fields.remixer),
        ("composer", fields.composer), ("comment", fields.comment), ("isrc", fields.isrc), ("catalog", fields.catalog),
    )  # fmt: skip
    for name, text in plain:
        if text:
            found[name] = Value(text, Origin.TAG)
    numbers = (
        ("tracks", fields.tracks),
        ("disc", tags.disc),
        ("discs", fields.discs),
        ("bitrate", fields.bitrate),
    )
    for name, number in numbers:
        if number:
            found[name] = Value(str(number), Origin.TAG)
    if tags.duration:
        found["duration"] = Value("{}m{:02}s".format(*divmod(round(tags.duration), 60)), Origin.TAG)


def _identify(
    found: dict[str, Value], notes: list[str], tags: Tags, stem: str, online: OnlineFacts | None
) -> None:
    """Artist, title, album, year and numbers: tags, else MusicBrainz when sure, else the file's name."""
    artist = tags.artist if tags.artist and not is_nobody(tags.artist) else None
    title = tags.title if tags.title and not is_no_title(tags.title) else None
    album = tags.album if tags.album and not is_no_title(tags.album) else None
    year = str(tags.year) if tags.year and 1900 <= tags.year <= 2099 else None
    said = {"artist": artist, "title": title, "album": album, "year": year}
    for name, text in said.items():
        if text:
            found[name] = Value(text, Origin.TAG)
    if online is not None:
        _ask_musicbrainz(found, notes, online)
    if "artist" not in found or "title" not in found or not tags.track:
        _ask_the_name(found, read_name(stem, artist=artist))
    if tags.track:
        found["track"] = Value(str(tags.track), Origin.TAG)
    if "artist" not in found and tags.album_artist and not is_nobody(tags.album_artist):
        found["artist"] = Value(tags.album_artist, Origin.TAG)
    for name, tag in (("artist", tags.artist), ("title", tags.title)):
        if tag and said[name] is None and name in found:
            notes.append(
                f"{name} {tag!r} in the tags is a placeholder; the {found[name].origin} says {found[name].text!r}"
            )
    if "track" in found:
        digits = len(str(tracks.text)) if (tracks := found.get("tracks")) else 2
        found["track"] = Value(found["track"].text.zfill(max(2, digits)), found["track"].origin)


def _ask_musicbrainz(found: dict[str, Value], notes: list[str], online: OnlineFacts) -> None:
    facts = (
        ("artist", online.artist),
        ("title", online.title),
        ("album", online.album),
        ("year", str(online.year) if online.year else None),
    )
    for name, text in facts:
        if not text:
            continue
        if name not in found and online.confidence >= _SURE:
            found[name] = Value(text, Origin.MUSICBRAINZ)
        elif name not in found:
            notes.append(f"MusicBrainz is not sure ({online.confidence:.0%}) that the {name} is {text!r}")
        elif folded(found[name].text) != folded(text):
            notes.append(f"MusicBrainz knows the {name} as {text!r}; the tags stand")


def _ask_the_name(found: dict[str, Value], parts: NameParts) -> None:
    for name, text in (("artist", parts.artist), ("album", parts.album)):
        if text and name not in found and not (name == "artist" and is_nobody(text)):
            found[name] = Value(text, Origin.FILE_NAME)
    if parts.title and "title" not in found:
        found["title"] = Value(parts.title, Origin.FILE_NAME)
    for name, number in (("track", parts.track), ("disc", parts.disc)):
        if number and name not in found:
            found[name] = Value(str(number), Origin.FILE_NAME)


def _split_off_mix(found: dict[str, Value], fields: FileFields) -> None:
    """The mix from its own tag, or from the end of the title, where it is taken away."""
    if "title" not in found:
        return
    title, origin = found["title"]
    if "artist" in found:
        title = without_artist(title, found["artist"].text)
    bare, mix = split_mix(title)
    own = fields.mix or (
        fields.subtitle if fields.subtitle and split_mix(f"- ({fields.subtitle})")[1] else None
    )
    if own and (mix is None or folded(mix) == folded(own)):
        found["mix"] = Value(own, Origin.TAG)
    elif mix:
        found["mix"] = Value(mix, origin)
    found["title"] = Value(bare, origin)
    if "mix" in found and "remixer" not in found and (remixer := remixer_of(found["mix"].text)):
        found["remixer"] = Value(remixer, found["mix"].origin)


def _tempo(
    found: dict[str, Value],
    notes: list[str],
    tagged: float | None,
    heard: HeardTempo | None,
    rules: ValueRules,
) -> None:
    if tagged is not None and not LOWEST_BPM <= round(tagged) <= HIGHEST_BPM:
        notes.append(f"the tags' {tagged:g} BPM is no tempo between {LOWEST_BPM} and {HIGHEST_BPM}")
        tagged = None
    told = None if heard is None else heard.bpm
    if told is not None and not LOWEST_BPM <= round(told) <= HIGHEST_BPM:
        notes.append(f"the {told:g} BPM heard is no tempo between {LOWEST_BPM} and {HIGHEST_BPM}")
        told = None
    if tagged is None:
        if told is not None:
            found["bpm"] = Value(str(round(told)), Origin.AUDIO)
        return
    origin = Origin.TAG
    if told is not None:
        origin, note = settle_tempo(tagged, told, verify=rules.verify)
        if note:
            notes.append(note)
    found["bpm"] = Value(str(round(told if origin is Origin.AUDIO and told else tagged)), origin)


def settle_tempo(tagged: float, heard: float, *, verify: bool) -> tuple[Origin, str]:
    """Who wins, and what to say of it. A tempo of half or double the tag's is a way of counting: the tag stands."""
    if abs(tagged - heard) <= _EQUAL_BPM:
        return Origin.TAG, ""
    for factor, word in ((2.0, "double"), (0.5, "half")):
        if abs(heard - tagged * factor) <= _EQUAL_BPM * factor:
            return Origin.TAG, f"heard {heard:.1f} BPM, {word} the tags' {tagged:g}: the tags stand"
    if verify and abs(heard - tagged) > _FAR_BPM * tagged:
        return Origin.AUDIO, f"the tags say {tagged:g} BPM, heard {heard:.1f}: what was heard wins"
    return Origin.TAG, f"heard {heard:.1f} BPM, the tags say {tagged:g}: the tags stand"


def _key(
    found: dict[str, Value], notes: list[str], tagged: str | None, heard: MusicalKey | None, rules: ValueRules
) -> None:
    key, origin = (key_in(tagged) if tagged else None), Origin.TAG
    if key is None:
        if tagged:
            notes.append(f"the tags' key {tagged[:40]!r} is no key")
        key, origin = heard, Origin.AUDIO
    elif heard is not None and heard != key:
        notes.append(f"heard {heard.name}, the tags say {key.name}: the tags stand")
    if key is None:
        return
    found["key"] = Value(rules.key_display.show(key), origin)
    found["camelot"] = Value(key.camelot, origin)
    found["openkey"] = Value(key.open_key, origin)


@lru_cache(maxsize=512)
def key_in(text: str) -> MusicalKey | None:
    """The key in a tag in any notation, also where programs write two of them or more: "8A/Am", "Am (8A)", "8A - 128"."""
    if len(text) > 40:
        return None
    if key := MusicalKey.parse(text):
        return key
    words = text.replace("/", " ").replace("(", " ").replace(",", " ").replace("|", " ").split()
    return MusicalKey.parse(words[0]) if words else None


def _combine(found: dict[str, Value]) -> None:
    if mix := found.get("mix"):
        found["mix_paren"] = Value(f" ({mix.text})", mix.origin)
    camelot, bpm = found.get("camelot"), found.get("bpm")
    parts = [part for part in (camelot, bpm) if part]
    if parts:
        found["kb"] = Value(f" [{' '.join(part.text for part in parts)}]", parts[0].origin)
