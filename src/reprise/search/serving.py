"""Which space answers for a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.space import SpaceState
from reprise.errors import NotFound

if TYPE_CHECKING:
    from reprise.core.records import Catalogue
    from reprise.core.space import Space


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
