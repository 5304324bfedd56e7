"""The 24 keys, and the notations that tags and DJ programs write them in."""

from __future__ import annotations

import re
from dataclasses import dataclass

NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
"""As musicians write major keys, with few accidentals; minor keys have names of their own."""

MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SIGNS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1, "sharp": 1, "flat": -1}
_MODES = {
    "": False,
    "maj": False,
    "major": False,
    "dur": False,
    "m": True,
    "min": True,
    "minor": True,
    "moll": True,
}

_MUSICAL = re.compile(r"([A-Ga-g])[ -]?(#|♯|b|♭|sharp|flat)?[ -]?(maj(?:or)?|min(?:or)?|dur|moll|M|m)?\.?")
_CAMELOT = re.compile(r"0?(1[0-2]|[1-9])([ABab])")
_OPEN_KEY = re.compile(r"0?(1[0-2]|[1-9])([DMdm])")


@dataclass(frozen=True, slots=True, order=True)
class MusicalKey:
    """``tonic`` is a pitch class, 0 (C) to 11 (B)."""

    tonic: int
    minor: bool

    @property
    def name(self) -> str:
        """``Am``, ``F#m``, ``Eb``."""
        return f"{MINOR_NAMES[self.tonic]}m" if self.minor else NAMES[self.tonic]

    @property
    def long_name(self) -> str:
        """``A minor``, ``Eb major``."""
        return f"{MINOR_NAMES[self.tonic]} minor" if self.minor else f"{NAMES[self.tonic]} major"

    @property
    def camelot(self) -> str:
        """``8A`` for A minor, ``8B`` for C major: neighbours on the circle of fifths have neighbouring numbers."""
        return f"{self._hour}{'A' if self.minor else 'B'}"

    @property
    def open_key(self) -> str:
        """``1m`` for A minor, ``1d`` for C major."""
        return f"{(self._hour - 8) % 12 + 1}{'m' if self.minor else 'd'}"

    @property
    def relative(self) -> MusicalKey:
        """The key of the other mode with the same notes."""
        return MusicalKey((self.tonic + (3 if self.minor else 9)) % 12, minor=not self.minor)

    @property
    def _hour(self) -> int:
        major = (self.tonic + 3) % 12 if self.minor else self.tonic
        return (7 * major + 7) % 12 + 1

    @classmethod
    def parse(cls, text: str) -> MusicalKey | None:
        """A key in any notation: ``Am``, ``A minor``, ``a-moll``, ``8A``, ``08A``, ``1m``, ``F♯ maj``, ``Ebm``.

        ``None`` for what is no key. A single small letter is minor only with a word that says so: ``a`` is A major,
        as every program that writes single letters means it.
        """
        stripped = text.strip()
        if found := _CAMELOT.fullmatch(stripped):
            return _of_hour(int(found[1]), minor=found[2] in "Aa")
        if found := _OPEN_KEY.fullmatch(stripped):
            return _of_hour((int(found[1]) + 6) % 12 + 1, minor=found[2] in "Mm")
        found = _MUSICAL.fullmatch(stripped)
        if found is None:
            found = _MUSICAL.fullmatch(stripped.capitalize())
        if found is None:
            return None
        letter, sign, mode = found[1], found[2] or "", found[3] or ""
        tonic = (_LETTERS[letter.upper()] + _SIGNS[sign]) % 12
        return cls(tonic, minor=False if mode == "M" else _MODES[mode])


def _of_hour(hour: int, *, minor: bool) -> MusicalKey:
    major = (hour - 8) * 7 % 12
    return MusicalKey((major + 9) % 12 if minor else major, minor=minor)


def all_keys() -> tuple[MusicalKey, ...]:
    return tuple(MusicalKey(tonic, minor=minor) for minor in (False, True) for tonic in range(12))
