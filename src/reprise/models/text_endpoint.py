"""Texts as vectors from a server that speaks the embeddings of OpenAI (vLLM, llama.cpp, Ollama and others do).

How long its vectors are is asked once and remembered, so that the spec is the same from one run to the next.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.errors import EndpointFailed, EndpointLost
from reprise.models.endpoint import Endpoint, Patience
from reprise.models.remembered import Remembered

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.choices import ModelChoices

PATIENCE = Patience(request=60.0, item=120.0, attempts=3, first_pause=1.0)
"""Three tries, with a second and two between them."""

BATCH = 64
"""Texts in one request."""

RESPONSE_BYTES = 64 << 20
"""64 vectors of 8192 numbers of 20 digits are 10 MiB."""

PROBE = "How long are your vectors?"


class EmbeddingEndpoint:
    """Asks one server. Raises ``ModelLoadFailed`` when the settings cannot be right."""

    def __init__(self, choices: ModelChoices) -> None:
        self._endpoint = Endpoint(
            choices.endpoint,
            choices.text_endpoint_model,
            choices.endpoint_key,
            PATIENCE,
            path="embeddings",
            model_setting="text_endpoint_model",
            most_bytes=RESPONSE_BYTES,
        )

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(n, dimension), as the server gives them. Raises ``EndpointFailed`` and ``EndpointLost``."""
        import numpy as np

        parts = [self._ask(texts[start : start + BATCH]) for start in range(0, len(texts), BATCH)]
        if len({part.shape[1] for part in parts}) != 1:
            raise EndpointFailed("the endpoint's vectors are of several lengths")
        return np.concatenate(parts)

    def _ask(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._endpoint.ask({"input": list(texts)}, lambda answer: vectors_of(answer, len(texts)))


def vectors_of(answer: bytes, count: int) -> NDArray[np.float32]:
    """(count, dimension) of an answer, in the order of what was asked. Raises ``EndpointFailed``."""
    import numpy as np

    try:
        rows = {int(row["index"]): row["embedding"] for row in json.loads(answer)["data"]}
        found = np.array([rows[index] for index in range(count)], np.float32)
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        start = " ".join(answer[:80].decode(errors="replace").split())
        raise EndpointFailed(f"the endpoint's answer holds no {count} embeddings: {start!r}") from error
    if found.ndim != 2 or not found.shape[1] or len(rows) != count:
        raise EndpointFailed(f"the endpoint's answer is of shape {found.shape} for {count} texts")
    if not np.isfinite(found).all():
        raise EndpointFailed("the endpoint's vectors hold numbers that are not finite")
    return found


class LearntDimension:
    """How long the vectors of a model at an endpoint are; kept under ``choices.cache``."""

    def __init__(self, choices: ModelChoices) -> None:
        self._choices = choices
        self._remembered = Remembered(Path(choices.cache) / "endpoints.json") if choices.cache else None
        self._key = f"{choices.endpoint.strip()} {choices.text_endpoint_model}"

    def known(self) -> int | None:
        """``None``: nobody has asked yet."""
        found: Any = self._remembered.get(self._key) if self._remembered else None
        return found if isinstance(found, int) and found > 0 else None

    def learn(self) -> int:
        """Ask the server unless it is known. Raises ``ModelLoadFailed`` and ``EndpointLost``."""
        if (known := self.known()) is not None:
            return known
        try:
            dimension = int(EmbeddingEndpoint(self._choices).vectors([PROBE]).shape[1])
        except EndpointFailed as error:
            raise EndpointLost(error.message) from error
        if self._remembered:
            self._remembered.put(self._key, dimension)
        return dimension
