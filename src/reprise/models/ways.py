"""The ways in which a network can run on this machine."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from reprise.models.accelerator import accelerator_present
from reprise.models.precision import processor_has_bfloat16

if TYPE_CHECKING:
    from reprise.core.choices import ModelChoices


def ways(choices: ModelChoices) -> list[ModelChoices]:
    """Each engine that is installed in each precision that the hardware computes with, float32 first.

    PyTorch on the chosen device, OpenVINO on the CPU. Imports neither.
    """
    on_cpu = choices.device == "cpu" or (choices.device == "auto" and not accelerator_present())
    short = ["bfloat16"] if processor_has_bfloat16() else []
    found = [("torch", name) for name in ["float32", *(short if on_cpu else ["float16", "bfloat16"])]]
    if find_spec("openvino") is not None and choices.device in {"auto", "cpu"}:
        found += [("openvino", name) for name in ["float32", *short]]
    return [replace(choices, engine=engine, precision=name) for engine, name in found]
