"""What may be a file's name, on every system that music is carried to.

The names are NFC: the form that Linux, Windows and players write, and that macOS takes as well. Not NFKC, as other
programs do: it changes what people wrote (``①`` becomes ``1``, ``ﬁ`` ``fi``, ``²`` ``2``), and NFC does not.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

MAX_BYTES = 255
"""Of a name on Linux and macOS, in UTF-8. It is no more than the 255 UTF-16 units that Windows takes."""

UNTITLED = "untitled"
ILLEGAL = frozenset('\\/:"*?<>|')
"""What Windows refuses in a name, and with it exFAT, what sticks for players are formatted with."""

_SPACED = re.compile(r'[\\/:"*?<>|]')
_ODD = re.compile(r'[\\/:"*?<>|]|  ')
"""All that can be wrong with printable ASCII: most values are that, and fine."""

_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"  # controls, but for those that are spaces
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0001"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
"""What has no shape, or turns the direction of reading (``U+202E``): with it names look alike and are not, or read in
another order than they are written. Halves of pairs and what is no character at all go too."""

_SPACES = re.compile(r"\s{2,}|[^\S ]")
_ENDS = " ."
_ZERO_WIDTH_JOINER = "\u200d"

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)", re.IGNORECASE)


class Name(NamedTuple):
    """A name for a file. ``shortened``: not all of it fitted. ``reserved``: it would have been a device of Windows."""

    text: str
    shortened: bool
    reserved: bool


def legal(text: str) -> str:
    """``text`` with nothing in it that a name cannot hold; what cannot be is a space, and spaces never stand in a row.

    One space at each end may be left: the text may be a part of a name.
    """
    if text.isascii() and text.isprintable() and not _ODD.search(text):
        return text
    text = _DROPPED.sub("", _SPACED.sub(" ", text))
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return _SPACES.sub(" ", text)


def file_name(stem: str, suffix: str, limit: int = MAX_BYTES) -> Name:
    """The name of a file that is to be called ``stem``; ``suffix`` (``.mp3``) is kept as it is, and never cut.

    ``limit`` in bytes of UTF-8.
    """
    clean = legal(stem).strip(_ENDS) or UNTITLED
    base, dot, rest = clean.partition(".")
    reserved = _RESERVED.fullmatch(base.rstrip()) is not None
    if reserved:  # with any ending, to Windows it is the device
        clean = f"{base.rstrip()}_{dot}{rest}"
    short = cut(clean, limit - len(suffix.encode()))
    return Name(f"{short}{suffix}", short != clean, reserved)


def numbered(stem: str, number: int, suffix: str, limit: int = MAX_BYTES) -> str:
    """``stem (2).mp3``; the stem is cut if it must be, the number and the suffix are not."""
    end = f" ({number}){suffix}"
    return f"{cut(stem, limit - len(end.encode()))}{end}"


def cut(text: str, limit: int) -> str:
    """The beginning of ``text`` that takes at most ``limit`` bytes of UTF-8, without dots or spaces at its end.

    No letter is parted from its marks, no emoji from its parts; only a letter whose marks alone are longer is cut.
    """
    encoded = text.encode()
    if len(encoded) <= limit:
        return text
    longest = len(encoded[: max(limit, 0)].decode(errors="ignore"))
    end = longest
    while end > 0 and _belong_together(text, end):
        end -= 1
    return text[: end or longest].rstrip(_ENDS) or UNTITLED[: max(limit, 0)]


def _belong_together(text: str, place: int) -> bool:
    """Whether what stands before ``place`` and what stands there are seen as one letter.

    The rules of Unicode's text segmentation (UAX 29) that matter for names, on the safe side.
    """
    before, after = text[place - 1], text[place]
    if _ZERO_WIDTH_JOINER in (before, after) or _is_modifier(after):
        return True
    if (
        unicodedata.combining(before) == 9 and after.isalpha()
    ):  # a virama: the consonant hangs below or beside
        return True
    if _is_flag_letter(before) and _is_flag_letter(after):
        start = place
        while start > 0 and _is_flag_letter(text[start - 1]):
            start -= 1
        return (place - start) % 2 == 1
    return False


def _is_modifier(character: str) -> bool:
    """Marks, skin tones, the letters of regional flags, and vowels and ends of Korean syllables."""
    return (
        unicodedata.category(character).startswith("M")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\u1160" <= character <= "\u11ff"
        or _is_tag(character)
    )


def _is_tag(character: str) -> bool:
    """What spells the flags of England, Scotland and Wales behind a black flag."""
    return "\U000e0020" <= character <= "\U000e007f"


def _is_flag_letter(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
