"""Weights of a published model: where they lie, what they are, how they come, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.errors import ExtraMissing, WeightsMissing, WeightsRefused
from reprise.models.remembered import Digests

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import torch

    from reprise.core.choices import ModelChoices

MISSING = "missing"
"""The word for a spec's ``weights`` while there are none."""

REFUSED = "refused"
"""The same while there are some that are not the model's, or cannot be read."""

CONFIG = "config.json"

SUMS = "SHA256SUMS"
"""Digests beside the weights, as ``sha256sum`` writes them; whoever puts weights there may write one."""

SUM_LINE = re.compile(r"(?P<digest>[0-9a-fA-F]{64}) [ *](?:\./)?(?P<name>.+)")


@dataclass(frozen=True, slots=True)
class Published:
    """What a model hub holds. ``files``: what is needed, the weights first. ``size_mb`` of all of them together."""

    repository: str
    revision: str
    files: tuple[str, ...]
    licence: str
    commercial_use: bool
    size_mb: int


class Weights:
    """One model's folder of weights under ``choices.weights``."""

    def __init__(self, model: str, published: Published, choices: ModelChoices) -> None:
        self.model = model
        self.published = published
        self._choices = choices

    @property
    def folder(self) -> Path:
        return Path(self._choices.weights) / self.model

    @property
    def missing(self) -> tuple[str, ...]:
        """Files that are not there."""
        if not self._choices.weights:
            return self.published.files
        return tuple(name for name in self.published.files if not (self.folder / name).is_file())

    def config(self) -> Mapping[str, Any]:
        """``config.json`` of the folder; empty when there is none. Raises ``WeightsRefused`` when it is no JSON."""
        path = self.folder / CONFIG
        if not self._choices.weights or not path.is_file():
            return {}
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise WeightsRefused(f"{path} is no JSON that can be read: {error}") from error
        if not isinstance(found, dict):
            raise WeightsRefused(f"{path} holds no settings by name")
        return found

    def digest(self) -> str:
        """sha256 over names and contents of the needed files, or ``missing``.

        A file is read once for each of its states; what it gave is remembered. Raises ``WeightsRefused`` when one
        cannot be read, or is another than a ``SHA256SUMS`` beside it says.
        """
        if self.missing:
            return MISSING
        whole = hashlib.sha256()
        for name in self.published.files:
            whole.update(f"{name}\0{self._file_digest(self.folder / name)}\n".encode())
        return whole.hexdigest()

    def _file_digest(self, path: Path) -> str:
        try:
            digest = self._digests.sha256(path)
        except OSError as error:
            cure = "give yourself the right to read it"
            raise WeightsRefused(f"{path} cannot be read: {error.strerror}", cure=cure) from error
        expected = read_sums(path.parent / SUMS).get(path.name, digest)
        if expected != digest:
            raise WeightsRefused(
                f"{path} has the sha256 {digest[:12]}…, but {SUMS} beside it says {expected[:12]}…"
            )
        return digest

    @property
    def _digests(self) -> Digests:
        folder = self._choices.cache or self._choices.weights
        return Digests(Path(folder) / "digests.json")

    def fetch(self, told: Callable[[str], None]) -> None:
        """Bring what is missing from the model hub; ``told`` hears of the licence before anything moves.

        Raises ``WeightsMissing`` (offline, no hub, no space) with what to put where, ``WeightsRefused`` for a hub
        that sends something else than it announces, and ``ExtraMissing``.
        """
        missing = self.missing
        if not missing:
            return
        if self._choices.offline:
            raise self.absent("the setting offline forbids to fetch them")
        if not self._choices.weights:
            raise self.absent("no folder for weights was chosen")
        from reprise.models.hub import Hub

        hub = Hub(self._choices.hub, self._choices.hub_timeout)
        told(self.notice())
        try:
            brought = hub.bring(
                self.published, missing, self.folder, lambda line: told(f"{self.model}: {line}")
            )
        except WeightsMissing as error:
            raise self.absent(error.message, error.cure) from error
        for name, digest in brought.items():
            self._digests.learn(self.folder / name, digest)

    def notice(self) -> str:
        """``muq: weights are CC-BY-NC-4.0, for non-commercial use only; 1,300 MB from …, revision …``"""
        published = self.published
        use = "" if published.commercial_use else ", for non-commercial use only"
        return (
            f"{self.model}: weights are {published.licence}{use}; {published.size_mb:,} MB from"
            f" {published.repository}, revision {published.revision}"
        )

    def absent(self, reason: str = "", cure: str = "") -> WeightsMissing:
        """The error that says which files are to be put into which folder, and where they come from."""
        names = ", ".join(self.missing)
        by_hand = f"put {names} of {self.published.repository}, revision {self.published.revision}, into {self.folder}"
        return WeightsMissing(
            f"{self.model}: {names} not in {self.folder}" + (f"; {reason}" if reason else ""),
            cure=f"{cure}; or {by_hand}" if cure else by_hand,
        )

    def checked(self, digest: str) -> Path:
        """The folder, after making sure that it holds what the spec was planned with."""
        if self.missing:
            raise self.absent()
        if self.digest() != digest:
            raise WeightsRefused(
                f"the weights in {self.folder} changed since the run was planned",
                cure="run the command again",
            )
        return self.folder


def read_sums(path: Path) -> dict[str, str]:
    """Digests by file name from a file of ``sha256sum``; nothing when there is none. Raises ``WeightsRefused``."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsRefused(f"{path} cannot be read: {error}") from error
    found = {}
    for number, line in enumerate(lines, 1):
        match = SUM_LINE.fullmatch(line)
        if line.strip() and not match:
            raise WeightsRefused(f"{path}, line {number}: not as sha256sum writes it")
        if match:
            found[match["name"]] = match["digest"].lower()
    return found


def read_tensors(path: Path, entry: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a file by name, on the CPU: safetensors by its suffix, else what ``torch.save`` wrote.

    ``entry``: the key of the saved dictionary under which the tensors lie, for files that hold more than them.
    No code of the file is ever run. Raises ``WeightsMissing`` (no such file), ``WeightsRefused`` (truncated, pickled
    code, no tensors) and ``ExtraMissing`` (no PyTorch).
    """
    if not path.is_file():
        raise WeightsMissing(f"{path} is not there", cure="bring it with: reprise models fetch")
    read = _read_safetensors if path.suffix == ".safetensors" else _read_pickled
    found = read(path)
    if entry:
        found = found.get(entry) if isinstance(found, dict) else None
    return _only_tensors(path, found, entry)


def _read_safetensors(path: Path) -> Any:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError as error:
        raise ExtraMissing(f"reading {path.name} needs safetensors and PyTorch ({error})") from error
    try:
        return load_file(path)
    except (SafetensorError, ValueError, KeyError) as error:
        raise WeightsRefused(f"{path} is truncated or no safetensors file: {_first_line(error)}") from error


def _read_pickled(path: Path) -> Any:
    """A pickle is a program: of its instructions only those that make tensors and plain containers are obeyed."""
    import pickle  # for the name of its error  # nosec B403
    import warnings

    try:
        import torch
    except ImportError as error:
        raise ExtraMissing(f"reading {path.name} needs PyTorch ({error})") from error
    try:
        with warnings.catch_warnings(
            action="ignore"
        ):  # of an odd protocol: what cannot be read is refused below
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsRefused(
            f"{path} holds code or objects instead of tensors, or is damaged; nothing of it was run"
            f" ({_refused_instruction(error)})"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, LookupError, TypeError, AttributeError) as error:
        raise WeightsRefused(f"{path} is truncated or no file of torch.save: {_first_line(error)}") from error


def _only_tensors(path: Path, found: Any, entry: str) -> dict[str, torch.Tensor]:
    import torch

    where = f"{path}, under {entry!r}," if entry else f"{path}"
    if not isinstance(found, dict) or not found:
        raise WeightsRefused(f"{where} holds no tensors by name")
    odd = [str(name) for name, value in found.items() if not isinstance(value, torch.Tensor)]
    if odd:
        raise WeightsRefused(f"{where} holds something else than tensors: {', '.join(odd[:3])}")
    return {str(name): tensor for name, tensor in found.items()}


def _refused_instruction(error: Exception) -> str:
    """What PyTorch found, without its advice to load the file all the same."""
    found = re.search(r"(Unsupported [^\n.]+(?:\.\w+)?)", str(error))
    return found[1] if found else "not the pickle of tensors"


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
