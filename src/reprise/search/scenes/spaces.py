"""Which space a channel asks, and the query's words as its vectors."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

from reprise.core.space import SpaceState
from reprise.errors import ModelError, NotFound, UsageError

if TYPE_CHECKING:
    from reprise.core.pipeline import EmbeddingSpec
    from reprise.core.ports import QueryEncoder, Vectors
    from reprise.core.records import Catalogue
    from reprise.core.space import Space

_HALF_MADE = frozenset({SpaceState.FILLING, SpaceState.VERIFYING})

_OF_THE_STEP = ("model", "subject", "option.step")
"""What two models may differ in although they make the same of a text."""


class Spaces:
    """One owner's spaces, as a question finds them."""

    def __init__(self, catalogue: Catalogue, owner: str, pipeline: EmbeddingSpec) -> None:
        """What serves is looked up once: all channels of a question see the same."""
        self._catalogue = catalogue
        self._owner = owner
        self._pipeline = pipeline
        self._pointed = {pointer.model: pointer.space for pointer in catalogue.spaces.pointers(owner)}
        self._all = catalogue.spaces.all(owner)

    def serving(self, model: str) -> Space:
        """The space that the pointer names; before the first cutover the one that is filling.

        Raises ``NotFound`` saying why there is none.
        """
        if space := self._pointed.get(model):
            return space
        if filling := self._half_made(model):
            return filling[-1]
        if disabled := self._disabled(model):
            raise NotFound(disabled)
        raise NotFound(f"nothing is embedded by {model} yet", cure="run: reprise reprocess --scope all")

    def readable(self, model: str, encoder: QueryEncoder) -> Space:
        """The space that the installed model can read texts for: the one that serves, else one that is being filled.

        Raises ``UsageError`` when the model reads no text or is not to be used, ``ModelError`` when another version made
        what is there.
        """
        if disabled := self._disabled(model):
            raise UsageError(disabled)
        serving, mark = self.serving(model), encoder.fingerprint(model)
        if serving.fingerprint == mark:
            return serving
        for space in self._half_made(model):
            if space.fingerprint == mark:
                return space
        raise ModelError(
            f"{serving.name} was made by another version of {model} than is installed, which cannot ask it",
            cure="run: reprise reprocess --scope all; or go back to that version",
        )

    def maker(self, space: Space) -> tuple[tuple[str, str | int], ...]:
        """What made the space's vectors, apart from what they are of: equal ones can be compared."""
        inputs = self.inputs(space)
        return tuple(sorted((name, value) for name, value in inputs.items() if name not in _OF_THE_STEP))

    def comparable(self, frames: Space, persons: Space) -> bool:
        """Whether pictures and persons were made by one model. A person's spec names the spec of the photos."""
        photos = self._catalogue.spaces.of_spec(self._owner, str(self.inputs(persons)["weights"]))
        return photos is not None and self.maker(photos) == self.maker(frames)

    def inputs(self, space: Space) -> dict[str, str | int]:
        return self._catalogue.spaces.inputs(self._owner, space.id)

    def _half_made(self, model: str) -> list[Space]:
        return [space for space in self._all if space.model == model and space.state in _HALF_MADE]

    def _disabled(self, model: str) -> str:
        step = self._pipeline.step_of(model)
        return step.disabled if step else ""


class Readings:
    """One text as vectors. Models that are alike are asked once, by whoever comes first; the others wait."""

    def __init__(self, encoder: QueryEncoder, text: str) -> None:
        self._encoder = encoder
        self._text = text
        self._known: dict[object, Future[Vectors]] = {}
        self._lock = threading.Lock()

    def vector(self, model: str, maker: object) -> Vectors:
        """Shape (dimension,), of unit length. ``maker``: the same for models that make the same of a text.

        Raises ``UsageError`` for a model that reads no text, ``ModelError`` kinds.
        """
        with self._lock:
            future = self._known.get(maker)
            first = future is None
            if future is None:
                future = self._known[maker] = Future()
        if first:
            self._read(model, future)
        return future.result()

    def _read(self, model: str, future: Future[Vectors]) -> None:
        try:
            future.set_result(self._encoder.encode(model, [self._text])[0])
        except BaseException as error:  # noqa: BLE001 - those who wait have to hear of it too
            future.set_exception(error)
