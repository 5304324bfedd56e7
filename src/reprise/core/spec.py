"""What a model does to an item, as frozen parameters, and the fingerprint that decides what is stale."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reprise.core.items import ItemKind

if TYPE_CHECKING:
    from collections.abc import Mapping

PIPELINE_VERSION = "2026-11-21"
"""The dated version of the ordered steps that "latest" means for a music library."""


class Subject(NamedTuple):
    """What a model looks at: items of one kind, and of each the file itself or one ``channel`` of its inputs.

    An item without an input in the channel is not looked at, and has no row and no vector.
    """

    kind: ItemKind
    channel: str = ""


TRACKS = Subject(ItemKind.TRACK)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """The frozen parameters of one model as used. Any change here makes its vectors stale.

    ``weights`` is the sha256 of the weights, or a fixed word for a model without any. ``window`` and ``hop``
    are in samples at ``sample_rate`` (Hz). ``dimension`` is the length of the stored vector. ``epoch`` is
    raised when the code's meaning changes although no parameter does. A ``dimension`` of 0: it makes no vector; what
    it makes is kept elsewhere.
    """

    model: str
    dimension: int
    weights: str
    sample_rate: int
    mono: str
    resampler: str
    window: int
    hop: int
    pooling: str
    normalisation: str
    decoder_major: int
    epoch: int
    options: tuple[tuple[str, str], ...] = ()
    subject: Subject = TRACKS


def fingerprint_inputs(spec: ModelSpec) -> Mapping[str, str | int]:
    """Every input of the fingerprint by name, once. ``reprise explain`` prints this.

    Left out on purpose: device, batch size, threads, library versions (golden vectors guard those), source code.
    """
    inputs: dict[str, str | int] = {
        "model": spec.model,
        "weights": spec.weights,
        "sample_rate": spec.sample_rate,
        "mono": spec.mono,
        "resampler": spec.resampler,
        "window": spec.window,
        "hop": spec.hop,
        "pooling": spec.pooling,
        "normalisation": spec.normalisation,
        "dimension": spec.dimension,
        "decoder_major": spec.decoder_major,
        "epoch": spec.epoch,
    }
    inputs.update({f"option.{name}": value for name, value in spec.options})
    if spec.subject != TRACKS:
        inputs["subject"] = ".".join(filter(None, spec.subject))
    return inputs


def fingerprint(spec: ModelSpec) -> str:
    """64 hexadecimal digits over the canonical JSON of :func:`fingerprint_inputs`."""
    text = json.dumps(fingerprint_inputs(spec), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Execution(StrEnum):
    """How a model wants to run.

    ``PER_CORE``: light; one child per core decodes and encodes. ``EXCLUSIVE``: heavy; one child holds the
    model, decoding runs ahead of it in others. ``WINDOWED``: as ``EXCLUSIVE``, and a track goes through it window by
    window (``reprise.core.ports.WindowedModel``). ``DIRECT``: no model at all; the job's own process does it, from what
    is stored (``reprise.core.ports.DirectStep``).
    """

    PER_CORE = "per_core"
    EXCLUSIVE = "exclusive"
    WINDOWED = "windowed"
    DIRECT = "direct"


DECODER_MB = 256
"""What a process that only decodes may take: 90 MB for songs, 216 for a two-hour MP3 were measured."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a person and the planner need to know of a model before it loads.

    ``memory_mb`` per process. ``batch``: how many items or windows it takes at once, at most. ``licence`` is the
    weights'. ``repository`` and ``revision``: where on the model hub they come from. ``missing``: what is to be done
    before it can run, or nothing. ``patience_seconds``: how much longer than with other models an item may take, because
    it waits for somebody else. ``most_processes``: at most so many at once, whatever the machine has; 0: as usual.
    ``facts``: more rows for people (layers, parameters, training data).
    """

    name: str
    summary: str
    spec: ModelSpec
    execution: Execution
    licence: str
    source: str
    memory_mb: int
    commercial_use: bool = True
    batch: int = 32
    reads_text: bool = False
    coverage: str = "whole track"
    repository: str = ""
    revision: str = ""
    missing: str = ""
    patience_seconds: float = 0.0
    most_processes: int = 0
    facts: tuple[tuple[str, str], ...] = ()

    def memory_with(self, workers: int) -> float:
        """MiB that the model takes with so many processes: each of a light one, decoders beside a heavy one."""
        if self.execution is Execution.PER_CORE:
            return float(self.memory_mb * workers)
        return float(self.memory_mb + DECODER_MB * workers)
