"""What a person chose about how models run. Where the weights lie and on what they run never changes a vector's
meaning; ``coverage`` and ``analysis_excerpt`` do, and are part of the spec."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


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
