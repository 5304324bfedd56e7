"""From the bytes of a subtitle file to its text, whatever wrote them."""

from __future__ import annotations

import codecs
import re

_ONE_BYTE = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp874")
_MORE_BYTES = ("cp932", "gb18030", "cp949", "big5", "euc_jp")
"""Encodings that are considered, the likelier first. Left out, because they are taken for one of these more often than
they are met: Baltic and Vietnamese ones, KOI8-R, those of DOS and of old Macintoshes."""

_USUAL = {
    **dict.fromkeys(("bs", "cs", "hr", "hu", "pl", "ro", "sk", "sl", "sq"), "cp1250"),
    **dict.fromkeys(("be", "bg", "mk", "ru", "sr", "uk"), "cp1251"),
    **dict.fromkeys(("ar", "fa", "ur"), "cp1256"),
    "el": "cp1253",
    "he": "cp1255",
    "ja": "cp932",
    "ko": "cp949",
    "th": "cp874",
    "tr": "cp1254",
}
"""What a language was written in before UTF-8; Chinese in two ways, so that it is looked at."""

_LOOKED_AT = 65_536
"""Bytes of lines with letters beyond ASCII that are enough to tell the encoding by."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_ARROWS = (("utf-16-le", "-->".encode("utf-16-le")), ("utf-16-be", "-->".encode("utf-16-be")))


def decoded(content: bytes, language: str = "") -> str:
    """The text, in which what cannot be read is U+FFFD. ``language``: ISO 639-1, if the name of the file says it.

    UTF-8, and UTF-16 or UTF-32 with or without their mark, are known for certain. Anything else is guessed by
    charset-normalizer from the letters used: a few words, or words that look alike in two encodings (Hungarian in
    cp1250 without its two own letters, Turkish beside cp1252), may be taken for another; the language in the name then
    decides.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    for encoding, arrow in _ARROWS:
        if content.find(arrow) % 2 == 0:  # at an odd place it is that of the other order of bytes
            return content.decode(encoding, "replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(_guessed(content, language), "replace")


def _guessed(content: bytes, language: str) -> str:
    """The name of an encoding; ``utf-8`` for a text that is UTF-8 but for a few damaged bytes."""
    sample = b"\n".join(re.findall(rb"[^\r\n]*[\x80-\xff][^\r\n]*", content))[:_LOOKED_AT]
    if _mostly_utf8(sample):
        return "utf-8"
    import charset_normalizer

    names = [*_ONE_BYTE, *_MORE_BYTES]
    found = charset_normalizer.from_bytes(sample, cp_isolation=names, threshold=0.3)
    plausible = {match.encoding: match for match in found if match.encoding in names}
    if not plausible:
        return _usual(language)
    if (usual := _USUAL.get(language, "")) in plausible:
        return usual
    best = next(iter(plausible))
    if best in _MORE_BYTES:
        return best
    alike = [name for name in _ONE_BYTE if name in plausible]
    return min(alike, key=lambda name: (plausible[name].chaos, -plausible[name].coherence))


def _usual(language: str) -> str:
    return _USUAL.get(language, "gb18030" if language == "zh" else "cp1252")


def _mostly_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    damaged = text.count("\N{REPLACEMENT CHARACTER}")
    whole = sum(character > "\x7f" for character in text) - damaged
    return whole > 4 * damaged
