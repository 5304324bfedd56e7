"""A network at its place: which engine, which device, which precision, and what their errors mean."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from reprise.errors import BadSetting, DeviceLost, ExtraMissing, ModelLoadFailed
from reprise.models.precision import (
    LEAST_COSINE,
    WORTH_IT,
    agreement,
    processor_has_bfloat16,
    processor_name,
)
from reprise.models.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    import numpy as np
    import torch
    from numpy.typing import NDArray

    from reprise.core.choices import ModelChoices

DEVICES = ("cpu", "cuda", "mps", "xpu")
"""Kinds of device of PyTorch that compute."""

NO_MEMORY = (
    "out of memory",
    "ALLOC_FAILED",
    "not enough memory",
    "can't allocate memory",
    "bad allocation",
    "bad_alloc",
)
"""What drivers and libraries say when there is none left."""


class Engine(Protocol):
    """What runs a network over windows."""

    @property
    def placement(self) -> str:
        """Where and how it runs, for people: ``cuda:0, float16``."""

    def features(self, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """The features of each window. Raises ``MemoryError`` and ``DeviceLost``."""


def start(
    build: Callable[[], torch.nn.Module],
    choices: ModelChoices,
    canaries: Sequence[NDArray[np.float32]],
    key: str = "",
) -> Engine:
    """Bring a network to its place. ``build`` gives it in float32 on the CPU.

    ``key`` names the network with its weights and windows: what was found out about it once (which precision agrees
    with float32, its compiled form) is kept under ``choices.cache`` for the next time; without a key nothing is.
    Raises ``ExtraMissing`` without the engine's library, ``BadSetting`` for a device that is not there.
    """
    if choices.engine == "openvino":
        from reprise.models.openvino_engine import start_openvino

        return start_openvino(build, choices, canaries, key)
    return Runner(build, choices, canaries, key)


class Runner:
    """PyTorch, on any device. Raises as :func:`start`."""

    def __init__(
        self,
        build: Callable[[], torch.nn.Module],
        choices: ModelChoices,
        canaries: Sequence[NDArray[np.float32]],
        key: str = "",
    ) -> None:
        torch = import_torch()
        self._device = choose_device(choices.device)
        self._module = self._placed(build().eval().requires_grad_(False))
        self._precision = torch.float32
        self._note = ""
        self._choose_precision(choices, canaries, key)

    @property
    def placement(self) -> str:
        where = f"{self._device}, {_word(self._precision)}"
        return f"{where} ({self._note})" if self._note else where

    def features(self, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """The features of each window. Raises ``MemoryError`` and ``DeviceLost``."""
        import numpy as np
        import torch

        try:
            batch = torch.from_numpy(np.stack(windows)).to(self._device)
            with torch.inference_mode(), self._autocast():
                return list(self._module(batch).float().cpu().numpy())
        except RuntimeError as error:
            meaning = device_error(error)
            if meaning is error:
                raise
        # Outside the handler: the error's frames hold what filled the memory.
        if isinstance(meaning, MemoryError):
            free_memory(self._device)
        raise meaning

    def _placed(self, module: torch.nn.Module) -> torch.nn.Module:
        try:
            return module.to(self._device)
        except RuntimeError as error:
            raise device_error(error) from error

    def _autocast(self) -> AbstractContextManager[Any]:
        import torch

        if self._precision is torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, dtype=self._precision)

    def _choose_precision(
        self, choices: ModelChoices, canaries: Sequence[NDArray[np.float32]], key: str
    ) -> None:
        """What was asked for; ``auto``: half, where the device has it, it agrees with float32 and it is faster."""
        import torch

        if choices.precision != "auto":
            self._precision = getattr(torch, choices.precision)
            self._check_finite(canaries)
            return
        candidates = half_precisions(self._device)
        if not candidates:
            return
        verdicts = Verdicts(choices, f"{key}|{_device_name(self._device)}|torch {torch.__version__}")
        verdict = verdicts.known() if key else None
        if verdict is None:
            verdict = self._try(candidates, canaries)
            if key:
                verdicts.learn(verdict)
        self._precision, self._note = getattr(torch, verdict.precision), verdict.note

    def _check_finite(self, canaries: Sequence[NDArray[np.float32]]) -> None:
        import numpy as np
        import torch

        if self._precision is torch.float32:  # then the model is at fault, and its canaries will say so
            return
        if not all(np.isfinite(features).all() for features in self.features(canaries[:1])):
            raise ModelLoadFailed(
                f"in {_word(self._precision)} the network gives numbers that are not finite",
                cure="set precision to auto or float32",
            )

    def _try(self, candidates: Sequence[torch.dtype], canaries: Sequence[NDArray[np.float32]]) -> Verdict:
        """The first candidate that agrees with float32 on every canary and is worth it."""
        reference, exact_seconds = timed_features(self.features, canaries)
        note = ""
        for candidate in candidates:
            self._precision = candidate
            try:
                found, seconds = timed_features(self.features, canaries)
            except (
                RuntimeError,
                MemoryError,
            ) as error:  # an operation that the device lacks in this precision
                note = f"{_word(candidate)} fails: {str(error).partition(chr(10))[0]}"
                continue
            cosine = agreement(reference, found)
            if cosine < LEAST_COSINE:
                note = f"{_word(candidate)} agrees by a cosine of {cosine:.4f} only"
            elif self._device.type == "cpu" and seconds > WORTH_IT * exact_seconds:
                note = f"{_word(candidate)} is no faster here"
            else:
                return Verdict(_word(candidate))
        return Verdict("float32", note)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Which precision serves, and for people why no other does. ``blob``: sha256 of a compiled form, if one is kept."""

    precision: str
    note: str = ""
    blob: str = ""


class Verdicts:
    """What was found out about one network on one device, from one load to the next."""

    def __init__(self, choices: ModelChoices, key: str) -> None:
        self._remembered = Remembered(Path(choices.cache) / "verdicts.json") if choices.cache else None
        self._key = key

    def known(self) -> Verdict | None:
        found = self._remembered.get(self._key) if self._remembered else None
        if isinstance(found, list) and len(found) == 3 and found[0] in {"float32", "bfloat16", "float16"}:
            return Verdict(*map(str, found))
        return None

    def learn(self, verdict: Verdict) -> None:
        if self._remembered:
            self._remembered.put(self._key, [verdict.precision, verdict.note, verdict.blob])


def timed_features(
    features: Callable[[Sequence[NDArray[np.float32]]], list[NDArray[np.float32]]],
    canaries: Sequence[NDArray[np.float32]],
) -> tuple[list[NDArray[np.float32]], float]:
    """Features of each canary, one at a time, and the seconds that the last one took: the first one warms up."""
    found = []
    seconds = 0.0
    for canary in canaries:
        begun = time.perf_counter()
        found += features([canary])
        seconds = time.perf_counter() - begun
    return found, seconds


def import_torch() -> Any:
    try:
        import torch
    except ImportError as error:
        raise ExtraMissing(f"this model needs PyTorch ({error})") from error
    return torch


def choose_device(choice: str) -> torch.device:
    """The device that is asked for; ``auto``: an accelerator if PyTorch finds one. Raises ``BadSetting``."""
    import torch

    if choice != "auto":
        try:
            device = torch.device(choice)
            if device.type not in DEVICES:
                raise BadSetting(f"the device {choice!r} computes nothing", cure="try: cpu or auto")
            torch.zeros(1, device=device)
        except (RuntimeError, AssertionError) as error:
            reason = str(error).partition("\n")[0]
            raise BadSetting(
                f"the device {choice!r} cannot be used: {reason}", cure="try: cpu or auto"
            ) from error
        return device
    if torch.cuda.is_available():
        return torch.device("cuda")
    if sys.platform == "darwin" and torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def half_precisions(device: torch.device) -> list[torch.dtype]:
    """What the device computes with faster than with float32, the closest to it first.

    float16 has three bits more than bfloat16 and a narrower range; whether a network stays inside shows on its canaries.
    Tensor cores came with CUDA's compute capability 7.0, bfloat16 with 8.0.
    """
    import torch

    if device.type == "cuda":
        capability = torch.cuda.get_device_capability(device)
        found = [torch.float16] if capability >= (7, 0) else []
        return [*found, torch.bfloat16] if capability >= (8, 0) else found
    if device.type == "mps":
        return [torch.float16]
    return [torch.bfloat16] if processor_has_bfloat16() else []


def device_error(error: RuntimeError) -> Exception:
    """What PyTorch's error means: too little memory, a device that is gone, or the network's own fault."""
    import torch

    text = str(error)
    if isinstance(error, torch.OutOfMemoryError) or any(sign in text for sign in NO_MEMORY):
        return MemoryError(text)
    accelerators = getattr(torch, "AcceleratorError", ())  # since PyTorch 2.8
    if isinstance(error, accelerators) or "CUDA error" in text:
        return DeviceLost(f"the accelerator failed: {text.partition(chr(10))[0]}")
    return error


def free_memory(device: torch.device) -> None:
    """Give back what PyTorch keeps of an accelerator's memory for later: after a failure it lies there in pieces."""
    import torch

    if device.type in {"cuda", "mps", "xpu"}:
        getattr(torch, device.type).empty_cache()


def _word(precision: torch.dtype) -> str:
    return str(precision).removeprefix("torch.")


def _device_name(device: torch.device) -> str:
    import torch

    return (
        torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type} {processor_name()}"
    )
