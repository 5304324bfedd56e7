"""Further styles that the tempo is learnt from and nothing is scored by: what the 21 do not show of drums and metres."""

from __future__ import annotations

from benchmarks.corpus.styles import BACKBEAT, EIGHTHS, FOUR, OFFBEAT, SIXTEENTHS, SongStyle
from reprise.demo.styles import Part

MORE_STYLES = (
    SongStyle(
        "disco", "more", (106, 130),
        {"club minor": ("dorian",), "pop minor": ("natural",), "jazz major": ("major",)},
        {
            "kick": (FOUR,), "snare": (BACKBEAT,), "openhat": (OFFBEAT, ""), "hat": (SIXTEENTHS, "x.xxx.xxx.xxx.xx"),
            "conga": ("", "..x..xx...x..xx."),
        },
        Part(("bassguitar",), ("x.x.x.x.x.x.x.x.", "x--x--x-x--x--x-", "x.xxx.xxx.x.x.xx"), 28, 0.5),
        Part(("strings", "guitar", "epiano"), ("x---------------", "..x...x...x...x.", "xxxxxxxxxxxxxxxx"), 57, 0.35),
        Part(("strings", "flute"), ("x---x-x-x-------", "......x-x-x-x---"), 69, 0.25),
        bars_per_chord=(1.0, 2.0), jitter=0.005, drift=0.01, sings=0.7,
    ),
    SongStyle(
        "trap", "more", (124, 160),
        {"pop minor": ("natural", "harmonic"), "club minor": ("phrygian",)},
        {
            "deepkick": ("x.......x.x.....", "x..x..........x.", "x.....x.....x...", "x.............x."), "clap": ("........x.......",),
            "hat": (EIGHTHS, "x.x.x.xxx.x.xxx.", "x.x.xxx.x.x.x.xx"), "openhat": ("", "......x........."),
        },
        Part(("sub",), ("x---------------", "x-----x-----x---"), 28, 0.7),
        Part(("bell", "piano", "pad"), ("x---------------", "x-------x-------", "x---x---x---x---"), 60, 0.3),
        Part(("flute", "bell"), ("x-------....x---",), 72, 0.2),
        bars_per_chord=(1.0, 2.0), sings=0.8, arpeggio=0.4,
    ),
    SongStyle(
        "breakbeat", "more", (112, 140),
        {"club minor": ("natural", "dorian"), "pop minor": ("natural",)},
        {
            "kick": ("x.x.......xx....", "x..x..x...x.....", "x.........x..x.."), "snare": (BACKBEAT, "....x..o.o..x..o"),
            "hat": (EIGHTHS, SIXTEENTHS, OFFBEAT), "ride": ("", "x...x...x...x..."), "conga": ("", "..x..x..x.x..x.."),
        },
        Part(("reese", "acid", "sub"), ("x--x--x-x-......", "x.x...x.x.x...x.", "x-----------x---"), 31, 0.55),
        Part(("stab", "supersaw", "organ"), ("x..x..x.........", "..x...x...x...x.", "x---------------"), 57, 0.35),
        Part(("acid", "bell"), ("x..x..x..x..x.x.", "....x---....x---"), 66, 0.2),
        bars_per_chord=(1.0, 2.0, 4.0), sings=0.4, club=True,
    ),
    SongStyle(
        "reggaeton", "more", (84, 104),
        {"pop minor": ("natural", "harmonic"), "club minor": ("natural",)},
        {
            "kick": ("x...x...x...x...",), "snare": ("...x..x....x..x.", "...x..x...xx..x."),
            "hat": (EIGHTHS, "", SIXTEENTHS), "shaker": ("", SIXTEENTHS),
        },
        Part(("sub", "bassguitar"), ("x--x--x-x--x--x-", "x-------x---x---"), 31, 0.6),
        Part(("bell", "guitar", "stab"), ("x--x--x-x--x--x-", "x-..x-..x-..x-x-", "x---------------"), 57, 0.35),
        Part(("flute", "bell"), ("x--x--x-........", "....x-x-x---...."), 69, 0.2),
        bars_per_chord=(1.0, 2.0), sings=0.8,
    ),
    SongStyle(
        "country", "more", (86, 128),
        {"folk major": ("major", "mixolydian"), "pop major": ("major",)},
        {
            "kick": ("x.......x.......", "x.....x.x......."), "snare": (BACKBEAT, "oooxxoxoooxoxoxo"),
            "brush": ("", "ooxooooxooxoooxo"), "hat": ("", EIGHTHS),
        },
        Part(("upright", "bassguitar"), ("x-......x-......", "x---....x---..x-"), 28, 0.5),
        Part(("guitar", "piano"), ("....x-......x-..", "x-..x-x-x-..x-x-", "x-xxx-xxx-xxx-xx"), 52, 0.4),
        Part(("harp", "guitar", "distorted"), ("x-x-x-x-x-x-x---", "x---x-x-x-------"), 66, 0.25),
        bars_per_chord=(1.0, 2.0, 0.5), jitter=0.009, drift=0.015, sings=0.8,
    ),
    SongStyle(
        "soul", "more", (92, 128),
        {"pop major": ("major",), "blues major": ("mixolydian",), "jazz minor": ("dorian",)},
        {
            "kick": ("x.......x.......", "x.....x.x.x.....", "x..x..x.x......."), "snare": ("x...x...x...x...", BACKBEAT, "..x...x...x...x."),
            "hat": (EIGHTHS, "x...x...x...x..."), "conga": ("", "..xx..x...xx..x."),
        },
        Part(("bassguitar",), ("x--x..x-x--x..x-", "x-x-x..xx-x-x..."), 28, 0.55),
        Part(("piano", "organ", "guitar"), ("x---x---x---x---", "....x-......x-..", "x---------------"), 55, 0.35),
        Part(("organ", "flute"), ("x---x-x-........", "........x-x-x---"), 66, 0.2),
        bars_per_chord=(1.0, 2.0, 0.5), swing=0.15, jitter=0.008, drift=0.015, sings=0.9,
    ),
    SongStyle(
        "metal", "more", (96, 190),
        {"pop minor": ("natural", "harmonic"), "club minor": ("phrygian",)},
        {
            "kick": ("x.xxx.xxx.xxx.xx", "xxxxxxxxxxxxxxxx", "x.x...x.x.x...x."), "snare": (BACKBEAT, "........x......."),
            "ride": ("x...x...x...x...", ""), "crash": ("o...............", "x...x...x...x..."), "hat": ("", EIGHTHS),
        },
        Part(("bassguitar",), ("x.xxx.xxx.xxx.xx", "x-x-x-x-x-x-x-x-"), 26, 0.5),
        Part(("distorted",), ("x.xxx.xxx.xxx.xx", "x-x-x-x-x-x-x-x-", "x-------x---x---"), 40, 0.4),
        Part(("distorted",), ("xxxxxxxxxxxxxxxx", "x---x---x-x-x---"), 64, 0.2),
        bars_per_chord=(1.0, 2.0), jitter=0.006, drift=0.01, sings=0.6,
    ),
    SongStyle(
        "synth pop", "more", (96, 142),
        {"pop minor": ("natural",), "pop major": ("major", "mixolydian")},
        {
            "kick": (FOUR, "x.......x.x.....", "x.....x.x......."), "snare": (BACKBEAT,), "clap": ("", BACKBEAT),
            "hat": (EIGHTHS, SIXTEENTHS, ""), "tom": ("", "............x.xx"),
        },
        Part(("square", "acid", "sub"), ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx", "x.xxx.xxx.xxx.xx"), 33, 0.5),
        Part(("supersaw", "pad", "strings"), ("x---------------", "x-----x-----x---", "x--x--x-x--x--x-"), 57, 0.35),
        Part(("square", "bell"), ("x-x-x---x-x-x---", "xxxxxxxxxxxxxxxx"), 69, 0.2),
        bars_per_chord=(1.0, 2.0), sings=0.7, arpeggio=0.5,
    ),
    SongStyle(
        "afrobeat", "more", (96, 126),
        {"jazz minor": ("dorian",), "blues minor": ("dorian",)},
        {
            "kick": ("x.....x...x.....", "x..x..x...x..x.."), "snare": ("...x..o....xo...", "....x..o..o.x..."),
            "shaker": (SIXTEENTHS, EIGHTHS), "conga": ("x..x..x...x.x...", "..xx..x...xx..x."), "rim": ("x..x..x...x.x...", ""),
        },
        Part(("bassguitar", "sub"), ("x..x..x...x.....", "..x...xx..x..x.."), 30, 0.55),
        Part(("guitar", "organ"), ("x.xx.xx.x.xx.xx.", "..x..x....x..x..", "....x.x.....x.x."), 57, 0.35),
        Part(("organ", "stab", "distorted"), ("x--x--x---......", "........x-x-x-x-"), 64, 0.25),
        bars_per_chord=(2.0, 4.0, 1.0), jitter=0.006, drift=0.01, sings=0.5,
    ),
    SongStyle(
        "slow jam", "more", (60, 80),
        {"jazz minor": ("dorian", "natural"), "jazz major": ("major",), "pop minor": ("natural",)},
        {
            "deepkick": ("x.....x...x.....", "x..x...x..x....."), "snare": (BACKBEAT,), "rim": ("", "...o..o....o..o."),
            "hat": (SIXTEENTHS, "x.xox.xxx.xox.xo", EIGHTHS), "shaker": ("", SIXTEENTHS),
        },
        Part(("sub", "bassguitar"), ("x-----x---x-----", "x--x--..x-....xx"), 28, 0.6),
        Part(("epiano", "pad", "organ"), ("x---------------", "x-----x-----x---", "..x-......x-...."), 57, 0.35),
        Part(("epiano", "flute"), ("x-x-....x---....", "....x-xxx---...."), 67, 0.2),
        bars_per_chord=(1.0, 0.5), swing=0.2, jitter=0.006, sings=0.9, room=0.25,
    ),
    SongStyle(
        "march", "more", (96, 132),
        {"folk major": ("major",), "pop major": ("major",), "folk minor": ("harmonic",)},
        {
            "kick": ("x.......x.......", FOUR), "snare": ("x...x.xxx...x.xx", "....x.......x...", "x.oox.oox.oox.oo"),
            "crash": ("", "x......."), "tom": ("", "x.......x......."),
        },
        Part(("bassguitar", "strings"), ("x-......x-......", "x---....x---...."), 31, 0.5),
        Part(("accordion", "organ", "strings"), ("....x-......x-..", "..x-..x-..x-..x-"), 55, 0.4),
        Part(("flute", "square"), ("x---x-x-x---x---", "x-xxx-x-x---...."), 69, 0.3),
        bars_per_chord=(1.0, 0.5, 2.0), jitter=0.008, drift=0.01, sings=0.3,
    ),
    SongStyle(
        "minuet", "more", (76, 150),
        {"folk major": ("major",), "folk minor": ("harmonic", "natural"), "pop major": ("major",)},
        {"tom": ("", "", "x..........."), "brush": ("", "", "o...o...o...")},
        Part(("strings", "piano"), ("x---x---x---", "x-----------", "x-------x---"), 36, 0.45),
        Part(("strings", "harp", "piano"), ("....x---x---", "x-x-x-x-x-x-", "x---x---x---", "..x-x-x-x-x-"), 55, 0.4),
        Part(("flute", "strings", "piano"), ("x-x-x-x-x---", "x---x-x-x---", "x-------x---"), 69, 0.35),
        beats=3, metre="3/4", bars_per_chord=(1.0, 2.0), jitter=0.010, drift=0.02, sings=0.0, arpeggio=0.3,
    ),
    SongStyle(
        "rock in three", "more", (92, 168),
        {"pop major": ("major", "mixolydian"), "pop minor": ("natural",), "blues major": ("mixolydian",)},
        {
            "kick": ("x...........", "x.........x."), "snare": ("....x...x...", "........x...", "....x......."),
            "hat": ("x.x.x.x.x.x.", "x...x...x..."), "ride": ("", "x.x.x.x.x.x."),
        },
        Part(("bassguitar", "sub"), ("x-----x-x---", "x---x---x---", "x-------..x-"), 28, 0.5),
        Part(("guitar", "distorted", "epiano"), ("x-x-x-x-x-x-", "x-----------", "x---x-x-x-x-"), 50, 0.4),
        Part(("distorted", "organ"), ("x---x-x-x---", "....x-x-x-x-"), 66, 0.2),
        beats=3, metre="3/4", bars_per_chord=(1.0, 2.0), jitter=0.008, drift=0.015, sings=0.8,
    ),
    SongStyle(
        "shuffle", "more", (84, 150),
        {"blues major": ("mixolydian",), "blues minor": ("dorian", "natural")},
        {
            "kick": ("x.....x.....", "x..x..x..x..", "x....xx....."), "snare": ("...x.....x..",),
            "hat": ("x.xx.xx.xx.x", "x..x..x..x.."), "ride": ("", "x.xx.xx.xx.x"),
        },
        Part(("bassguitar", "upright"), ("x-.x-.x-.x-.", "x-xx-xx-xx-x", "x--x--x--x--"), 28, 0.55),
        Part(("guitar", "organ", "piano"), ("x-xx-xx-xx-x", "..x..x..x..x", "x-----------"), 52, 0.4),
        Part(("distorted", "organ"), ("x-xx-x......", "...x-xx-x..x"), 64, 0.25),
        steps=3, bars_per_chord=(1.0, 2.0, 4.0), jitter=0.008, drift=0.015, sings=0.7,
    ),
    SongStyle(
        "jig", "more", (104, 138),
        {"folk major": ("major", "mixolydian"), "folk minor": ("dorian", "natural")},
        {"tom": ("x.xx.x", "x..x..", ""), "shaker": ("", "xooxoo"), "clap": ("", "", "...x..")},
        Part(("upright", "strings"), ("x--x--", "x-----"), 33, 0.45),
        Part(("accordion", "guitar", "harp"), ("x--x--", "..x..x", "x-xx-x"), 55, 0.4),
        Part(("flute", "accordion", "harp"), ("xxxxxx", "x-xxxx", "xxxx-x"), 69, 0.4),
        beats=2, steps=3, metre="6/8", bars_per_chord=(1.0, 2.0, 0.5), jitter=0.008, drift=0.015, sings=0.1,
    ),
    SongStyle(
        "barcarole", "more", (60, 84),
        {"pop minor": ("natural", "harmonic"), "folk major": ("major",), "jazz major": ("major",)},
        {"brush": ("", "", "o.oo.o"), "kick": ("", "", "x.....")},
        Part(("piano", "strings"), ("x-----", "x--x--"), 36, 0.45),
        Part(("piano", "harp", "guitar"), ("xxxxxx", "..xx.x", "x-xx-x"), 55, 0.35),
        Part(("flute", "strings", "piano"), ("x----x", "x--x-x", "x--x--"), 69, 0.35),
        beats=2, steps=3, metre="6/8", bars_per_chord=(1.0, 2.0), jitter=0.012, drift=0.02, sings=0.3, arpeggio=0.7,
    ),
    SongStyle(
        "slow blues", "more", (60, 84),
        {"blues minor": ("dorian", "natural"), "blues major": ("mixolydian",)},
        {"brush": ("", "x..x..x..x.."), "kick": ("", "o.....o....."), "rim": ("", "...x.....x.."), "ride": ("xooxooxooxoo", "x.xx.xx.xx.x")},
        Part(("upright", "bassguitar"), ("x--x--x--x--", "x-xx-xx-xx-x"), 28, 0.5),
        Part(("guitar", "piano", "organ"), ("xxxxxxxxxxxx", "...x-....x-.", "x-----------"), 52, 0.35),
        Part(("distorted", "guitar"), ("x-xx--x--...", "..xx-x...x--"), 64, 0.3),
        steps=3, metre="12/8", bars_per_chord=(1.0, 2.0), jitter=0.010, drift=0.015, sings=0.6, walking=True,
    ),
)  # fmt: skip
"""Of the group "more". None is like a style that is kept for testing but by its metre."""
