"""The engine ``openvino``: networks compiled for the CPU, where they run about twice as fast as in PyTorch.

A network is traced from PyTorch once; what was compiled is kept and read the next time without PyTorch at all.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from reprise.drafts import private_folder, write_private
from reprise.errors import BadSetting, ExtraMissing
from reprise.models.precision import (
    LEAST_COSINE,
    WORTH_IT,
    agreement,
    processor_has_bfloat16,
    processor_name,
)
from reprise.models.remembered import Digests
from reprise.models.runner import NO_MEMORY, Runner, Verdict, Verdicts, timed_features

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import torch
    from numpy.typing import NDArray

    from reprise.core.choices import ModelChoices
    from reprise.models.runner import Engine

HINTS = {"float32": "f32", "bfloat16": "bf16", "float16": "f16"}
"""OpenVINO's names."""

TELEMETRY = "openvino_telemetry"

TRACED_BATCH = 2
"""Windows in the example that a network is traced with; one would let it take the batch for a constant."""


def start_openvino(
    build: Callable[[], torch.nn.Module],
    choices: ModelChoices,
    canaries: Sequence[NDArray[np.float32]],
    key: str,
) -> Engine:
    """OpenVINO, where its answers agree with PyTorch's on the canaries; else PyTorch, whose placement says why.

    Raises ``ExtraMissing`` and ``BadSetting``, and what ``build`` raises.
    """
    openvino = import_openvino()
    if choices.device not in {"auto", "cpu"}:
        raise BadSetting(
            f"the engine openvino runs on the CPU, and the device is {choices.device!r}",
            cure="set device to cpu, or engine to torch",
        )
    kept = Kept(choices, f"{key}|{processor_name()}|openvino {openvino.__version__}|{choices.precision}", key)
    verdict = kept.verdict()
    if verdict and verdict.blob and (compiled := kept.compiled(verdict)):
        return OpenVinoNetwork(compiled, verdict.precision)
    if verdict and not verdict.blob:
        return _TorchInstead(build, choices, canaries, key, verdict.note)
    module = build().eval().requires_grad_(False)
    try:
        model = converted(module, *canaries[0].shape)
    except Unconvertible as error:
        verdict = Verdict("float32", f"openvino cannot convert the network: {error}")
    else:
        verdict, compiled = _try(module, model, choices.precision, canaries)
        if compiled is not None:
            kept.keep(verdict, compiled)
            return OpenVinoNetwork(compiled, verdict.precision)
    kept.learn(verdict)
    return _TorchInstead(build, choices, canaries, key, verdict.note)


class OpenVinoNetwork:
    """A compiled network. ``reprise.models.runner.Engine``."""

    def __init__(self, compiled: Any, precision: str) -> None:
        self._compiled = compiled
        self._precision = precision

    @property
    def placement(self) -> str:
        return f"cpu, openvino, {self._precision}"

    def features(self, windows: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        """The features of each window. Raises ``MemoryError``."""
        try:
            output = self._compiled(np.stack(windows))[0]
        except RuntimeError as error:
            if any(sign in str(error) for sign in NO_MEMORY):
                raise MemoryError(_short(error)) from error
            raise
        return list(np.array(output, np.float32))  # a copy: the next batch is written over it


class _TorchInstead(Runner):
    """PyTorch on the CPU, because OpenVINO does not serve this network."""

    def __init__(
        self,
        build: Callable[[], torch.nn.Module],
        choices: ModelChoices,
        canaries: Sequence[NDArray[np.float32]],
        key: str,
        reason: str,
    ) -> None:
        super().__init__(build, choices, canaries, key)
        self._reason = reason

    @property
    def placement(self) -> str:
        return f"{super().placement}; {self._reason}"


class Kept:
    """The compiled form of one network between two runs, under ``choices.cache``; nowhere without one."""

    def __init__(self, choices: ModelChoices, key: str, spec: str) -> None:
        self._verdicts = Verdicts(choices, key)
        self._folder = Path(choices.cache) / "openvino" if choices.cache and spec else None
        self._stem = f"{_short_hash(spec)}-{choices.precision}-"
        self._name = f"{self._stem}{_short_hash(key)}.blob"
        self._digests = Digests(Path(choices.cache) / "digests.json")

    def verdict(self) -> Verdict | None:
        return self._verdicts.known() if self._folder else None

    def learn(self, verdict: Verdict) -> None:
        if self._folder:
            self._verdicts.learn(verdict)

    def compiled(self, verdict: Verdict) -> Any:
        """What was kept, or ``None`` when it is gone, damaged, or not for this version."""
        import openvino

        assert self._folder is not None
        path = self._folder / self._name
        try:
            if self._digests.sha256(path) != verdict.blob:
                return None
            blob = openvino.Tensor(np.memmap(path, np.uint8, mode="c"))
            return openvino.Core().import_model(blob, "CPU", properties(verdict.precision))
        except (OSError, RuntimeError, ValueError):
            return None  # made anew, which costs seconds

    def keep(self, verdict: Verdict, compiled: Any) -> None:
        """A disk that is full keeps nothing; the network runs all the same."""
        if self._folder is None:
            return
        path = self._folder / self._name
        draft = path.with_suffix(f".{os.getpid()}")
        blob = compiled.export_model().getbuffer()
        try:
            private_folder(self._folder)
            write_private(draft, blob)
            draft.replace(path)
            digest = hashlib.sha256(blob).hexdigest()
            self._digests.learn(path, digest)
            for old in self._folder.glob(f"{self._stem}*.blob"):  # of an OpenVINO that was replaced
                if old != path:
                    old.unlink()
        except OSError:
            with suppress(OSError):
                draft.unlink()
            return
        self._verdicts.learn(Verdict(verdict.precision, verdict.note, digest))


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def import_openvino() -> Any:
    """Raises ``ExtraMissing``.

    With the package ``openvino_telemetry``, which comes along, merely importing OpenVINO gives the user a number, kept in
    the home folder, under which each conversion is reported to its maker. Reprise tells nobody what it does: OpenVINO
    finds that package missing, and goes on without.
    """
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]  # how Python is told that a module is not there
    try:
        import openvino
    except ImportError as error:
        raise ExtraMissing(
            f"the engine openvino needs a package that is not there ({error})",
            cure="install it with: pip install 'reprise[models,fast-cpu]', or set engine to torch",
        ) from error
    return openvino


class Unconvertible(Exception):
    """A network that cannot be traced."""


def converted(module: torch.nn.Module, *shape: int) -> Any:
    """OpenVINO's form of a network that takes (n, *shape) for any n: windows of sound, or pictures.

    Raises ``Unconvertible``.
    """
    import warnings

    import openvino
    import torch

    example = torch.randn(TRACED_BATCH, *shape, generator=torch.Generator().manual_seed(7)) * 0.1
    any_number = openvino.PartialShape([-1, *shape])
    try:
        # The tracer warns of all that it takes for fixed, and would try the network again to compare: that comes after.
        with torch.inference_mode(), warnings.catch_warnings(action="ignore"), _unlogged():
            traced = torch.jit.trace(module, example, check_trace=False, strict=False)  # type: ignore[no-untyped-call]
            return openvino.convert_model(traced, example_input=example, input=[any_number])
    except Exception as error:  # each layer of tracer and converter has its own kinds
        raise Unconvertible(_short(error)) from error


@contextmanager
def _unlogged() -> Iterator[None]:
    """A tracer touches every attribute, and some libraries say so when an odd one of theirs is touched."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def properties(precision: str) -> dict[str, Any]:
    """How a network is compiled, and read again: the threads are those that this process was given."""
    threads = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    return {
        "INFERENCE_PRECISION_HINT": HINTS[precision],
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }


def _try(
    module: torch.nn.Module, model: Any, choice: str, canaries: Sequence[NDArray[np.float32]]
) -> tuple[Verdict, Any]:
    """The precision that serves and the network compiled so; nothing compiled when none agrees with PyTorch."""
    import openvino

    reference = _reference(module, canaries)
    best, fastest, note = None, float("inf"), ""
    for precision in _precisions(choice):
        try:
            compiled = openvino.Core().compile_model(model, "CPU", properties(precision))
            cosine, seconds = _measured(OpenVinoNetwork(compiled, precision), reference, canaries)
        except RuntimeError as error:  # what was traced holds for the example only
            note = f"openvino cannot run the network: {_short(error)}"
            continue
        if cosine < LEAST_COSINE:
            note = f"openvino in {precision} agrees with PyTorch by a cosine of {cosine:.4f} only"
        elif seconds < fastest * WORTH_IT:
            best, fastest = (precision, compiled), seconds
    if best is None:
        return Verdict("float32", note), None
    return Verdict(best[0]), best[1]


def _measured(
    network: OpenVinoNetwork,
    reference: Sequence[NDArray[np.float32]],
    canaries: Sequence[NDArray[np.float32]],
) -> tuple[float, float]:
    """The lowest cosine with PyTorch, and the seconds of one window."""
    found, seconds = timed_features(network.features, canaries)
    together = network.features([*canaries, canaries[0]])  # another number of windows than was traced
    return min(agreement(reference, found), agreement([*reference, reference[0]], together)), seconds


def _precisions(choice: str) -> list[str]:
    """To try, the exact one first."""
    if choice != "auto":
        return [choice]
    return ["float32", "bfloat16"] if processor_has_bfloat16() else ["float32"]


def _reference(module: torch.nn.Module, canaries: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    import torch

    with torch.inference_mode():
        return [module(torch.from_numpy(canary[np.newaxis])).float().numpy()[0] for canary in canaries]


def _short(error: Exception) -> str:
    """The last line of an error is where tracers say what it was."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"[:200]
