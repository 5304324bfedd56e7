"""Centres and scales of the acoustic embedding, by group, in the units of the table.

Written by ``benchmarks/calibrate_acoustic.py``: mean and deviation over rendered pieces of every style, the
deviation floored at half the median of its group. They are part of the model's spec: changing one means
raising its epoch.
"""

from __future__ import annotations

_NUMBERS = """
cepstrum_mean centre 27.2 8.93 -0.0651 1.86 -0.437 1.92 2.39 3.27 3.35 2.33 2.44 1.23 1.67 0.852 0.351 1.07 -0.34 -0.13 -0.39
cepstrum_mean scale 17.4 11.1 6.85 6.31 4.71 5.62 5.69 5.02 4.37 3.69 3.85 3.53 3.66 3.13 2.63 2.24 2.52 2.39 1.93
cepstrum_deviation centre 15.9 12.4 10.0 8.63 7.46 7.02 6.59 6.43 6.28 6.25 6.36 6.33 6.3 6.06 5.9 5.54 5.28 5.34 4.94
cepstrum_deviation scale 7.25 5.89 4.95 3.31 2.43 2.87 3.29 3.0 2.91 2.93 3.06 3.38 3.69 3.51 3.34 2.88 2.82 3.03 2.66
cepstrum_change centre 14.2 11.2 8.93 7.68 6.78 6.59 6.02 6.04 5.7 5.6 5.61 5.71
cepstrum_change scale 6.95 4.81 3.88 2.78 2.83 3.14 3.66 3.91 3.34 2.98 2.63 3.17
moments centre -1.52 0.738 1.23 0.315
moments scale 0.762 0.22 0.325 0.136
crest_mean centre 11.5 13.8 16.0 16.9 17.0 15.5
crest_mean scale 1.69 1.48 1.72 2.06 2.9 3.76
crest_deviation centre 2.19 1.78 1.83 2.29 2.52 2.26
crest_deviation scale 0.735 0.545 0.546 1.01 1.22 0.932
periodicity centre -0.0161 0.0228 -0.00391 -0.00571 -0.00746 0.00259 0.012 -0.0163 0.0206 0.0512 -0.0246 -0.064 -0.0379 -0.0106 0.0847 0.037 0.0243 0.0802 0.0303 -0.0531 -0.0449 -0.00149 0.0136 -0.0183
periodicity scale 0.0978 0.117 0.11 0.107 0.108 0.119 0.146 0.146 0.157 0.184 0.151 0.122 0.135 0.192 0.207 0.19 0.214 0.2 0.206 0.134 0.172 0.174 0.187 0.175
modulation centre 2.89 2.34 2.95 2.55 2.16 1.52 2.6 2.14 2.67 2.19 1.91 1.44 2.43 2.07 2.08 1.87 1.37 1.07 2.15 2.0 2.13 1.84 1.29 1.05 1.52 1.83 1.76 1.76 1.29 0.883 1.24 1.52 1.44 1.33 0.984 0.86
modulation scale 2.39 1.38 1.67 1.51 1.32 0.802 1.62 1.11 1.62 1.18 1.5 1.05 2.02 1.33 1.28 1.1 0.703 0.761 1.83 1.27 1.31 1.2 0.739 0.612 0.906 1.17 1.07 1.02 0.819 0.553 0.886 1.03 0.79 0.675 0.553 0.553
onsets centre 3.56 3.82 1.29 0.375 0.487 0.138 0.404
onsets scale 1.18 2.09 0.634 0.0826 0.0689 0.04 0.131
pulse centre 0.0 0.0
pulse scale 0.434 0.434
tonality centre 0.103 0.19 0.187 0.124 0.409 0.0851
tonality scale 0.0644 0.0946 0.0895 0.0823 0.0853 0.0633
chords centre 0.21 0.329 0.379 0.303 0.465 0.156
chords scale 0.0814 0.108 0.0864 0.077 0.0787 0.0594
intervals centre 0.305 0.344 0.404 0.368 0.55 0.277
intervals scale 0.0858 0.109 0.12 0.0935 0.0846 0.117
movement centre 0.482 0.278 0.879 0.76
movement scale 0.151 0.0715 0.0416 0.0513
mode centre 0.738 0.699
mode scale 0.12 0.111
chroma centre 0.0833 0.0833 0.0833 0.0833 0.0833 0.0833 0.0833 0.0833 0.0833 0.0833 0.0833 0.0833
chroma scale 0.0651 0.0651 0.0651 0.0651 0.0651 0.0651 0.0651 0.0651 0.0651 0.0651 0.0651 0.0651
level centre -14.0 -4.14 -0.604 1.28 3.38
level scale 8.63 3.85 0.953 0.632 1.26
dynamics centre 2.52 3.74 11.8 0.0959 1.21
dynamics scale 1.98 2.88 1.77 0.0972 0.578
"""


def _parsed() -> dict[str, tuple[tuple[float, ...], tuple[float, ...]]]:
    rows = [line.split() for line in _NUMBERS.strip().splitlines()]
    values = [(row[0], tuple(float(word) for word in row[2:])) for row in rows]
    return {
        name: (centre, scale) for (name, centre), (_, scale) in zip(values[::2], values[1::2], strict=True)
    }


CALIBRATION = _parsed()
"""Centres and scales by the name of the group."""
