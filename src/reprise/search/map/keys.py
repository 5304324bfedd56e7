"""Musical keys as tags write them, in the order of the circle of fifths."""

from __future__ import annotations

import re

MAJORS = ("C", "G", "D", "A", "E", "B", "F#", "Db", "Ab", "Eb", "Bb", "F")
MINORS = ("Am", "Em", "Bm", "F#m", "C#m", "G#m", "Ebm", "Bbm", "Fm", "Cm", "Gm", "Dm")
"""Each at the place of the major key that it shares its notes with."""

CIRCLE = tuple(key for pair in zip(MAJORS, MINORS, strict=True) for key in pair)
"""Neighbours mix well: each major key, its relative minor, then a fifth up."""

_NOTES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11, "H": 11}
_NAMED = re.compile(r"([A-H])\s*([#♯]|b|♭|sharp|flat)?\s*(m|min|minor|maj|major|moll|dur)?\.?", re.IGNORECASE)
_CAMELOT = re.compile(r"0?(1[0-2]|[1-9])\s*([AB])", re.IGNORECASE)
_OPEN_KEY = re.compile(r"0?(1[0-2]|[1-9])\s*([md])", re.IGNORECASE)
_CAMELOT_OF_C = 8
_MINOR = frozenset({"m", "min", "minor", "moll"})


def musical_key(text: str | None) -> str | None:
    """The name in ``CIRCLE`` of ``Am``, ``A minor``, ``8A`` (Camelot) or ``1m`` (Open Key); None for anything else."""
    written = (text or "").strip()
    if found := _CAMELOT.fullmatch(written):
        place = (int(found[1]) - _CAMELOT_OF_C) % 12
        return (MINORS if found[2].upper() == "A" else MAJORS)[place]
    if found := _OPEN_KEY.fullmatch(written):
        place = int(found[1]) - 1
        return (MINORS if found[2].lower() == "m" else MAJORS)[place]
    found = _NAMED.fullmatch(written)
    return _of_name(*found.groups()) if found else None


def _of_name(note: str, sign: str | None, mode: str | None) -> str:
    raised = {"#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}.get((sign or "").lower(), 0)
    semitone = _NOTES[note.upper()] + raised
    minor = mode == "m" or (mode or "").lower() in _MINOR - {"m"}
    place = (semitone + (3 if minor else 0)) * 7 % 12  # a fifth is seven semitones; A minor stands at C
    return (MINORS if minor else MAJORS)[place]
