"""The words that are said in a video, heard by Whisper where no subtitles are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.spec import Execution, ModelCard, ModelSpec, Subject
from reprise.errors import ModelLoadFailed, WeightsMissing
from reprise.models.remembered import Digests
from reprise.models.weights import MISSING, Published, Weights
from reprise.models.whisper import BEAM, SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.core.ports import Document
    from reprise.core.video import Transcript
    from reprise.models.whisper import Recogniser

NAME = "video-transcript"

EPOCH = 1

BASE_MB = 500
"""Beside the weights: Python, FFmpeg, one piece of sound with its spectrum. Weights take as much as their file, at most."""

CHOOSE = "set transcriber to a size (tiny, base, small, medium, large-v3, large-v3-turbo) or to a folder"

_PLAIN = ("model.bin", "config.json", "tokenizer.json", "vocabulary.txt")
_NEWER = ("model.bin", "config.json", "tokenizer.json", "vocabulary.json", "preprocessor_config.json")


def _published(repository: str, revision: str, size_mb: int, files: tuple[str, ...] = _PLAIN) -> Published:
    return Published(repository, revision, files, licence="MIT", commercial_use=True, size_mb=size_mb)


SIZES = {
    "tiny": _published("Systran/faster-whisper-tiny", "d90ca5fe260221311c53c58e660288d3deb8d356", 79),
    "base": _published("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66", 148),
    "small": _published("Systran/faster-whisper-small", "536b0662742c02347bc0e980a01041f333bce120", 487),
    "medium": _published("Systran/faster-whisper-medium", "08e178d48790749d25932bbc082711ddcfdfbc4f", 1531),
    "large-v3": _published(
        "Systran/faster-whisper-large-v3", "edaa852ec7e145841d8ffdb056a99866b5f0a478", 3091, _NEWER
    ),
    "large-v3-turbo": _published(
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "0c94664816ec82be77b20e824c8e8675995b0029",
        1621,
        _NEWER,
    ),
}
"""Whisper as converted for CTranslate2, by the word that chooses it."""


class VideoTranscript:
    """``TellingModel``, ``ChoosableModel`` and ``DownloadableModel``: hears videos that have sound and no words yet."""

    def __init__(self) -> None:
        self._choices = ModelChoices()
        self._recogniser: Recogniser | None = None

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    @property
    def weights(self) -> Weights | None:
        """``None`` while nothing is chosen."""
        chosen = self._choices.transcriber
        if not chosen:
            return None
        if chosen in SIZES:
            return Weights(f"{NAME}/{chosen}", SIZES[chosen], self._choices)
        return FolderWeights(Path(chosen), self._choices)

    @property
    def card(self) -> ModelCard:
        published = self.weights.published if self.weights else None
        return ModelCard(
            name=NAME,
            summary="what is said in videos without subtitles, by Whisper",
            spec=self._spec(),
            execution=Execution.PER_CORE,
            licence="MIT",
            source=published.repository if published else "github.com/SYSTRAN/faster-whisper",
            memory_mb=BASE_MB + (published.size_mb if published else 0),
            repository=published.repository if published else "",
            revision=published.revision if published else "",
            missing=", ".join(self.weights.missing) if self.weights else CHOOSE,
            most_processes=1,
            facts=(
                ("heard by", self._choices.transcriber or "nothing"),
                ("pauses", "are left out (Silero VAD, which faster-whisper brings)"),
                ("taken for speech", "as core/speech_quality.py says"),
                ("paper", "arXiv 2212.04356"),
            ),
        )

    def _spec(self) -> ModelSpec:
        from reprise.media.decode import MONO, RESAMPLER, decoder_major

        return ModelSpec(
            model=NAME,
            dimension=0,
            weights=self.weights.digest() if self.weights else MISSING,
            sample_rate=SAMPLE_RATE,
            mono=MONO,
            resampler=RESAMPLER,
            window=30 * SAMPLE_RATE,
            hop=30 * SAMPLE_RATE,
            pooling="none",
            normalisation="none",
            decoder_major=decoder_major(),
            epoch=EPOCH,
            options=(("beam", str(BEAM)), ("vad", "silero")),
            subject=Subject(ItemKind.VIDEO, "speech"),
        )

    def fetch(self, told: Callable[[str], None]) -> None:
        """Raises ``ModelLoadFailed`` while nothing is chosen, ``WeightsMissing`` and ``WeightsRefused``."""
        self._chosen().fetch(told)

    def load(self) -> None:
        from reprise.models.whisper import Recogniser

        folder = self._chosen().checked(self._spec().weights)
        self._recogniser = Recogniser(folder, self._choices)

    def tell(self, document: Document) -> Transcript:
        """The words of the video; of a sound that is cut off, those that are there.

        Raises ``NoAudioStream``, ``TooShort``, ``TooLong`` and what else decoding raises.
        """
        from reprise.media.decode import AudioFile, DecodeLimits

        if self._recogniser is None:
            raise ModelLoadFailed(f"{NAME} hears before it is loaded")
        audio = AudioFile(document.file, SAMPLE_RATE, DecodeLimits(min_decoded=0.0))
        return self._recogniser.transcript(audio)

    def _chosen(self) -> Weights:
        if self.weights is None:
            raise ModelLoadFailed("nothing hears the speech of videos", cure=CHOOSE)
        return self.weights


class FolderWeights(Weights):
    """A folder that somebody converted, or a name of one below the weights."""

    def __init__(self, folder: Path, choices: ModelChoices) -> None:
        below = Path(choices.weights) / folder if choices.weights else folder
        self._own = below if below.is_dir() else folder
        super().__init__(NAME, self._as_published(), choices)

    def _as_published(self) -> Published:
        """What a converted model is made of; of files that go by two names the one that is there."""
        vocabulary = "vocabulary.json" if (self._own / "vocabulary.json").is_file() else "vocabulary.txt"
        files = ["model.bin", "config.json", "tokenizer.json", vocabulary]
        if (self._own / "preprocessor_config.json").is_file():
            files.append("preprocessor_config.json")
        model = self._own / "model.bin"
        size_mb = model.stat().st_size // 1_000_000 if model.is_file() else 0
        return Published(os.fspath(self._own), "", tuple(files), "MIT", commercial_use=True, size_mb=size_mb)

    @property
    def folder(self) -> Path:
        return self._own

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name in self.published.files if not (self.folder / name).is_file())

    @property
    def _digests(self) -> Digests:
        folder = self._choices.cache or self._choices.weights or self._own
        return Digests(Path(folder) / "digests.json")

    def absent(self, reason: str = "", cure: str = "") -> WeightsMissing:
        names = ", ".join(self.missing)
        by_hand = (
            f"convert a Whisper with ct2-transformers-converter --copy_files tokenizer.json, or {CHOOSE}"
        )
        return WeightsMissing(
            f"{self.model}: {names} not in {self.folder}" + (f"; {reason}" if reason else ""),
            cure=f"{cure}; or {by_hand}" if cure else by_hand,
        )

    def fetch(self, told: Callable[[str], None]) -> None:  # noqa: ARG002 - nothing to tell of
        if self.missing:
            raise self.absent()
