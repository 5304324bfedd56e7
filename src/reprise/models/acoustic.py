"""The built-in model: an embedding from signal processing alone. No weights, no download."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from reprise.core.spec import Execution, ModelCard, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.ports import Audio, Vectors

DIMENSION = 181
"""Written out because counting the table's rows would import what listing models must not; a test compares."""

SAMPLE_RATE = 22_050
"""Hz."""

EPOCH = 1
"""Raised whenever the meaning of a dimension changes: a formula, a centre, a scale, a weight."""

MEMORY_MB = 220
"""Measured: 90 MB for songs, 216 for a two-hour MP3; the whole process, Python, numpy, scipy and FFmpeg."""


@lru_cache(maxsize=1)
def _card() -> ModelCard:
    """Made when somebody asks: the decoder's version is part of the spec, and only the decoder knows it."""
    from reprise.media.decode import MONO, RESAMPLER, decoder_major

    spec = ModelSpec(
        model="acoustic",
        dimension=DIMENSION,
        weights="none",
        sample_rate=SAMPLE_RATE,
        mono=MONO,
        resampler=RESAMPLER,
        window=2048,
        hop=512,
        pooling="statistics weighed by amplitude",
        normalisation="l2",
        decoder_major=decoder_major(),
        epoch=EPOCH,
        options=(("floor_db", "-60"), ("long_hop", "4096"), ("long_window", "8192")),
    )
    return ModelCard(
        name="acoustic",
        summary="timbre, rhythm, harmony and dynamics by signal processing; no weights, no download",
        spec=spec,
        execution=Execution.PER_CORE,
        licence="MIT",
        source="docs/acoustic.md",
        memory_mb=MEMORY_MB,
    )


class Acoustic:
    """``reprise.core.ports.EmbeddingModel``. All the work is in :meth:`prepare`: it runs beside the decoder."""

    @property
    def card(self) -> ModelCard:
        return _card()

    def load(self) -> None:
        """Import what preparing needs, so that the first item is not slower than the rest."""
        import scipy.fft  # noqa: F401

        import reprise.analysis.acoustic  # noqa: F401

    def prepare(self, audio: Audio) -> NDArray[np.float32]:
        """The finished vector, shape (181,), unit length.

        Raises ``TooShort`` (under half a second), ``Silent`` (nothing above -80 dBFS) and decoding errors.
        """
        from reprise.analysis.acoustic import embed_audio

        return embed_audio(audio)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """Stack the vectors, shape (n, 181)."""
        import numpy as np

        return np.stack(prepared).astype(np.float32, copy=False)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        """A fading chord and a clicking noise, three seconds each, through the same path as any track."""
        return [self.prepare(_Canary(noisy=False)), self.prepare(_Canary(noisy=True))]


class _Canary:
    """Three seconds of synthesised sound as :class:`reprise.core.ports.Audio`."""

    sample_rate = SAMPLE_RATE
    declared_seconds = 3.0

    def __init__(self, *, noisy: bool) -> None:
        self._noisy = noisy

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        import numpy as np

        time = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
        if self._noisy:
            bursts = np.exp(-np.mod(time, 0.25) / 0.03)  # four clicks a second
            sound = np.random.default_rng(7).standard_normal(len(time)) * bursts * 0.2
        else:
            chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 277.18, 329.63))
            sound = chord * 0.2 * np.exp(-time / 2.0)
        yield sound.astype(np.float32)
