"""Takes videos apart: scenes, pictures of each, and the words of subtitles. The first stage of a video library."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.spec import Execution, ModelCard, ModelSpec, Subject
from reprise.errors import ExtraMissing, ModelError

if TYPE_CHECKING:
    from reprise.core.ports import Document
    from reprise.core.video import Extract, Transcript
    from reprise.media.video.scenes import SceneRule

EPOCH = 1
"""Raised whenever what is found changes its meaning: another way to compare, to choose pictures or to keep them."""

MEMORY_MB = 350
"""Measured: 124 MB for 720p, 270 for 4K, 99 for eight hours of little; the whole process, with four decoding threads."""

PARTED_CORES = 4
"""A process decodes with so many threads, so there is one process for so many cores."""


class VideoScenes:
    """``reprise.core.ports.TellingModel`` and ``ChoosableModel``."""

    def __init__(self) -> None:
        self._choices = ModelChoices()

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    @property
    def card(self) -> ModelCard:
        return ModelCard(
            name="video-scenes",
            summary="scenes of videos, a thumbnail and keyframes of each, and subtitles; no weights",
            spec=self._spec(),
            execution=Execution.PER_CORE,
            licence="MIT",
            source="docs/scenes.md",
            memory_mb=MEMORY_MB,
            most_processes=-(-_cores() // PARTED_CORES),
            coverage="whole video",
            facts=(
                ("detector", f"PySceneDetect's, {self._rule.detector}"),
                ("extra", "pip install 'reprise[video]'"),
            ),
        )

    @property
    def _rule(self) -> SceneRule:
        """Raises ``ValueError`` for a detector that does not exist."""
        from reprise.media.video.scenes import SceneRule

        choices = self._choices
        return SceneRule(choices.scene_detector, choices.scene_threshold, choices.scene_min_seconds)

    def _spec(self) -> ModelSpec:
        """Nothing is heard: the fields of sound are empty. Another version of FFmpeg shows the same pictures."""
        from reprise.media.video.extract import meaning

        return ModelSpec(
            model="video-scenes",
            dimension=0,
            weights="none",
            sample_rate=0,
            mono="",
            resampler="",
            window=0,
            hop=0,
            pooling="",
            normalisation="",
            decoder_major=0,
            epoch=EPOCH,
            options=meaning(self._rule),
            subject=Subject(ItemKind.VIDEO),
        )

    def load(self) -> None:
        """Import what is needed, so that the first video is not slower than the rest. Raises ``ModelError`` kinds."""
        try:
            import PIL.Image  # noqa: F401
            import scenedetect.detectors  # noqa: F401
        except ImportError as error:
            raise ExtraMissing(
                f"taking videos apart needs a package that is not there ({error})",
                cure="install it with: pip install 'reprise[video]'",
            ) from error
        if not self._choices.media:
            raise ModelError("video-scenes was told no folder for pictures")

    def tell(self, document: Document) -> Extract:
        """What is in the video at ``document.file``; pictures are in the media folder when this returns.

        Raises ``ItemError`` kinds for the video, ``ModelError`` when the media folder cannot be written.
        """
        from reprise.media.subtitles import read_subtitles
        from reprise.media.video.extract import extract

        words = read_subtitles(document.file)  # first: a damaged file of words says so at once
        media = Path(self._choices.media)
        try:
            found = extract(
                document.file,
                media,
                self._rule,
                min_decoded=self._choices.min_decoded,
                threads=min(PARTED_CORES, _cores()),
            )
        except OSError as error:
            reason = error.strerror or str(error)
            raise ModelError(
                f"pictures cannot be kept in {media}: {reason}",
                cure="make room there, or give the user that runs Reprise the right to write; then run it again",
            ) from error
        return replace(found, transcript=_held_to(found.facts.duration, words))


def _held_to(seconds: float, words: Transcript | None) -> Transcript | None:
    """What is said while the video lasts."""
    if words is None:
        return None
    heard = (replace(said, end=min(said.end, seconds)) for said in words.segments if said.start < seconds)
    return replace(words, segments=tuple(heard))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
