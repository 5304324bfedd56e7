"""Weights of the features of a beat's places, per unit of the feature.

Written by ``benchmarks/learn_beats.py`` from rendered music alone.
"""

from __future__ import annotations

WEIGHTS = {
    "strong low": 0.8167,
    "strong middle": -0.08785,
    "strong high": 1.41,
    "strong top": 1.811,
    "strong opposite low": 2.674,
    "strong opposite middle": 1.221,
    "strong opposite high": -0.5118,
    "strong opposite top": 1.387,
    "strong quarter low": -0.1196,
    "strong quarter middle": -0.7993,
    "strong quarter high": 0.07694,
    "strong quarter top": -1.566,
    "strong every other low": 4.871,
    "strong every other middle": 2.032,
    "strong every other high": 3.584,
    "strong every other top": 0.9985,
    "strong low answers high": -0.1562,
    "strong low with high": 1.12,
    "strong low with middle": -0.2802,
    "many low": 2.906,
    "many middle": -1.138,
    "many high": -0.7709,
    "many top": 0.3113,
    "many opposite low": -0.5445,
    "many opposite middle": -0.3613,
    "many opposite high": -0.54,
    "many opposite top": 1.238,
    "many quarter low": 1.341,
    "many quarter middle": 1.278,
    "many quarter high": 1.891,
    "many quarter top": 0.5813,
    "many every other low": -1.782,
    "many every other middle": -3.243,
    "many every other high": -1.855,
    "many every other top": -0.6192,
    "many low answers high": 3.912,
    "many low with high": 0.35,
    "many low with middle": -0.009464,
}
