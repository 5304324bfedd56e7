"""Chords by roman numerals, their voicing, and the scales of melodies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "natural": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "harmonic": (0, 2, 3, 5, 7, 8, 11),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
}
"""Semitones above the tonic."""

DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
SUFFIXES = {
    "": (),
    "7": (10,),
    "maj7": (11,),
    "9": (10, 14),
    "add9": (14,),
    "6": (9,),
}
NUMERAL = re.compile(r"([b#]?)([ivIV]+)(dim|sus4|5)?(maj7|add9|7|9|6)?")

PROGRESSIONS: dict[str, tuple[str, ...]] = {
    "pop major": (
        "I V vi IV",
        "I vi IV V",
        "I IV vi V",
        "I iii IV V",
        "IV I V vi",
        "I V ii IV",
        "I IV iv I",
        "I I7 IV iv",
        "I bVII IV I",
        "I ii IV V",
        "I V bVII IV",
        "I Vsus4 vi IVadd9",
    ),
    "pop minor": (
        "i bVI bIII bVII",
        "i bVII bVI bVII",
        "i iv bVI V",
        "i bVI iv V",
        "i v bVI iv",
        "i bIII bVII IV",
        "bVI bVII i i",
        "i bVII IV i",
        "i iv i V7",
        "i bVI bVII v",
    ),
    "club minor": (
        "i i i i",
        "i i bVI bVII",
        "i i iv iv",
        "i bVII i v",
        "i bII i i",
        "i iv i bVI",
        "i7 IV7 i7 IV7",
    ),
    "club major": (
        "I I IV IV",
        "Imaj7 iii7 IVmaj7 V",
        "I bVII I IV",
        "vi7 ii7 V7 Imaj7",
        "IVmaj7 iii7 vi7 Imaj7",
    ),
    "blues major": ("I7 IV7 I7 V7", "I7 I7 IV7 I7", "I7 bVII IV7 I7", "I IV I V"),
    "blues minor": ("i7 iv7 i7 V7", "i IV7 i V7", "i bIII IV bVI", "i7 i7 iv7 v7"),
    "jazz major": (
        "ii7 V7 Imaj7 VI7",
        "Imaj7 vi7 ii7 V7",
        "Imaj7 I7 IVmaj7 bVII7",
        "iii7 VI7 ii7 V7",
        "Imaj7 II7 ii7 V7",
        "Imaj7 ii7 iii7 ii7",
    ),
    "jazz minor": ("i6 iv7 V7 i7", "i7 bVI7 V7 i6", "iv7 bVII7 i7 V7", "i7 iv7 bIImaj7 V7", "i6 i6 iv7 V7"),
    "folk major": ("I IV V I", "I V I IV", "I vi ii V", "I iii IV I", "I I IV V", "I bVII I V"),
    "folk minor": ("i bVII bVI V", "i bVII i v", "i iv bVII bIII", "i bIII bVII i", "i IV i bVII"),
    "drone": ("I I I Isus4", "I I I I", "I I IV I"),
    "drone minor": ("i i i i", "i i bII i", "i i i iv"),
}
"""Bars of four chords by flavour. Borrowed chords, secondary dominants and starts away from the tonic are among them."""


@dataclass(frozen=True, slots=True)
class Chord:
    """``root`` and ``tones`` in semitones above the key's tonic, 0 to 11; the root is the first tone."""

    root: int
    tones: tuple[int, ...]


def parse_chord(text: str) -> Chord:
    """``bVImaj7`` and the like; small numerals are minor chords."""
    found = NUMERAL.fullmatch(text)
    if found is None:
        raise ValueError(f"no chord: {text!r}")
    sign, numeral, shape, suffix = found.groups(default="")
    root = (DEGREES[numeral.lower()] + {"b": -1, "#": 1, "": 0}[sign]) % 12
    third, fifth = 3 if numeral.islower() else 4, 7
    steps = {"": (0, third, fifth), "5": (0, fifth), "sus4": (0, 5, fifth), "dim": (0, 3, 6)}[shape]
    return Chord(root, tuple((root + step) % 12 for step in (*steps, *SUFFIXES[suffix])))


def progression(flavour: str, rng: np.random.Generator) -> tuple[Chord, ...]:
    """One of the flavour's; in half of all tracks a second one follows, so that a verse and a chorus differ."""
    pool = PROGRESSIONS[flavour]
    text = pool[rng.integers(len(pool))]
    if rng.random() < 0.5:
        text = f"{text} {text} {pool[rng.integers(len(pool))]}"
    return tuple(parse_chord(word) for word in text.split())


def voicing(chord: Chord, tonic: int, lowest: int) -> tuple[int, ...]:
    """MIDI numbers of the chord's tones within the octave above ``lowest``: the inversion comes by itself."""
    return tuple(sorted(lowest + (tonic + tone - lowest) % 12 for tone in chord.tones))


def melody_scale(scale: str, chord: Chord) -> tuple[int, ...]:
    """The scale, with the chord's own tones in place of their neighbours: a raised seventh over V in minor."""
    tones = set(SCALES[scale])
    for tone in chord.tones:
        if tone not in tones:
            tones = {other for other in tones if min((other - tone) % 12, (tone - other) % 12) > 1} | {tone}
    return tuple(sorted(tones))
