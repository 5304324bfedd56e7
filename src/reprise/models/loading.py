"""From a folder of weights to a network: every setting understood, every tensor where it belongs, or it is refused."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reprise.errors import ExtraMissing, WeightsMissing, WeightsRefused

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    import torch

NAMED = 3
"""How many names a refusal gives."""


def import_transformers() -> Any:
    """The package. Raises ``ExtraMissing``."""
    try:
        import transformers
    except ImportError as error:
        raise ExtraMissing(f"this model needs transformers and PyTorch ({error})") from error
    return transformers


@contextmanager
def described_by(path: Path) -> Iterator[None]:
    """Around making a network by the settings in ``path``: whatever they break is raised as ``WeightsRefused``."""
    from huggingface_hub.errors import StrictDataclassError

    try:
        yield
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        RuntimeError,
        StrictDataclassError,
        TypeError,
        ValueError,
    ) as error:
        reason = next(iter(str(error).splitlines()), "")
        raise WeightsRefused(f"{path} describes no network: {type(error).__name__}: {reason}") from error


def fill(
    network: torch.nn.Module,
    tensors: Mapping[str, torch.Tensor],
    path: Path,
    *,
    derived: Collection[str] = (),
) -> None:
    """Make ``tensors``, which were read from ``path``, those of a network, in the network's own precision.

    The network may have been made on the meta device, without numbers. ``derived``: last parts of the names of tensors that the network computes when it is made; the file may hold them,
    and they are left as they are. Raises ``WeightsRefused`` when any other name is missing, is none of the network's
    or has another shape; the network is then as it was.
    """
    own = {name: tensor for name, tensor in network.state_dict().items() if _last(name) not in derived}
    given = {name: tensor for name, tensor in tensors.items() if _last(name) not in derived}
    faults = [
        _named("missing", own.keys() - given.keys()),
        _named("of another network", given.keys() - own.keys()),
        _named(
            "of another shape",
            [name for name in own.keys() & given.keys() if own[name].shape != given[name].shape],
        ),
    ]
    if any(faults):
        raise WeightsRefused(
            f"{path} does not fit the network of config.json: {'; '.join(filter(None, faults))}"
        )
    fitting = {name: tensor.to(own[name].dtype) for name, tensor in given.items()}
    network.load_state_dict(fitting, strict=False, assign=True)


def read_settings(path: Path) -> dict[str, Any]:
    """A JSON object. Raises ``WeightsMissing`` when there is no such file and ``WeightsRefused`` for other content."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsMissing(f"{path} is not there") from error
    except ValueError as error:
        raise WeightsRefused(f"{path} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise WeightsRefused(f"{path} holds no JSON object")
    return found


def whole_number(config: Mapping[str, Any], name: str, published: int) -> int:
    """A setting of ``config.json``, or what the published one says when there is none. Raises ``WeightsRefused``."""
    value = config.get(name, published)
    if not isinstance(value, int) or value < 1:
        raise WeightsRefused(f"config.json: {name} is {value!r} instead of a number")
    return value


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _named(fault: str, names: Collection[str]) -> str:
    if not names:
        return ""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{fault}: {', '.join(sorted(names)[:NAMED])}{more}"
