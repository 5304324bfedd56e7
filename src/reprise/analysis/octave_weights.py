"""Weights of the tempo model's features, per unit of the feature.

Written by ``benchmarks/learn_tempo.py`` from rendered music alone. They are part of what the model ``analysis`` is:
changing one means raising its epoch.
"""

from __future__ import annotations

WEIGHTS = {
    "speed": -0.4281,
    "speed squared": -1.753,
    "repeats after 0.33": 0.1134,
    "repeats after 0.67": -1.626,
    "repeats after 1.00": 3.229,
    "repeats after 2.00": 1.335,
    "answers after 1.00": 1.499,
    "answers after 2.00": 1.707,
    "repeats after a bar": 5.448,
    "harmony after 2.00": 0.7834,
    "harmony after 8.00": 0.806,
    "harmony after a bar": 2.376,
    "harmony every 4.00": 5.74,
    "harmony every 3.00": 4.836,
    "harmony every 2.00": 3.248,
    "harmony every 1.00": 3.348,
    "harmony every 0.50": 0.8509,
    "all per beat": 0.2523,
    "low per beat": 0.2509,
    "middle per beat": 0.2444,
    "high per beat": 0.2407,
    "top per beat": 0.2356,
    "all per beat squared": -0.3546,
    "low per beat squared": -0.8872,
    "middle per beat squared": -0.1351,
    "high per beat squared": 0.02907,
    "top per beat squared": -0.403,
}
