"""What a person chose about how models run. Where the weights lie and on what they run never changes a vector's
meaning; which method was chosen, ``coverage`` and ``analysis_excerpt`` do, and are part of the spec."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Steps: TypeAlias = "tuple[tuple[str, tuple[tuple[str, str], ...]], ...]"
"""Options by model's name."""


class Coverage(StrEnum):
    """How much of a track a model hears. ``WHOLE``: all of it, once. ``SAMPLED``: evenly spread windows."""

    WHOLE = "whole"
    SAMPLED = "sampled"


def stored_coverage(inputs: Mapping[str, str | int]) -> Coverage | None:
    """The coverage of a space of a windowed model, by the inputs of its fingerprint; ``None`` for other models'."""
    spread = inputs.get("option.spread")
    if spread is None:
        return None
    return Coverage.WHOLE if spread == "0" else Coverage.SAMPLED


@dataclass(frozen=True, slots=True)
class ModelChoices:
    """Choices for one installation.

    ``weights``: the folder with a subfolder of weights per model. ``device``: ``auto``, ``cpu``, ``cuda``, ``cuda:1``,
    ``mps``. ``precision``: ``auto``, ``float32``, ``bfloat16``, ``float16``. ``engine``: ``torch`` or ``openvino``.
    ``offline``: never ask the model hub. ``hub``: its address, the usual one if empty; ``hub_timeout``: seconds that it
    may be silent. ``cache``: the folder of what can be made again (compiled networks, remembered digests); without one
    nothing is kept. ``endpoint``, ``endpoint_model``, ``endpoint_key``: an OpenAI-compatible
    address that captions audio. ``analysis_excerpt``: seconds from the middle of a track that the model ``analysis``
    listens to; 0: the whole.

    Of videos: ``text_model`` embeds the words of scenes (a folder, the name of one below ``weights``, or ``endpoint``,
    then by ``text_endpoint_model``), ``image_model`` their pictures, ``person_model`` persons, with the ONNX files
    ``face_detector`` and ``face_embedder``; ``transcriber`` hears speech, ``description_endpoint_model`` describes
    scenes; ``scene_detector``, ``scene_threshold`` (0: the detector's own) and ``scene_min_seconds`` say what a scene is.
    ``min_decoded``: the share of a video, 0 to 1, below which it counts as truncated.
    ``media``: the folder of their pictures; what a model saves there it names relative to it. ``steps``: by model what
    the pipeline's step adds to its spec (``core.pipeline.Step.options``).
    """

    weights: str = ""
    coverage: Coverage = Coverage.SAMPLED
    device: str = "auto"
    precision: str = "auto"
    engine: str = "torch"
    offline: bool = False
    hub: str = ""
    hub_timeout: float = 30.0
    cache: str = ""
    endpoint: str = ""
    endpoint_model: str = ""
    endpoint_key: str = ""
    analysis_excerpt: float = 0.0
    text_model: str = ""
    text_endpoint_model: str = ""
    image_model: str = "descriptor"
    person_model: str = "picture"
    face_detector: str = ""
    face_embedder: str = ""
    transcriber: str = ""
    description_endpoint_model: str = ""
    scene_detector: str = "adaptive"
    scene_threshold: float = 0.0
    scene_min_seconds: float = 1.0
    min_decoded: float = 0.9
    media: str = ""
    steps: Steps = ()

    def step_options(self, model: str) -> tuple[tuple[str, str], ...]:
        return dict(self.steps).get(model, ())


def as_steps(given: Iterable[Any]) -> Steps:
    """``steps`` as it comes out of JSON, which knows no tuples."""
    return tuple(
        (str(model), tuple((str(name), str(value)) for name, value in options)) for model, options in given
    )
