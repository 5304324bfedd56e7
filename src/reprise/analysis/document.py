"""Writes ``docs/acoustic.md`` from the table of the embedding: ``python -m reprise.analysis.document``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reprise.analysis.acoustic import DIMENSION, GROUPS, LIMIT
from reprise.analysis.spectrum import (
    BANDS,
    FLOOR_DB,
    FRAME,
    GATE_DB,
    HIGHEST_HZ,
    HOP,
    LONG_FRAME,
    LONG_HOP,
    LOWEST_HZ,
    MIN_SECONDS,
    SAMPLE_RATE,
    SILENCE_DBFS,
    SOUNDING_DB,
)

if TYPE_CHECKING:
    from reprise.analysis.acoustic import Group

INTRODUCTION = f"""# The model `acoustic`

An embedding from signal processing alone: {DIMENSION} numbers that describe timbre, rhythm, harmony and dynamics
of a whole track. No weights, no training, no download. This page is written from the table in
`reprise/analysis/acoustic.py` by `python -m reprise.analysis.document > docs/acoustic.md`; a test compares them.

## From sound to numbers

1. The track is decoded once to mono (the mean of left and right) at {SAMPLE_RATE:,} Hz and read in fixed
   segments, so that the vector does not depend on how the decoder cuts its blocks.
2. **Short frames**: {FRAME} samples ({1000 * FRAME / SAMPLE_RATE:.1f} ms) every {HOP} ({1000 * HOP / SAMPLE_RATE:.1f} ms),
   Hann window, power spectrum, {BANDS} triangular mel bands from {LOWEST_HZ:.0f} Hz to {HIGHEST_HZ / 1000:.1f} kHz.
   Higher up, codecs differ more than music does.
3. **Long frames**: {LONG_FRAME} samples ({1000 * LONG_FRAME / SAMPLE_RATE:.1f} ms) every {LONG_HOP}
   ({1000 * LONG_HOP / SAMPLE_RATE:.1f} ms) for pitch and for tonal against noisy: lines {SAMPLE_RATE / LONG_FRAME:.1f} Hz apart.
4. **The track's own level** is the mean power of the frames less than {-GATE_DB:.0f} dB below the mean. All levels
   are taken relative to it, so turning a track up or down changes nothing. Band levels are floored at
   {FLOOR_DB:.0f} dB: below, codecs leave noise or nothing.
5. **A frame's weight** is its amplitude relative to the track's own level, at most 1; a frame below
   {SOUNDING_DB:.0f} dB is a pause and has none. So padding, fades and quiet intros hardly count.
6. Each number has a **centre** and a **scale** in its own unit. With x = (value − centre) / scale it becomes
   {LIMIT:.0f} tanh(x / {LIMIT:.0f}), times the weight of its group over the square root of the group's size. The joined
   vector is brought to unit length; similarity is the cosine.

Less than {MIN_SECONDS} s of sound raises `TooShort`, nothing above {SILENCE_DBFS:.0f} dBFS raises `Silent`.

## Where centres and scales come from

They are the mean and the standard deviation over pieces of 13 styles from Reprise's own synthesiser
(`benchmarks/calibrate_acoustic.py`), the deviation floored at half the median of its group where the units agree;
the chroma and the angle of the pulse are centred by reasoning. Weights were chosen by hand: groups that move
least when a few seconds are cut off count most. **No recorded music took part**: on it, a centre may be off by a
fraction of a scale, which lifts all cosines alike and leaves their order mostly as it is.

## Groups

"""

REFERENCES = """## Sources

- E. Amiot, *Music Through Fourier Space*, Springer 2016.
- J. P. Bello et al., "A tutorial on onset detection in music signals", IEEE TSAP 13(5), 2005.
- S. Davis and P. Mermelstein, "Comparison of parametric representations for monosyllabic word recognition",
  IEEE TASSP 28(4), 1980.
- S. Dixon, "Onset detection revisited", DAFx 2006.
- EBU R 128 and Tech 3342, loudness and loudness range.
- D. P. W. Ellis, "Beat tracking by dynamic programming", JNMR 36(1), 2007.
- A. Forte, *The Structure of Atonal Music*, Yale 1973.
- T. Fujishima, "Realtime chord recognition of musical sound", ICMC 1999.
- S. Furui, "Speaker-independent isolated word recognition using dynamic features of speech spectrum", IEEE TASSP
  34(1), 1986.
- E. Gómez, *Tonal Description of Music Audio Signals*, thesis, UPF 2006.
- P. Grosche and M. Müller, "Extracting predominant local pulse information from music recordings", IEEE TASLP
  19(6), 2011.
- C. Harte, M. Sandler and M. Gasser, "Detecting harmonic change in musical audio", AMCMM 2006.
- D.-N. Jiang et al., "Music type classification by spectral contrast feature", ICME 2002.
- C. Krumhansl and E. Kessler, "Tracing the dynamic changes in perceived tonal organization", Psychological
  Review 89, 1982.
- B. Logan and A. Salomon, "A music similarity function based on signal analysis", ICME 2001.
- M. McKinney and J. Breebaart, "Features for audio and music classification", ISMIR 2003.
- D. O'Shaughnessy, *Speech Communication*, 1987 (the mel scale).
- E. Pampalk, *Computational Models of Music Similarity*, thesis, TU Wien 2006.
- G. Peeters, "A large set of audio features for sound description", IRCAM 2004.
- I. Quinn, "General equal-tempered harmony", Perspectives of New Music 44(2), 2006.
- E. Scheirer, "Tempo and beat analysis of acoustic musical signals", JASA 103(1), 1998.
- G. Tzanetakis and P. Cook, "Musical genre classification of audio signals", IEEE TSAP 10(5), 2002.
"""


def markdown() -> str:
    """The whole page."""
    sections, first = [], 0
    for group in GROUPS:
        sections.append(_section(group, first))
        first += len(group.dimensions)
    return INTRODUCTION + _overview() + "".join(sections) + REFERENCES


def _overview() -> str:
    rows = [
        f"| `{group.name}` | {len(group.dimensions)} | {group.weight:g} | {group.source} |"
        for group in GROUPS
    ]
    return "\n".join(["| group | numbers | weight | source |", "|---|---|---|---|", *rows]) + "\n\n"


def _section(group: Group, first: int) -> str:
    lines = [
        f"### `{group.name}`",
        "",
        f"{group.formula[0].upper()}{group.formula[1:]}. Unit: {group.unit}. Source: {group.source}.",
        "",
        "| # | dimension | centre | scale |",
        "|---|---|---|---|",
    ]
    rows = zip(group.dimensions, group.centre, group.scale, strict=True)
    lines += [
        f"| {first + number} | {name} | {centre:g} | {scale:g} |"
        for number, (name, centre, scale) in enumerate(rows)
    ]
    return "\n".join(lines) + "\n\n"


if __name__ == "__main__":
    sys.stdout.write(markdown())
