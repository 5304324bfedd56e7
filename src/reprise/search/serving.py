"""Which space answers for a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.space import SpaceState
from reprise.core.spec import TRACKS
from reprise.errors import NotFound

if TYPE_CHECKING:
    from reprise.core.records import Catalogue
    from reprise.core.space import Space

PREFERRED = ("acoustic", "analysis")
"""One embedding: ``reprise analyze`` makes it in passing."""


def serving_space(catalogue: Catalogue, owner: str, model: str) -> Space:
    """The space that the pointer names; before the first cutover, the one that is filling.

    Raises ``NotFound`` when there is none.
    """
    if pointer := catalogue.spaces.pointer(owner, model):
        return pointer.space
    filling = [
        space
        for space in catalogue.spaces.all(owner)
        if space.model == model and space.state in {SpaceState.FILLING, SpaceState.VERIFYING}
    ]
    if not filling:
        raise NotFound(
            f"nothing is embedded by {model} yet", cure=f"run: reprise embed FOLDER --model {model}"
        )
    return filling[-1]


def answering_models(catalogue: Catalogue, owner: str) -> list[str]:
    """Models of tracks that have a space to answer from: those that serve, then those whose first space is filling."""
    pointers = catalogue.spaces.pointers(owner)
    serving = [pointer.model for pointer in pointers if pointer.space.subject == TRACKS]
    filling = [
        space.model
        for space in catalogue.spaces.all(owner)
        if space.state in {SpaceState.FILLING, SpaceState.VERIFYING} and space.subject == TRACKS
    ]
    return list(dict.fromkeys([*serving, *filling]))


def model_of_choice(catalogue: Catalogue, owner: str) -> str:
    """The model to ask when none is named: the first preferred one that answers, else any that does."""
    answering = answering_models(catalogue, owner)
    return next((model for model in PREFERRED if model in answering), [*answering, PREFERRED[0]][0])
