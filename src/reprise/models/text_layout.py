"""A folder of the sentence-transformers layout: what it says of pooling, prompts and lengths, without that package."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.errors import WeightsMissing, WeightsRefused
from reprise.models.loading import read_settings, whole_number
from reprise.models.remembered import Digests

if TYPE_CHECKING:
    from collections.abc import Mapping

NEEDED = ("model.safetensors", "config.json", "tokenizer.json")

POOLING_FILE = "1_Pooling/config.json"

PROMPTS_FILE = "config_sentence_transformers.json"

LENGTH_FILE = "sentence_bert_config.json"

OBEYED = ("modules.json", POOLING_FILE, PROMPTS_FILE, LENGTH_FILE)
"""What may be there beside the needed ones, and changes what a vector means."""

POOLINGS = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "first token",
    "pooling_mode_lasttoken": "last token",
}
"""What ``1_Pooling/config.json`` may switch on."""

MODES = {"mean": "mean", "cls": "first token", "lasttoken": "last token"}
"""The same as sentence-transformers writes it from its version 6 on."""

DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""Names under which layouts keep what goes before a document; the first that is there counts."""


def read_pooling(folder: Path) -> str:
    """Raises ``WeightsRefused`` for a way of pooling that is not known here, or for several together."""
    path = folder / POOLING_FILE
    settings = read_settings(path)
    if settings.get("include_prompt") is False and any(read_prompts(folder, {}).values()):
        raise WeightsRefused(f"{path} pools without the prompt, which is not known here")
    if "pooling_mode" in settings:
        mode = settings["pooling_mode"]
        if not isinstance(mode, str) or mode not in MODES:
            raise WeightsRefused(f"{path} pools by {mode!r}; known are: {', '.join(MODES)}")
        return MODES[mode]
    on = [name for name, value in settings.items() if name.startswith("pooling_mode_") and value is True]
    if len(on) != 1 or on[0] not in POOLINGS:
        raise WeightsRefused(
            f"{path} switches on {', '.join(on) or 'no pooling'}; known are: {', '.join(POOLINGS)}"
        )
    return POOLINGS[on[0]]


def read_prompts(folder: Path, otherwise: Mapping[str, str]) -> dict[str, str]:
    """What goes before a ``query`` and before a ``document``; ``otherwise`` where the folder does not say."""
    path = folder / PROMPTS_FILE
    if not path.is_file():
        return dict(otherwise)
    prompts = read_settings(path).get("prompts") or {}
    document = next((prompts[name] for name in DOCUMENT_PROMPTS if name in prompts), "")
    return {"query": str(prompts.get("query", "")), "document": str(document or "")}


class TextFolder:
    """One such folder. Nothing is read before it is asked for. Questions raise ``WeightsRefused`` for other content."""

    def __init__(self, folder: Path, cache: str = "") -> None:
        self.folder = folder
        self._cache = cache

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name in (*NEEDED, POOLING_FILE) if not (self.folder / name).is_file())

    def digest(self) -> str:
        """sha256 over names and contents of all that counts. Raises ``WeightsMissing`` and ``WeightsRefused``."""
        if self.missing:
            raise self.absent()
        digests = Digests(Path(self._cache) / "digests.json") if self._cache else None
        whole = hashlib.sha256()
        for name in (*NEEDED, *OBEYED):
            path = self.folder / name
            if path.is_file():
                whole.update(f"{name}\0{_sha256(path, digests)}\n".encode())
        return whole.hexdigest()

    def absent(self) -> WeightsMissing:
        return WeightsMissing(
            f"text_model: {', '.join(self.missing)} not in {self.folder}",
            cure="put a text model in the layout of sentence-transformers there, or set text_model to its folder",
        )

    @property
    def dimension(self) -> int:
        settings = read_settings(self.folder / "config.json")
        if "hidden_size" not in settings:
            raise WeightsRefused(f"{self.folder / 'config.json'} does not say its hidden_size")
        return whole_number(settings, "hidden_size", 0)

    @property
    def pooling(self) -> str:
        return read_pooling(self.folder)

    @property
    def prompts(self) -> dict[str, str]:
        return read_prompts(self.folder, {"query": "", "document": ""})

    @property
    def most_tokens(self) -> int | None:
        """Of one text, its marks of beginning and end included; ``None``: as many as the network takes."""
        path = self.folder / LENGTH_FILE
        settings = read_settings(path) if path.is_file() else {}
        if settings.get("do_lower_case"):
            raise WeightsRefused(f"{path} asks for lower case outside the tokenizer, which is not known here")
        return whole_number(settings, "max_seq_length", 0) if settings.get("max_seq_length") else None


def _sha256(path: Path, digests: Digests | None) -> str:
    try:
        if digests:
            return digests.sha256(path)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        cure = "give yourself the right to read it"
        raise WeightsRefused(f"{path} cannot be read: {error.strerror}", cure=cure) from error
