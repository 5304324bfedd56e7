"""What a library's own tempo tags are worth: the scoring with the octave learnt from them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from reprise.analysis.octave_prior import OctavePrior, settle_octave
from reprise.core.analysis import HeardTempo

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from benchmarks.scoring import Answer, Truth

FOLDS = 5


def with_prior(pairs: Sequence[tuple[Truth, Answer]]) -> Mapping[str, list[tuple[Truth, Answer]]]:
    """The same answers with the octave settled, by how the prior was learnt.

    From the tags of the split ``train``, for all other tracks: styles that the library does not have. And from all but a
    fifth of the tracks, for that fifth, in turn: a library in which every style has some tags.
    """
    learnt = {}
    train = [pair for pair in pairs if pair[0].split == "train"]
    if train and len(train) < len(pairs):
        prior = _learn(train)
        learnt["reprise, octave learnt from the tags of the split train"] = [
            (truth, settled(answer, prior)) for truth, answer in pairs if truth.split != "train"
        ]
    folds = np.random.default_rng(0).permutation(len(pairs)) % FOLDS
    crossed = []
    for fold in range(FOLDS):
        prior = _learn([pair for pair, own in zip(pairs, folds, strict=True) if own != fold])
        crossed += [
            (pair[0], settled(pair[1], prior)) for pair, own in zip(pairs, folds, strict=True) if own == fold
        ]
    learnt["reprise, octave learnt from the tags of the other four fifths"] = crossed
    return learnt


def settled(answer: Answer, prior: OctavePrior) -> Answer:
    tempo = _tempo(answer)
    if tempo is None:
        return answer
    other = settle_octave(tempo, prior, _features(answer))
    return replace(
        answer,
        bpm=other.bpm,
        confidence=other.confidence,
        alternatives=tuple(bpm for bpm, _ in other.alternatives),
        strengths=tuple(strength for _, strength in other.alternatives),
    )


def _learn(pairs: Sequence[tuple[Truth, Answer]]) -> OctavePrior:
    samples = [(_tempo(answer), truth.bpm, _features(answer)) for truth, answer in pairs]
    return OctavePrior.learn(
        (tempo, bpm, features) for tempo, bpm, features in samples if tempo is not None and bpm is not None
    )


def _tempo(answer: Answer) -> HeardTempo | None:
    if answer.bpm is None:
        return None
    alternatives = tuple(zip(answer.alternatives, answer.strengths, strict=True))
    return HeardTempo(answer.bpm, answer.confidence, alternatives)


def _features(answer: Answer) -> NDArray[np.float32]:
    return np.array(answer.features, np.float32)
