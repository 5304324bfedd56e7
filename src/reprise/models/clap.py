"""CLAP: music and what is said of it in one space (Wu et al. 2023, arXiv 2211.06687), free for commercial use.

Of LAION's checkpoints in transformers' format this is the one for speech, music and everything else.
``larger_clap_music``, by its name the better one, is published with a fault: whatever the text, its vector is nearly
the same (embeddings-benchmark/mteb, issue 5069). Such a tower is noticed when it loads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from reprise.core.windows import Windowing
from reprise.models.loading import whole_number
from reprise.models.network import Anatomy, TextNetwork
from reprise.models.weights import Published

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from reprise.core.ports import Audio

SAMPLE_RATE = 48_000
"""Hz."""

CLIP = 10 * SAMPLE_RATE
"""Samples of what it hears at once; the published code cuts longer sound at a place that it rolls dice for."""

FILES = ("pytorch_model.bin", "config.json", "preprocessor_config.json", "tokenizer.json")


class Clap(TextNetwork):
    """larger_clap_general: 512 dimensions for 10 s of sound, and for a text."""

    anatomy: ClassVar[Anatomy] = Anatomy(
        name="clap",
        summary="music and text in one space: search by words, free for commercial use",
        sample_rate=SAMPLE_RATE,
        whole=Windowing(CLIP, CLIP),
        sampled=Windowing(CLIP, CLIP, spread=5),
        pooling="mean",
        layers="last, projected",
        memory_mb=1400,
        batch=16,
        epoch=1,
        published=Published(
            repository="laion/larger_clap_general",
            revision="ada0c23a36c4e8582805bb38fec3905903f18b41",
            files=FILES,
            licence="Apache-2.0",
            commercial_use=True,
            size_mb=779,
        ),
        facts=(
            ("parameters", "193.9 million: 68 hear, 125 read"),
            ("training", "LAION-Audio-630K, AudioSet, music and speech with captions"),
            ("paper", "arXiv 2211.06687, huggingface.co/laion/larger_clap_general"),
            ("pitfalls", "reads English; a track shorter than 10 s is repeated, as in its training"),
        ),
    )

    def dimension(self, config: Mapping[str, Any]) -> int:
        return whole_number(config, "projection_dim", 512)

    def build(self, folder: Path) -> torch.nn.Module:
        from reprise.models.clap_audio import read_audio_tower

        return read_audio_tower(folder)

    def windows(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        """As everywhere; but a track that is shorter than a clip is repeated instead of followed by silence."""
        heard = _Counted(audio)
        for window in self.windowing.cut(heard):
            yield repeated(window, heard.samples)

    def load_text(self) -> None:
        """Raises also ``CanaryFailed`` when texts that mean nothing alike have the same vector."""
        from reprise.models.loading import import_transformers

        import_transformers()
        from reprise.models.clap_text import TextTower

        self._text = TextTower(self.weights.checked(self.card.spec.weights))


class _Counted:
    """Sound that knows how much of it went by since it was last begun."""

    def __init__(self, audio: Audio) -> None:
        self._audio = audio
        self.samples = 0

    @property
    def sample_rate(self) -> int:
        return self._audio.sample_rate

    @property
    def declared_seconds(self) -> float | None:
        return self._audio.declared_seconds

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        self.samples = 0
        for block in self._audio.blocks():
            self.samples += len(block)
            yield block


def repeated(window: NDArray[np.float32], samples: int) -> NDArray[np.float32]:
    """A window of which only the first ``samples`` are sound: as many whole repeats as fit, then silence."""
    import numpy as np

    if samples >= len(window):
        return window
    repeats = np.tile(window[:samples], len(window) // samples)
    return np.pad(repeats, (0, len(window) - len(repeats)))
