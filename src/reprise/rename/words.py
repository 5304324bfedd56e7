"""What is in a title or a file's name besides the title: artist, track number, mix. Pure text."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

MIX_WORDS = (
    "mix", "remix", "edit", "dub", "version", "instrumental", "acapella", "bootleg", "rework", "vip", "extended", "radio",
    "remaster",
)  # fmt: skip
"""What makes the end of a title a mix. Also in these forms: remixed, a cappella, remastered."""

_MARKER = re.compile(
    r"\b(?:(?:re)?mix(?:ed)?|edit|dub|version|instrumental|a[ -]?cap+el+a|bootleg|re-?work(?:ed)?|vip|extended|radio"
    r"|remaster(?:ed)?)\b",
    re.IGNORECASE,
)
_GUEST = re.compile(r"(?:feat|ft|featuring|with)\b", re.IGNORECASE)
_BRACKETS = re.compile(r"\s*(?:\(([^()]*)\)|\[([^\[\]]*)\])\s*$")
_DASHED = re.compile(r"^(.*\S)\s+[-–—]\s+(\S.*)$")
_ENDS_IN_MARKER = re.compile(rf"(?:.*{_MARKER.pattern}|remaster(?:ed)?)(?: (?:19|20)\d\d)?$", re.IGNORECASE)
_REMIXER = re.compile(r"(.+?)(?:['’]s)? (?:remix|rework|bootleg)$", re.IGNORECASE)
_NO_REMIXER = frozenset(
    [
        "club",
        "radio",
        "extended",
        "original",
        "official",
        "instrumental",
        "vip",
        "dub",
        "main",
        "short",
        "long",
        "special",
    ]
)

_NUMBERED = re.compile(
    r"^[(\[]?(?:(?P<disc>[1-9])-(?=\d\d\D))?(?P<track>0\d{1,2}|\d{1,2})"
    r"(?:[)\]]\s*[-.]?\s*|\s+[-–—]\s+|\.(?:\s+|(?=\D))|_+-?_*|(?<=\d\d)-(?=\D)\s*|(?<=0\d)\s+)(?P<rest>[^\s.-].*)$"
)
_WRITTEN_KEY_AND_TEMPO = re.compile(
    r"\s*[(\[](?:(?:0?[1-9]|1[0-2])[AB](?: \d{2,3})?|\d{2,3}(?: (?:0?[1-9]|1[0-2])[AB])?)[)\]]$"
)
_PARTS = re.compile(r"\s+[-–—]\s+")

_NOBODY = frozenset(
    {
        "unknown", "unknown artist", "<unknown>", "various", "various artists", "va", "v.a.", "v/a", "n/a", "none", "artist",
        "no artist", "unbekannter künstler", "unbekannter interpret", "artiste inconnu", "artista desconocido",
    }
)  # fmt: skip
_NOTHING = re.compile(
    r"(?:audio ?)?(?:track|titel|piste|pista|traccia|title) ?\d{0,3}|<?unknown>?(?: title| album)?|untitled|no title|none"
    r"|n/a|untitled album|no album|unbekannt(?:er titel|es album)",
)


class NameParts(NamedTuple):
    """What a file's name tells; what it does not is ``None``."""

    title: str | None
    artist: str | None = None
    album: str | None = None
    track: int | None = None
    disc: int | None = None


def folded(text: str) -> str:
    """For comparing: two spellings of one name are equal."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFKC", text).casefold()


def is_nobody(artist: str) -> bool:
    """Whether it is what programs write where no artist is known."""
    return folded(artist) in _NOBODY


def is_no_title(text: str) -> bool:
    """Whether a title or an album is what programs write where none is known: "Track 01", "Unknown"."""
    return _NOTHING.fullmatch(folded(text)) is not None


def split_mix(title: str) -> tuple[str, str | None]:
    """The title without its mix, and the mix: from brackets at its end, or from behind its last dash.

    A guest in brackets behind the mix stays with the title. The title never becomes empty.
    """
    if title[-1:] in ")]":
        return _bracketed_mix(title)
    if " " in title and (found := _DASHED.match(title)) and _ENDS_IN_MARKER.match(found[2]):
        return found[1], found[2]
    return title, None


def _bracketed_mix(title: str) -> tuple[str, str | None]:
    left, mixes, guests = title, [], ""
    while found := _BRACKETS.search(left):
        inner = (found[1] or found[2] or "").strip()
        if _MARKER.search(inner):
            mixes.append(inner)
        elif _GUEST.match(inner):
            guests = found[0].rstrip() + guests
        else:
            break
        left = left[: found.start()]
    if not mixes or not left:
        return title, None
    return left + guests, ", ".join(reversed(mixes))


def remixer_of(mix: str) -> str | None:
    """Who made a "Somebody Remix"; ``None`` for a "Club Remix"."""
    found = _REMIXER.match(mix)
    return found[1] if found and found[1].casefold() not in _NO_REMIXER else None


def without_artist(title: str, artist: str) -> str:
    """A title that begins with "Artist - " without it, so that no name says the artist twice."""
    first, _, rest = title.partition(" - ")
    return rest.strip() if rest.strip() and folded(first.strip()) == folded(artist) else title


def read_name(stem: str, *, artist: str | None = None) -> NameParts:
    """What a file's name tells: "03 - Artist - Title", "03. Title", "03_title", "2-07 Title", "Artist - Album - 03 - Title".

    A key and tempo in brackets at its end ("[8A 128]") is left out: it would be written twice otherwise.

    Args:
        stem: the name without its suffix.
        artist: who is known by the tags, to tell "Artist - Title" from "Title - Artist".
    """
    text, disc, track = _number(_WRITTEN_KEY_AND_TEMPO.sub("", stem.strip()))
    if "_" in text and " " not in text:
        text = text.replace("_", " ").strip()
    parts = [part for part in _PARTS.split(text) if part]
    if len(parts) < 2:
        return NameParts(text or stem or None, None, None, track, disc)
    if artist and len(parts) == 2 and folded(parts[1]) == folded(artist):
        return NameParts(parts[0], parts[1], None, track, disc)
    for place in range(1, len(parts) - 1):
        if parts[place].isdecimal() and len(parts[place]) <= 3:
            album = " - ".join(parts[1:place]) or None
            return NameParts(" - ".join(parts[place + 1 :]), parts[0], album, int(parts[place]) or None, disc)
    return NameParts(" - ".join(parts[1:]), parts[0], None, track, disc)


def _number(text: str) -> tuple[str, int | None, int | None]:
    """The text without the number of its disc and track, and these."""
    if not text[:2].strip("([")[:1].isdecimal() or (found := _NUMBERED.match(text)) is None:
        return text, None, None
    disc = int(found["disc"]) if found["disc"] else None
    return found["rest"], disc, int(found["track"]) or None
