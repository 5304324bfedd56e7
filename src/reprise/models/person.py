"""What persons are searched by: the step ``person``, the normalised mean of the vectors of a person's ready photos."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.spec import Execution, ModelCard, ModelSpec, Subject, fingerprint
from reprise.errors import ItemError, ModelError, Unreadable
from reprise.models.registry import load_model, planned_card

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from reprise.core.plan import Operation
    from reprise.core.ports import StepPorts
    from reprise.core.space import Space

PHOTO_MODEL = "person-photo"
EPOCH = 1


class Person:
    """``DirectStep`` and ``ChoosableModel``.

    A mean is in the space of what it is the mean of: the spec of the photos' model is part of this one's, so that
    another model for photos makes persons stale too.
    """

    name: ClassVar[str] = "person"
    _ports: StepPorts

    def __init__(self) -> None:
        self._choices = ModelChoices()

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    @cached_property
    def _photo_spec(self) -> ModelSpec:
        return planned_card(load_model(PHOTO_MODEL, self._choices), self._choices).spec

    @property
    def card(self) -> ModelCard:
        spec = ModelSpec(
            model=self.name,
            dimension=self._photo_spec.dimension,
            weights=fingerprint(self._photo_spec),
            sample_rate=0,
            mono="none",
            resampler="none",
            window=0,
            hop=0,
            pooling="mean",
            normalisation="l2",
            decoder_major=0,
            epoch=EPOCH,
            subject=Subject(ItemKind.PERSON, "photos"),
        )
        return ModelCard(
            self.name,
            "the mean of a person's ready photos",
            spec,
            Execution.DIRECT,
            licence="as the photos' model",
            source="Reprise",
            memory_mb=0,
        )

    def attach(self, ports: StepPorts) -> None:
        self._ports = ports

    def work(
        self,
        owner: str,
        space: str,  # noqa: ARG002 - the caller stores the vectors
        operations: Sequence[Operation],
    ) -> Sequence[NDArray[np.float32] | ItemError]:
        """For each person the mean of their photos' unit vectors, shape (dimension,), normalised by the gate.

        Raises ``ModelError`` when no photo was embedded by the photos' model as it is chosen now.
        """
        photos = self._ports.catalogue.spaces.of_spec(owner, fingerprint(self._photo_spec))
        if photos is None:
            raise ModelError(
                f"no photo was embedded by {PHOTO_MODEL} as it is set now", cure="reprise reprocess"
            )
        return [self._mean(owner, photos, operation.item_id) for operation in operations]

    def keys(self, owner: str, space: str) -> Iterator[int] | None:  # noqa: ARG002
        """The store keeps the vectors."""
        return None

    def open(self, owner: str, space: str) -> None:
        """The store does it."""

    def forget(self, owner: str, space: str, keys: Collection[int]) -> None:
        """The store does it."""

    def drop(self, owner: str, space: str) -> None:
        """The store does it."""

    def _mean(self, owner: str, photos: Space, person_id: int) -> NDArray[np.float32] | ItemError:
        ready = self._ports.catalogue.persons.ready_photos(owner, person_id)
        vectors = self._ports.store.get(owner, photos.name, ready)
        if not ready or len(vectors) < len(ready):
            missing = len(ready) - len(vectors)
            return Unreadable(
                f"{missing} of {len(ready)} ready photos have no vector",
                cure="embed them again: reprise reprocess --force",
            )
        mean: NDArray[np.float32] = np.mean(np.stack(list(vectors.values())), axis=0, dtype=np.float32)
        return mean
