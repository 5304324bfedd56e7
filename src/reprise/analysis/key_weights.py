"""What speaks for a key, from its tonic up in semitones: weights of a logistic regression over the 24 keys.

Fitted (L2 penalty 0.5, then scaled so that its probabilities are right on a style left out) to 392 pieces of the
14 training styles of the synthetic corpus (``benchmarks/corpus``); no recorded music and none of the styles that
accuracy is measured on took part. ``docs/analysis.md`` says how good they are.
"""

from __future__ import annotations

# fmt: off
FROM_THE_START: tuple[float, ...] = (
    1.60, -0.45, -0.19, -1.54, 1.07, 0.47, -0.54, 0.55, -0.25, -0.29, -0.66, 0.25,  # major key: pitch classes, all registers
    1.08, 0.27, 0.21, -1.36, 0.24, -0.21, 0.22, -0.34, 0.33, 0.19, -0.54, -0.07,  # major key: pitch classes, bass
    1.50, -0.74, -1.20, -1.04, -1.50, 0.76, 1.45, 0.89, -0.57, 0.91, -0.37, 0.46,  # major key: major chords
    -0.07, -0.42, 1.45, 0.01, 1.56, 0.43, -0.74, -1.19, -0.70, 0.37, -0.18, -1.07,  # major key: minor chords
    0.61, -0.67, 0.11, -0.40, 0.24, 0.22, 0.12, 0.18, -0.13, -0.51, -0.23, 0.49,  # major key: major chords, opening
    0.00, -0.08, -0.08, 0.67, 0.08, 0.13, -0.79, 0.02, 0.21, -0.11, 0.52, -0.61,  # major key: minor chords, opening
    0.32, -0.02, 0.27, 0.42, -0.46, -0.01, -0.25, 0.04, 0.03, -0.21, -0.18, 0.05,  # minor key: pitch classes, all registers
    0.53, -0.15, -0.32, 1.32, -0.29, -0.43, -0.23, 0.87, 1.02, -0.75, -0.74, -0.84,  # minor key: pitch classes, bass
    0.59, -0.17, -0.81, -0.63, -0.27, -0.04, -0.32, 0.51, 0.49, -0.35, 0.85, -0.39,  # minor key: major chords
    2.87, -0.02, -0.06, -0.99, -0.60, 1.00, 0.01, 0.22, 0.03, -0.95, -0.95, -0.02,  # minor key: minor chords
    0.09, -0.38, 0.40, 0.15, 0.02, -0.13, -0.27, -0.06, 0.03, 0.36, -0.02, -0.23,  # minor key: major chords, opening
    0.31, 0.05, -0.34, 0.24, -0.01, 0.17, 0.11, -0.19, 0.30, -0.69, 0.12, -0.02,  # minor key: minor chords, opening
    0.11,  # a minor key
)

FROM_THE_MIDDLE: tuple[float, ...] = (
    2.49, -0.55, -0.23, -1.87, 1.21, 0.74, -0.50, 0.86, -0.48, -0.74, -1.00, 0.08,  # major key: pitch classes, all registers
    0.89, 0.21, 0.49, -1.18, 0.58, -0.61, 0.03, -0.30, 0.24, 0.14, -0.50, 0.00,  # major key: pitch classes, bass
    1.86, -1.34, -1.06, -0.99, -1.61, 0.83, 1.60, 1.34, -0.85, 0.90, 0.01, 0.42,  # major key: major chords
    0.29, -0.85, 1.37, 0.34, 2.17, 0.76, -1.11, -1.76, -1.19, 0.16, 0.15, -1.44,  # major key: minor chords
    0.66, 0.02, 0.43, 0.49, -0.52, -0.12, -0.17, -0.28, -0.09, 0.03, -0.42, -0.02,  # minor key: pitch classes, all registers
    0.57, -0.25, -0.37, 2.00, -0.35, -0.42, -0.52, 0.54, 1.24, -1.26, -0.19, -0.98,  # minor key: pitch classes, bass
    0.43, -0.15, -1.48, -0.67, -0.37, -0.30, -0.59, 0.90, 0.61, -0.16, 1.19, -0.53,  # minor key: major chords
    3.68, 0.14, -0.42, -0.91, -0.71, 1.19, -0.02, 0.31, 0.02, -1.11, -1.19, 0.13,  # minor key: minor chords
    -0.20,  # a minor key
)
# fmt: on
