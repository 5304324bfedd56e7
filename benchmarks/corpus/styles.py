"""21 styles as data, three alike in each group: one of the three is for testing only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reprise.demo.styles import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

LOT = 2026
"""The seed with which the test styles were drawn, once, before any track was rendered."""


@dataclass(frozen=True, slots=True)
class SongStyle:
    """What a seed may vary within a style.

    ``tempo`` in beats per minute (``None``: no beat at all); ``beats`` to the bar and ``steps`` to the beat; ``drums``
    maps a drum to the bars it may play, of which a track takes one ("" leaves it out); ``harmony`` maps a flavour
    of :data:`PROGRESSIONS` to the scales that go with it; ``bars_per_chord`` are the choices of harmonic rhythm;
    ``swing`` and ``jitter`` (seconds) and ``drift`` are the largest; ``sings`` is the share of tracks with a voice;
    ``pump`` is how deep the kick ducks what sustains; ``club``: sections of whole eights, with breakdowns.
    """

    name: str
    group: str
    tempo: tuple[float, float] | None
    harmony: Mapping[str, tuple[str, ...]]
    drums: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    bass: Part | None = None
    chords: Part | None = None
    lead: Part | None = None
    beats: int = 4
    steps: int = 4
    metre: str = "4/4"
    bars_per_chord: tuple[float, ...] = (1.0,)
    swing: float = 0.0
    swing_unit: float = 0.5
    jitter: float = 0.0
    drift: float = 0.0
    sings: float = 0.3
    pump: float = 0.0
    room: float = 0.15
    arpeggio: float = 0.0
    walking: bool = False
    club: bool = False


FOUR = "x...x...x...x..."
BACKBEAT = "....x.......x..."
EIGHTHS = "x.x.x.x.x.x.x.x."
SIXTEENTHS = "xoxoxoxoxoxoxoxo"
OFFBEAT = "..x...x...x...x."

STYLES = (
    SongStyle(
        "techno", "club", (122, 144),
        {"club minor": ("natural", "phrygian"), "drone minor": ("natural",)},
        {
            "kick": (FOUR, "x...x...x...x.o."), "openhat": (OFFBEAT, "", "......x.......x."),
            "clap": (BACKBEAT, "", "............x..."), "hat": ("o.ooo.ooo.ooo.oo", SIXTEENTHS, "..x...x...x...x."),
            "conga": ("", "...x..x....x..x.", "..o..x....o..x.x"), "tom": ("", "", "......o.......oo"),
        },
        Part(("acid", "sub"), ("x.xx.xx.x.xxx.x.", "..xx..xx..xx..xx", ".xx..xx..xx..xx.", "..x...x...x..xx."), 33, 0.45),
        Part(("stab", "pad", "organ"), ("...x......x.....", "x.....x.........", "......x.....x...", "x---------------"), 57, 0.3),
        Part(("acid", "bell"), ("x..x..x...x..x..", "...x..x....x..x."), 60, 0.15),
        bars_per_chord=(1.0, 2.0, 4.0), sings=0.15, pump=0.3, club=True,
    ),
    SongStyle(
        "deep house", "club", (112, 127),
        {"club minor": ("dorian", "natural"), "club major": ("major", "mixolydian"), "jazz minor": ("dorian",)},
        {
            "kick": (FOUR,), "openhat": (OFFBEAT,), "clap": (BACKBEAT, ""), "shaker": ("", "xoxoxoxoxoxoxoxo", "x.ox.ox.x.ox.ox."),
            "rim": ("", "...x..x...x..x..", "..x..x....x..x.."), "conga": ("", "..x..x..x.x..x..", "x..x..x...x.x..."),
        },
        Part(("bassguitar", "sub"), ("..x...x...x..xx.", "x..x..x...x.x...", "x--...x-..x-..x."), 33, 0.5),
        Part(("piano", "organ", "epiano"), ("x--x--x---x--x--", "...x--....x-..x-", "x--x--x--x--x-x-", "..x-....x--....."), 57, 0.4),
        Part(("epiano", "flute"), ("....x...x.......", "x.....x.........", "..x..x..x......."), 69, 0.2),
        bars_per_chord=(0.5, 1.0, 2.0), swing=0.22, sings=0.5, pump=0.4, club=True,
    ),
    SongStyle(
        "trance", "club", (130, 145),
        {"pop minor": ("natural", "harmonic"), "club minor": ("natural",), "pop major": ("major",)},
        {
            "kick": (FOUR,), "openhat": (OFFBEAT,), "clap": (BACKBEAT, ""), "snare": ("", "....o.......o..."),
            "hat": ("", SIXTEENTHS, "x.xxx.xxx.xxx.xx"), "ride": ("", "", "x.x.x.x.x.x.x.x."),
        },
        Part(("acid", "bassguitar"), ("..xx..xx..xx..xx", ".xxx.xxx.xxx.xxx", "..x...x...x...x."), 33, 0.4),
        Part(("supersaw", "strings"), ("x-xx-xx-xx-xx-x-", "xxxxxxxxxxxxxxxx", "x--x--x--x--x-x-", "x---------------"), 57, 0.35),
        Part(("supersaw", "bell"), ("x---x---x-x-x---", "x--x--x---x-x---"), 69, 0.25),
        bars_per_chord=(1.0, 2.0), sings=0.3, pump=0.5, room=0.3, arpeggio=0.5, club=True,
    ),
    SongStyle(
        "drum and bass", "broken", (166, 180),
        {"pop minor": ("natural", "dorian"), "club minor": ("natural",), "jazz minor": ("dorian",)},
        {
            "kick": ("x.........x.....", "x..x......x.....", "x.x.......xx...."),
            "snare": ("....x..o.o..x..o", "....x.......x...", "....x..o.x....x."),
            "hat": (EIGHTHS, SIXTEENTHS, "x.xxx.xxx.xxx.xx"), "ride": ("", "x...x...x...x...", "x.x.x.x.x.x.x.x."),
            "shaker": ("", SIXTEENTHS),
        },
        Part(("reese", "sub"), ("x-----x---x-----", "x---------x--x--", "x---------------", "x-----..x-....x-"), 30, 0.55),
        Part(("pad", "epiano", "strings"), ("x---------------", "x-----x---......"), 57, 0.3),
        Part(("bell", "flute"), ("x.....x...x.....", "....x-----x-...."), 69, 0.2),
        bars_per_chord=(1.0, 2.0, 4.0), sings=0.4, club=True,
    ),
    SongStyle(
        "uk garage", "broken", (128, 138),
        {"club minor": ("natural", "dorian"), "jazz minor": ("dorian",), "pop minor": ("natural",)},
        {
            "kick": ("x.........x.....", "x.....x....x....", "x.........x..x..", "x......x..x....."),
            "snare": (BACKBEAT, "....x..o....x..o"), "rim": ("", ".......x......x.", "...x......x..x.."),
            "hat": ("..x...x...x...x.", "x.xx.xx.x.xx.xx.", "..xo..x...xo..xo"), "shaker": ("", SIXTEENTHS),
        },
        Part(("sub", "reese", "organ"), ("x--...x-..x--...", "x-..x--...x-.x-.", "...x--x-.....x--"), 33, 0.5),
        Part(("organ", "epiano", "stab"), ("x-....x-..x-....", "..x--.....x--...", "x--..x--.....x--"), 57, 0.35),
        Part(("epiano", "bell"), ("..x..x..x.......", "x.....x.....x..."), 69, 0.2),
        bars_per_chord=(1.0, 2.0), swing=0.3, sings=0.6, club=True,
    ),
    SongStyle(
        "half-time bass", "broken", (132, 150),
        {"pop minor": ("natural", "harmonic"), "club minor": ("phrygian", "natural")},
        {
            "deepkick": ("x.....x.........", "x..........x....", "x.x.......x.....", "x..........x..x."),
            "snare": ("........x.......",), "clap": ("", "........x......."),
            "hat": (EIGHTHS, "x.x.x.xxx.x.x.x.", "x.x.xxx.x.x.x.xx", "x...x...x...x..."), "openhat": ("", "..............x."),
        },
        Part(("sub", "reese"), ("x-----x---......", "x---------x-x---", "x-----------x---"), 28, 0.7),
        Part(("bell", "pad", "strings", "piano"), ("x---------------", "x---x---x---x---", "x..x..x..x..x.x."), 57, 0.35),
        Part(("flute", "square", "bell"), ("x...x.....x.....", "x--.x-..x.......", "....x...x..x...."), 66, 0.2),
        bars_per_chord=(1.0, 2.0), sings=0.5, arpeggio=0.4,
    ),
    SongStyle(
        "rock", "band", (104, 160),
        {"pop major": ("major", "mixolydian"), "pop minor": ("natural",), "blues major": ("mixolydian",)},
        {
            "kick": ("x.......x.x.....", "x.....x.x.......", "x.x.......x.....", "x.......x......."), "snare": (BACKBEAT,),
            "hat": (EIGHTHS, "x...x...x...x...", ""), "ride": ("", "x.x.x.x.x.x.x.x."), "crash": ("", "o..............."),
        },
        Part(("bassguitar",), ("x-x-x-x-x-x-x-x-", "x-----x-x-------", "x-..x-x-x-..x-x-"), 28, 0.5),
        Part(("distorted", "guitar"), ("x-x-x-x-x-x-x-x-", "x---x-x---x-x-x-", "x-------x-----x-", "x---------------"), 45, 0.35),
        Part(("distorted",), ("x---x-x-x-------", "........x-x-x---"), 64, 0.2),
        bars_per_chord=(1.0, 0.5, 2.0), jitter=0.010, drift=0.02, sings=0.8,
    ),
    SongStyle(
        "funk", "band", (92, 122),
        {"blues minor": ("dorian",), "blues major": ("mixolydian",), "club major": ("mixolydian",), "club minor": ("dorian",)},
        {
            "kick": ("x.x.......x..x..", "x..x..x...x.....", "x......x..x....."),
            "snare": ("....x..o.o..x..o", "....x..o....x.o.", BACKBEAT), "hat": (SIXTEENTHS, EIGHTHS, "xoxxxoxoxoxxxoxo"),
            "conga": ("", "x.xx..x.x.xx..x.", "..x.x.xx..x.x.xx"), "openhat": ("", "..............x."),
        },
        Part(("bassguitar",), ("x..x..x...x.x.x.", "x.xx....x..x.x..", "x.....xx..x..x.."), 28, 0.55),
        Part(("guitar", "organ", "epiano"), ("..x..x.x..x..x.x", "x.xx.x.xx.xx.x.x", "....x--.....x..x"), 57, 0.35),
        Part(("distorted", "epiano"), ("x..x..x.......x.", "....x.x.x..x...."), 66, 0.2),
        bars_per_chord=(1.0, 2.0, 4.0), swing=0.12, jitter=0.006, drift=0.01, sings=0.6,
    ),
    SongStyle(
        "punk", "band", (158, 190),
        {"pop major": ("major", "mixolydian"), "folk major": ("major",), "pop minor": ("natural",)},
        {
            "kick": ("x...x...x...x...", "x.......x.x.....", "x.x.....x.x....."), "snare": (BACKBEAT, "..x...x...x...x."),
            "hat": (EIGHTHS, "x...x...x...x..."), "crash": ("", "o..............."), "ride": ("", "x.x.x.x.x.x.x.x."),
        },
        Part(("bassguitar",), ("x-x-x-x-x-x-x-x-",), 28, 0.5),
        Part(("distorted",), ("x-x-x-x-x-x-x-x-", "x-x-xxx-x-x-xxx-", "x---x---x---x---"), 45, 0.4),
        Part(("distorted",), ("x---x---x---x---",), 64, 0.15),
        bars_per_chord=(1.0, 2.0), jitter=0.008, drift=0.02, sings=0.9, room=0.08,
    ),
    SongStyle(
        "hip hop", "slow", (78, 100),
        {"jazz minor": ("dorian", "natural"), "pop minor": ("natural",), "club minor": ("dorian",), "jazz major": ("major",)},
        {
            "deepkick": ("x.....x...x.....", "x..x......x.....", "x......x..x..x.."), "snare": (BACKBEAT, "....x.......x..o"),
            "hat": ("x.xox.x.x.xox.xx", EIGHTHS, "x.x.x.xxx.x.x.x."), "shaker": ("", "..x...x...x...x."),
        },
        Part(("sub", "upright"), ("x-----x---x-....", "x--.......x--.x.", "x-....x-..x-...."), 31, 0.65),
        Part(("epiano", "piano", "strings"), ("x-------..x-....", "x---....x---....", "x---------------", "..x-....x-....x-"), 57, 0.35),
        Part(("bell", "flute", "piano"), ("x...x...x.x.....", "..x...x.....x..."), 66, 0.2),
        bars_per_chord=(1.0, 0.5, 2.0), swing=0.3, jitter=0.004, sings=0.7,
    ),
    SongStyle(
        "reggae", "slow", (64, 88),
        {"folk minor": ("natural", "dorian"), "folk major": ("major",), "pop minor": ("natural",), "club major": ("major",)},
        {
            "deepkick": ("........x.......", "x.......x.......", "x...x...x...x..."), "rim": ("........x....o..", "........x......."),
            "hat": ("x.o.x.o.x.o.x.o.", "..x...x...x...x.", "x.oxx.oxx.oxx.ox"), "conga": ("", "..x..xx...x..xx."),
        },
        Part(("sub", "bassguitar"), ("x-..x-x-..x-x-..", "....x-x-x---x-..", "x---..x-..x-o-.."), 31, 0.7),
        Part(("organ", "guitar"), ("..x...x...x...x.", "..xx..xx..xx..xx"), 57, 0.4),
        Part(("organ", "flute"), ("x.....x...x.....", "....x---x-......"), 66, 0.2),
        bars_per_chord=(1.0, 0.5), swing=0.15, jitter=0.007, drift=0.01, sings=0.7, room=0.3,
    ),
    SongStyle(
        "pop ballad", "slow", (60, 84),
        {"pop major": ("major",), "pop minor": ("natural", "harmonic")},
        {
            "kick": ("x.......x.......", "x......xx.......", "x.........x....."), "snare": (BACKBEAT, ""),
            "rim": ("", BACKBEAT), "hat": (EIGHTHS, "x...x...x...x...", SIXTEENTHS, ""), "shaker": ("", SIXTEENTHS),
        },
        Part(("bassguitar", "piano"), ("x---------------", "x-------x-----x-", "x-----x-x-------"), 31, 0.45),
        Part(("piano", "strings", "guitar"), ("x-x-x-x-x-x-x-x-", "x---x---x---x---", "x---x-x-x---x-x-", "x---------------"), 55, 0.4),
        Part(("strings", "flute"), ("x-------x---x---", "....x---x-------"), 67, 0.25),
        bars_per_chord=(1.0, 0.5), jitter=0.006, drift=0.01, sings=0.9, room=0.25, arpeggio=0.5,
    ),
    SongStyle(
        "waltz", "odd", (84, 174),
        {"folk major": ("major", "mixolydian"), "folk minor": ("natural", "harmonic"), "jazz major": ("major",)},
        {"brush": ("", "....o...o...", "x...o...o..."), "kick": ("", "x..........."), "ride": ("", "x...x...x..."), "rim": ("", "....x...x...")},
        Part(("upright", "bassguitar"), ("x-----......", "x---......o-", "x-----------"), 31, 0.5),
        Part(("guitar", "accordion", "piano"), ("....x---x---", "....x---x-o-", "x---x---x---"), 55, 0.4),
        Part(("flute", "accordion", "strings"), ("x---x---x---", "x-------x-x-", "x-x-x---x---"), 66, 0.3),
        beats=3, metre="3/4", bars_per_chord=(1.0, 2.0), jitter=0.008, drift=0.015, sings=0.4,
    ),
    SongStyle(
        "six-eight soul", "odd", (60, 78),
        {"pop major": ("major",), "blues minor": ("natural", "dorian"), "pop minor": ("natural", "harmonic"), "folk major": ("major",)},
        {
            "kick": ("x.....x.o...", "x.....x.....", "x....ox....."), "snare": ("...x.....x..",),
            "hat": ("xxxxxxxxxxxx", "x.ox.ox.ox.o", "x..x..x..x.."), "ride": ("", "xooxooxooxoo"),
        },
        Part(("bassguitar", "upright"), ("x-----x-----", "x-..oox-..oo", "x---x-x---x-"), 31, 0.5),
        Part(("guitar", "piano", "organ"), ("xooxooxooxoo", "x--x--x--x--", "x-----------"), 55, 0.4),
        Part(("organ", "strings"), ("x-----x--x--", "...x--x-----"), 66, 0.2),
        steps=3, metre="12/8", bars_per_chord=(1.0, 0.5), jitter=0.008, drift=0.015, sings=0.9, arpeggio=0.4,
    ),
    SongStyle(
        "swing", "odd", (112, 190),
        {"jazz major": ("major", "mixolydian"), "jazz minor": ("dorian", "harmonic"), "blues major": ("mixolydian",)},
        {
            "ride": ("x..x.ox..x.o",), "hat": ("...x.....x..", ""), "brush": ("", "o..o..o..o..", "...o.....o.."),
            "kick": ("", "o..o..o..o..", "x.....o....."), "snare": ("", ".....o......", "..o.......o."),
        },
        Part(("upright",), ("x-.x-.x-.x-.",), 31, 0.6),
        Part(("piano", "guitar", "organ"), ("x-...o......", "..x.....x-..", "x.....o-....", "x..x..x..x.."), 55, 0.35),
        Part(("piano", "flute", "accordion"), ("x.ox.ox-.x.o", "x--..ox.ox--", "..ox.ox-.x-."), 66, 0.3),
        steps=3, bars_per_chord=(1.0, 0.5), jitter=0.010, drift=0.02, sings=0.3, walking=True,
    ),
    SongStyle(
        "piano solo", "unplugged", (60, 92),
        {"pop major": ("major",), "pop minor": ("natural", "harmonic"), "jazz major": ("major",), "folk major": ("major",)},
        {},
        Part(("piano",), ("x---------------", "x-------x-------", "x-----x-x-------"), 36, 0.4),
        Part(("piano",), ("x-x-x-x-x-x-x-x-", "x---x-x-x---x-x-", "x---x---x---x---", "....x-x-....x-x-"), 55, 0.35),
        Part(("piano",), ("x-------x---x---", "....x---x-------", "x---x-x-x-------"), 69, 0.4),
        bars_per_chord=(1.0, 0.5), jitter=0.012, drift=0.02, sings=0.15, room=0.25, arpeggio=0.7,
    ),
    SongStyle(
        "strummed guitar", "unplugged", (72, 132),
        {"folk major": ("major", "mixolydian"), "pop major": ("major",), "folk minor": ("natural", "dorian")},
        {"shaker": ("", "", "x.o.x.o.x.o.x.o."), "kick": ("", "", FOUR), "clap": ("", "", "", BACKBEAT)},
        None,
        Part(("guitar",), ("x---x-x-..x-x-x-", "x---x-x-x---x-x-", "x-..x-xox-..x-xo", "x-x-x-x-x-x-x-x-"), 48, 0.5),
        Part(("flute", "harp"), ("x-------x---x---", "....x---x-x-x---"), 67, 0.2),
        bars_per_chord=(1.0, 0.5, 2.0), jitter=0.010, drift=0.02, sings=0.9, arpeggio=0.25,
    ),
    SongStyle(
        "bossa nova", "unplugged", (108, 150),
        {"jazz major": ("major",), "jazz minor": ("dorian", "harmonic")},
        {
            "rim": ("x..x..x...x..x..", "..x.x...x..x..x.", ""), "shaker": ("", SIXTEENTHS, "xoxoxoxoxoxoxoxo"),
            "deepkick": ("", "o..oo..oo..oo..o", "o......oo......o"), "hat": ("", "", EIGHTHS),
        },
        Part(("upright",), ("x--xx--xx--xx--x", "x-----x-x-----x-", "x--x....x--x...."), 31, 0.5),
        Part(("guitar", "piano"), ("x--x--x---x--x--", "x-x--x-x--x--x--", "..x-..x-x-..x-.."), 55, 0.4),
        Part(("flute", "piano"), ("....x---x-x-----", "x-----x---x-----"), 67, 0.25),
        bars_per_chord=(1.0, 2.0), jitter=0.008, drift=0.01, sings=0.6,
    ),
    SongStyle(
        "ambient", "sparse", (60, 92),
        {"pop major": ("major",), "club minor": ("dorian", "natural"), "folk minor": ("natural",)},
        {"deepkick": ("", "", "x......."), "hat": ("", "", "..o...o...o...o."), "conga": ("", "", "...o..o....o..o.")},
        Part(("sub",), ("x---------------",), 33, 0.3),
        Part(("pad", "strings", "organ"), ("x---------------", "x-------x-------"), 50, 0.45),
        Part(("bell", "harp", "epiano"), ("x.x.x.x.x.x.x.x.", "x..x..x..x..x.x.", "x...x...x...x...", "x...x.x.x...x.x."), 69, 0.3),
        bars_per_chord=(1.0, 2.0), sings=0.2, room=0.45, arpeggio=0.2,
    ),
    SongStyle(
        "orchestral", "sparse", (66, 126),
        {"folk minor": ("natural", "harmonic"), "folk major": ("major",), "pop minor": ("harmonic", "natural")},
        {"tom": ("", "", "x.......x......."), "crash": ("", "", "o...............")},
        Part(("strings",), ("x-------x-------", "x---x---x---x---", "x---------------"), 33, 0.45),
        Part(("strings", "harp", "flute"), ("x-x-x-x-x-x-x-x-", "xxxxxxxxxxxxxxxx", "x---x---x---x---", "x-------x-------"), 52, 0.4),
        Part(("flute", "strings", "harp"), ("x---x-x-x---x---", "x-------x-x-x-x-", "x---x---x-------"), 66, 0.35),
        bars_per_chord=(1.0, 0.5), jitter=0.014, drift=0.03, sings=0.0, room=0.35, arpeggio=0.4,
    ),
    SongStyle(
        "drone", "sparse", None,
        {"drone": ("major", "mixolydian"), "drone minor": ("natural", "dorian", "phrygian")},
        {},
        Part(("sub", "strings"), ("x---------------",), 33, 0.4),
        Part(("pad", "strings", "organ"), ("x---------------",), 48, 0.45),
        Part(("pad", "strings"), ("x-------x-------", "x-----------x---"), 60, 0.2),
        bars_per_chord=(4.0,), jitter=0.25, sings=0.4, room=0.4,
    ),
)  # fmt: skip


def styles_for_testing() -> frozenset[str]:
    """One style of each group, drawn by lot."""
    rng = np.random.default_rng(LOT)
    groups = dict.fromkeys(style.group for style in STYLES)
    return frozenset(
        str(rng.choice([style.name for style in STYLES if style.group == group])) for group in groups
    )
