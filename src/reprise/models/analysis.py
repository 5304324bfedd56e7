"""The built-in model that also tells what it heard: tempo, key, loudness, silence, cues and a fingerprint.

Its vector is the acoustic embedding, made from the same spectrum; so one decoding of a track is enough for all.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reprise.models.acoustic import Acoustic

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.analysis import Analysis
    from reprise.core.choices import ModelChoices
    from reprise.core.ports import Audio
    from reprise.core.spec import ModelCard

ANALYSIS_EPOCH = 1
"""Raised whenever what is heard of a track changes its meaning: another way to find the tempo, other key profiles."""

MEMORY_MB = 320
"""Measured: 150 MB for songs, 300 for a two-hour MP3; the whole process, Python, numpy, scipy and FFmpeg."""


class ListeningAnalysis(Acoustic):
    """The acoustic model that is a ``reprise.core.ports.ListeningModel`` too. All the work is in :meth:`listen`."""

    def __init__(self) -> None:
        self._excerpt = 0.0

    def configure(self, choices: ModelChoices) -> None:
        self._excerpt = choices.analysis_excerpt

    @property
    def card(self) -> ModelCard:
        """The acoustic model's, but for what is told besides: the vectors are the same."""
        acoustic = super().card
        spec = replace(
            acoustic.spec,
            model="analysis",
            epoch=ANALYSIS_EPOCH,
            options=(
                *acoustic.spec.options,
                ("acoustic_epoch", str(acoustic.spec.epoch)),
                ("excerpt", f"{self._excerpt:g}"),
            ),
        )
        return replace(
            acoustic,
            name="analysis",
            summary="tempo, key, loudness, silence, cues and a fingerprint, with the acoustic embedding; no download",
            spec=spec,
            source="docs/analysis.md",
            memory_mb=MEMORY_MB,
            coverage=f"{self._excerpt:g} s from the middle" if self._excerpt else acoustic.coverage,
        )

    def load(self) -> None:
        """Import what listening needs, so that the first item is not slower than the rest."""
        import scipy.fft  # noqa: F401

        import reprise.analysis.listening  # noqa: F401

    def listen(self, audio: Audio) -> tuple[NDArray[np.float32], Analysis]:
        """The finished vector, shape (181,), unit length, and what was heard.

        Raises ``TooShort`` (under half a second), ``Silent`` (nothing above -80 dBFS) and decoding errors.
        """
        from reprise.analysis.listening import listen

        return listen(audio, self._excerpt)

    def prepare(self, audio: Audio) -> NDArray[np.float32]:
        """The vector alone."""
        return self.listen(audio)[0]
