"""MuQ-MuLan: music and what is said of it, in English or Chinese, in one space (arXiv 2501.01108)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from reprise.core.choices import Coverage
from reprise.core.windows import SHORTEST_SECONDS, Windowing
from reprise.errors import WeightsMissing
from reprise.models.muq import LICENCE, SAMPLE_RATE, count_in
from reprise.models.muq import PUBLISHED as MUQ
from reprise.models.network import Anatomy, TextNetwork
from reprise.models.weights import Published, Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from reprise.core.ports import Audio

CLIP = 10 * SAMPLE_RATE
"""Samples: what it hears at once, in its training as well."""

DIMENSION = 512

PARTS = {
    "MuQ-large-msd-iter": Published(
        repository=MUQ.repository,
        revision=MUQ.revision,
        files=("config.json",),
        licence=LICENCE,
        commercial_use=False,
        size_mb=1,
    ),
    "xlm-roberta-base": Published(
        repository="FacebookAI/xlm-roberta-base",
        revision="e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
        files=("config.json", "tokenizer.json"),
        licence="MIT",
        commercial_use=True,
        size_mb=10,
    ),
}
"""What the checkpoint refers to and does not hold, by the folder in which it lies beside it: the settings of the two
networks that it was made of, and the tokenizer. Their weights are in the checkpoint."""

FILES = (
    "pytorch_model.bin",
    "config.json",
    *(f"{folder}/{name}" for folder, part in PARTS.items() for name in part.files),
)


class MuqMulan(TextNetwork):
    """512 dimensions for 10 s of sound, and for a text."""

    anatomy: ClassVar[Anatomy] = Anatomy(
        name="muq-mulan",
        summary="music and text in one space: search by words, English or Chinese",
        sample_rate=SAMPLE_RATE,
        whole=Windowing(CLIP, CLIP),
        sampled=Windowing(CLIP, CLIP, spread=3),
        pooling="mean",
        layers="last, projected, unit length",
        memory_mb=3200,
        batch=16,
        epoch=1,
        published=Published(
            repository="OpenMuQ/MuQ-MuLan-large",
            revision="2e01c796b71dca71b45251384c04cd7b237c9020",
            files=FILES,
            licence=LICENCE,
            commercial_use=False,
            size_mb=2800,  # its authors' "~700M" parameters, four bytes each
        ),
        facts=(
            ("parameters", "about 700 million: about half hear, half read"),
            ("training data", "pairs of music and text, English and Chinese"),
            ("paper", "arXiv 2501.01108, github.com/tencent-ailab/MuQ"),
            (
                "also needed",
                "settings of MuQ-large-msd-iter; settings and tokenizer of xlm-roberta-base (MIT)",
            ),
            ("pitfall", "a text's vector depends on texts beside it in the published code; here it is alone"),
        ),
    )

    @property
    def weights(self) -> Weights:
        return GatheredWeights(self.anatomy.name, self.anatomy.published, self._choices)

    def dimension(self, config: Mapping[str, Any]) -> int:
        return count_in(config["mulan"] if config else {"dim_latent": DIMENSION}, "dim_latent")

    def build(self, folder: Path) -> torch.nn.Module:
        from reprise.models.muq_towers import load_audio_tower

        return load_audio_tower(folder)

    def windows(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        """Clips of 10 s; where the sound ends within one, it begins anew, as in the published code.

        Of spread clips this concerns tracks that are shorter than one.
        """
        return self.windowing.cut(_Rounded(audio, only_short=self._choices.coverage is Coverage.SAMPLED))

    def load_text(self) -> None:
        """Raises ``WeightsMissing`` and ``WeightsRefused``."""
        from reprise.models.muq_text import TextTower

        self._text = TextTower(self.weights.checked(self.card.spec.weights))


class GatheredWeights(Weights):
    """A folder whose files come from several repositories: its own beside a folder for each of ``PARTS``."""

    def fetch(self, told: Callable[[str], None]) -> None:
        if self.missing and self._choices.weights and not self._choices.offline:
            for part in self._parts():
                part.fetch(told)
        super().fetch(told)

    def absent(self, reason: str = "", cure: str = "") -> WeightsMissing:
        """Says of each missing file which repository has it, and into which folder it belongs."""
        missing = ", ".join(self.missing)
        own = [name for name in self.missing if name.rpartition("/")[0] not in PARTS]
        steps = [_by_hand(own, self)] if own else []
        steps += [_by_hand(part.missing, part) for part in self._parts() if part.missing]
        by_hand = "; ".join(steps)
        return WeightsMissing(
            f"{self.model}: {missing} not in {self.folder}" + (f"; {reason}" if reason else ""),
            cure=f"{cure}; or {by_hand}" if cure else by_hand,
        )

    def _parts(self) -> list[Weights]:
        return [Weights(f"{self.model}/{folder}", part, self._choices) for folder, part in PARTS.items()]


def _by_hand(names: list[str] | tuple[str, ...], weights: Weights) -> str:
    source = weights.published
    return f"put {', '.join(names)} of {source.repository}, revision {source.revision}, into {weights.folder}"


class _Rounded:
    """Sound that begins anew at its end, until whole clips are full."""

    def __init__(self, audio: Audio, *, only_short: bool) -> None:
        self._audio = audio
        self._only_short = only_short

    @property
    def sample_rate(self) -> int:
        return self._audio.sample_rate

    @property
    def declared_seconds(self) -> float | None:
        return self._audio.declared_seconds

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        import numpy as np

        start = np.zeros(0, np.float32)
        length = 0
        for block in self._audio.blocks():
            start = np.concatenate([start, block[: CLIP - len(start)]])
            length += len(block)
            yield block
        too_short = length < SHORTEST_SECONDS * self._audio.sample_rate
        if not too_short and not (self._only_short and length >= CLIP):
            yield np.resize(start, -length % CLIP)
