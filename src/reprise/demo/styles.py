"""Styles of music as data: what a seed may vary, and within which range."""

from __future__ import annotations

from dataclasses import dataclass

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "phrygian": (0, 1, 3, 5, 7, 8, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
    "lydian": (0, 2, 4, 6, 7, 9, 11),
}
"""Semitones above the tonic."""

TRIAD, SEVENTH, POWER = (0, 2, 4), (0, 2, 4, 6), (0, 4, 7)
"""Chords as steps of the scale above their root."""


@dataclass(frozen=True, slots=True)
class Part:
    """One player. ``pattern`` is a bar in steps: ``x`` loud, ``o`` soft, ``-`` held on, ``.`` rest.

    ``octave`` is the MIDI number of its lowest C; ``gain`` is linear; ``voices`` are the choices of a seed.
    """

    voices: tuple[str, ...]
    patterns: tuple[str, ...]
    octave: int
    gain: float


@dataclass(frozen=True, slots=True)
class Style:
    """One style. ``tempo`` in beats per minute, inclusive; ``steps`` per beat; ``swing`` 0 (even) to 0.4.

    ``drums`` maps a drum to its bar; ``progressions`` list a scale degree per bar, 0 is the tonic; ``room`` is
    the level of the echoes, 0 to 0.5; ``arpeggio`` plays chords note by note; ``wander`` is how far a
    melody steps, in steps of the scale; ``hiss`` is a noise floor, linear.
    """

    name: str
    genre: str
    tempo: tuple[float, float]
    scales: tuple[str, ...]
    progressions: tuple[tuple[int, ...], ...]
    chord: tuple[int, ...]
    drums: tuple[tuple[str, str], ...] = ()
    bass: Part | None = None
    chords: Part | None = None
    lead: Part | None = None
    beats: int = 4
    steps: int = 4
    swing: float = 0.0
    room: float = 0.1
    arpeggio: bool = False
    wander: int = 2
    hiss: float = 0.0


STYLES = (
    Style(
        name="techno",
        genre="Techno",
        tempo=(126, 138),
        scales=("minor", "phrygian"),
        progressions=((0, 0, 0, 0), (0, 0, 1, 0), (0, 0, 6, 0)),
        chord=TRIAD,
        drums=(
            ("kick", "x...x...x...x..."),
            ("openhat", "..x...x...x...x."),
            ("clap", "....x.......x..."),
            ("hat", "o.ooo.ooo.ooo.oo"),
        ),
        bass=Part(("acid",), ("x.xx.xx.x.xxx.x.", "xxx.xx.xxxx.xx.x", ".xx..xx..xx..xx."), 36, 0.45),
        chords=Part(("stab",), ("...x......x.....", "x.....x.........", "......x.....x..."), 60, 0.3),
        room=0.15,
    ),
    Style(
        name="house",
        genre="House",
        tempo=(118, 126),
        scales=("dorian", "minor"),
        progressions=((0, 3, 0, 4), (0, 5, 3, 4), (1, 4, 0, 5)),
        chord=SEVENTH,
        drums=(
            ("kick", "x...x...x...x..."),
            ("openhat", "..x...x...x...x."),
            ("clap", "....x.......x..."),
            ("shaker", "oooooooooooooooo"),
        ),
        bass=Part(("bassguitar", "sub"), ("..x...x...x..xx.", "x..x..x...x.x..."), 36, 0.5),
        chords=Part(("piano", "organ"), ("x--x--x---x--x--", "x--x--x--x--x-x-"), 60, 0.4),
        lead=Part(("epiano",), ("....x...x.......", "x.....x........."), 72, 0.2),
        room=0.12,
    ),
    Style(
        name="drum and bass",
        genre="Drum & Bass",
        tempo=(168, 178),
        scales=("minor",),
        progressions=((0, 0, 5, 6), (0, 5, 3, 4), (0, 0, 0, 3)),
        chord=SEVENTH,
        drums=(
            ("kick", "x.........x....."),
            ("snare", "....x..o.o..x..o"),
            ("hat", "x.x.x.x.x.x.x.x."),
            ("ride", "x...x...x...x..."),
        ),
        bass=Part(("reese",), ("x-----x---x-----", "x---------x--x--"), 33, 0.55),
        chords=Part(("pad",), ("x---------------",), 60, 0.25),
        room=0.1,
    ),
    Style(
        name="hip hop",
        genre="Hip Hop",
        tempo=(82, 96),
        scales=("minor", "dorian"),
        progressions=((0, 5), (0, 3), (1, 4, 0, 0)),
        chord=SEVENTH,
        drums=(("deepkick", "x.....x...x....."), ("snare", "....x.......x..."), ("hat", "x.xox.x.x.xox.xx")),
        bass=Part(("sub",), ("x-----x---x-....", "x--.......x--.x."), 33, 0.7),
        chords=Part(("epiano",), ("x-------..x-....", "x---....x---...."), 57, 0.35),
        swing=0.25,
        hiss=0.004,
    ),
    Style(
        name="ambient",
        genre="Ambient",
        tempo=(60, 76),
        scales=("lydian", "major", "dorian"),
        progressions=((0, 3), (0, 4, 3, 0), (0, 1)),
        chord=(0, 4, 6, 8),
        chords=Part(("pad", "strings"), ("x---------------",), 48, 0.5),
        bass=Part(("sub",), ("x---------------",), 36, 0.25),
        lead=Part(("bell", "harp"), ("x.......o.......", "....x.........o.", "x..........o...."), 72, 0.25),
        room=0.45,
        wander=4,
    ),
    Style(
        name="folk waltz",
        genre="Folk",
        tempo=(130, 168),
        scales=("major", "mixolydian"),
        progressions=((0, 3, 4, 0), (0, 5, 1, 4), (0, 4, 3, 4)),
        chord=TRIAD,
        beats=3,
        drums=(("brush", "....o...o..."),),
        bass=Part(("upright",), ("x-----......", "x---......o-"), 36, 0.5),
        chords=Part(("guitar", "accordion"), ("....x---x---", "....x---x-o-"), 55, 0.4),
        lead=Part(("flute", "accordion"), ("x---x---x---", "x-------x-x-", "x-x-x---x---"), 67, 0.35),
        room=0.12,
    ),
    Style(
        name="rock",
        genre="Rock",
        tempo=(112, 144),
        scales=("minor", "mixolydian"),
        progressions=((0, 5, 2, 6), (0, 3, 4, 4), (0, 6, 3, 0)),
        chord=POWER,
        drums=(
            ("kick", "x.......x.x....."),
            ("snare", "....x.......x..."),
            ("hat", "x.x.x.x.x.x.x.x."),
            ("crash", "o..............."),
        ),
        bass=Part(("bassguitar",), ("x-x-x-x-x-x-x-x-",), 33, 0.5),
        chords=Part(("distorted",), ("x-x-x-x-x-x-x-x-", "x---x-x---x-x-x-", "x-------x-----x-"), 45, 0.4),
        lead=Part(("distorted",), ("x---x-x-x-------", "........x-x-x---"), 64, 0.2),
    ),
    Style(
        name="piano ballad",
        genre="Ballad",
        tempo=(60, 78),
        scales=("major", "minor"),
        progressions=((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4)),
        chord=TRIAD,
        bass=Part(("piano",), ("x---------------", "x-------x-------"), 36, 0.4),
        chords=Part(("piano",), ("x-x-x-x-x-x-x-x-", "x---x-x-x---x-x-"), 55, 0.35),
        lead=Part(("piano", "strings"), ("x-------x---x---", "....x---x-------"), 69, 0.4),
        room=0.2,
        arpeggio=True,
    ),
    Style(
        name="reggae",
        genre="Reggae",
        tempo=(68, 84),
        scales=("minor", "major"),
        progressions=((0, 3), (0, 4), (0, 0, 3, 4)),
        chord=TRIAD,
        drums=(("deepkick", "........x......."), ("rim", "........x....o.."), ("hat", "x.o.x.o.x.o.x.o.")),
        bass=Part(
            ("sub", "bassguitar"), ("x-..x-x-..x-x-..", "....x-x-x---x-..", "x---..x-..x-o-.."), 33, 0.75
        ),
        chords=Part(("organ", "guitar"), ("..x...x...x...x.", "..xx..xx..xx..xx"), 60, 0.35),
        room=0.25,
        swing=0.1,
    ),
    Style(
        name="bossa nova",
        genre="Bossa Nova",
        tempo=(124, 146),
        scales=("major", "dorian"),
        progressions=((0, 1, 4, 0), (0, 5, 1, 4), (1, 4, 0, 0)),
        chord=SEVENTH,
        drums=(("rim", "x..x..x...x..x.."), ("shaker", "xoxoxoxoxoxoxoxo"), ("deepkick", "o..oo..oo..oo..o")),
        bass=Part(("upright",), ("x--xx--xx--xx--x", "x-----x-x-----x-"), 36, 0.5),
        chords=Part(("guitar",), ("x--x--x---x--x--", "x-x--x-x--x--x--"), 55, 0.4),
        lead=Part(("flute",), ("....x---x-x-----", "x-----x---x-----"), 69, 0.25),
    ),
    Style(
        name="trance",
        genre="Trance",
        tempo=(134, 142),
        scales=("minor",),
        progressions=((0, 5, 2, 6), (5, 6, 0, 0), (0, 3, 5, 4)),
        chord=TRIAD,
        drums=(("kick", "x...x...x...x..."), ("openhat", "..x...x...x...x."), ("snare", "....o.......o...")),
        bass=Part(("acid", "bassguitar"), ("..xx..xx..xx..xx", ".xxx.xxx.xxx.xxx"), 36, 0.4),
        chords=Part(("supersaw",), ("x-xx-xx-xx-xx-x-", "xxxxxxxxxxxxxxxx"), 60, 0.4),
        room=0.3,
        arpeggio=True,
    ),
    Style(
        name="swing",
        genre="Jazz",
        tempo=(132, 190),
        scales=("mixolydian", "dorian", "major"),
        progressions=((0, 3, 0, 4), (1, 4, 0, 5), (0, 5, 1, 4)),
        chord=SEVENTH,
        steps=3,
        drums=(("ride", "x..x.ox..x.o"), ("hat", "...x.....x.."), ("brush", "o..o..o..o..")),
        bass=Part(("upright",), ("x-.x-.x-.x-.",), 36, 0.6),
        chords=Part(("piano", "guitar"), ("x-...o......", "..x.....x-..", "x.....o-...."), 57, 0.35),
        lead=Part(("piano", "flute"), ("x.ox.ox-.x.o", "x--..ox.ox--", "..ox.ox-.x-."), 67, 0.35),
        wander=2,
    ),
    Style(
        name="chiptune",
        genre="Chiptune",
        tempo=(140, 172),
        scales=("major", "minor"),
        progressions=((0, 4, 5, 3), (0, 5, 3, 4), (0, 6, 5, 4)),
        chord=TRIAD,
        drums=(
            ("chipkick", "x...x...x...x..."),
            ("chipnoise", "....x.......x.o."),
            ("hat", "x.x.x.x.x.x.x.x."),
        ),
        bass=Part(("square",), ("x.x.x.x.x.x.x.x.", "x..x..x.x..x..x."), 36, 0.35),
        chords=Part(("square",), ("xxxxxxxxxxxxxxxx",), 60, 0.2),
        lead=Part(("square",), ("x-x-x---x-x-x---", "x---x-x-x-----x-", "x-xxx-x-x---x---"), 72, 0.3),
        room=0.0,
        arpeggio=True,
    ),
)
"""All styles, in a fixed order: a position is as good as a name, and neither changes."""


def style_named(name: str) -> Style:
    """The style of that name; ``KeyError`` when there is none."""
    return {style.name: style for style in STYLES}[name]
