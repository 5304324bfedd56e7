"""The vector gate: nothing counts as done before its vector passed here."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from reprise.errors import BadVector, CanaryFailed, ItemError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SMALLEST_NORM = 1e-6
CANARY_LARGEST_COSINE = 0.9999
CONSTANT_SHARE = 0.5
CONSTANT_FROM = 8


def check_vector(vector: NDArray[np.float32], dimension: int) -> NDArray[np.float32]:
    """The vector at unit length, float32, shape (dimension,); raises ``BadVector`` with the reason."""
    if vector.shape != (dimension,):
        raise BadVector(f"the vector has shape {vector.shape}, the spec says ({dimension},)")
    if not np.isfinite(vector).all():
        raise BadVector("the vector holds NaN or infinity")
    norm = float(np.linalg.norm(vector))
    if norm < SMALLEST_NORM:
        raise BadVector("the vector is zero")
    return (vector / norm).astype(np.float32, copy=False)


def check_canaries(vectors: NDArray[np.float32], dimension: int) -> None:
    """Two inputs that sound nothing alike must not get one vector; raises ``CanaryFailed`` with the reason."""
    try:
        first, second = (check_vector(row, dimension) for row in vectors)
    except ItemError as error:
        raise CanaryFailed(f"the canary's vector is unusable: {error.message}") from error
    if float(first @ second) > CANARY_LARGEST_COSINE:
        raise CanaryFailed("two different canaries got the same vector: the model returns constants")


@dataclass(slots=True)
class ConstantGate:
    """Notices a model that gives the same vector to different items.

    Copies of one recording may share a vector (their digests are equal, or a WAV stands beside its FLAC), so only
    one vector for more than half of at least eight different contents is taken for a fault.
    """

    _seen: Counter[bytes] = field(default_factory=Counter)
    _digests: set[bytes] = field(default_factory=set)

    @property
    def sure(self) -> bool:
        """Whether it has seen enough different items to judge."""
        return len(self._digests) >= CONSTANT_FROM

    def check(self, digests: Sequence[bytes], vectors: Sequence[NDArray[np.float32]]) -> None:
        """Raises ``CanaryFailed``; looks at the first few hundred items of a run only, in bounded memory."""
        for digest, vector in zip(digests, vectors, strict=True):
            if len(self._digests) >= 512 or digest in self._digests:
                continue
            self._digests.add(digest)
            self._seen[vector.tobytes()] += 1
        if not self.sure:
            return
        share = self._seen.most_common(1)[0][1] / len(self._digests)
        if share > CONSTANT_SHARE:
            raise CanaryFailed(
                f"{share:.0%} of {len(self._digests)} different items got one and the same vector"
            )
