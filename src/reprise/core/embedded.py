"""How far each model is with an item, and which version of the pipeline made what there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reprise.core.listing import ModelView


@dataclass(frozen=True, slots=True)
class Embedded:
    """What one model has of an item. ``fingerprint``: of the spec that it was made by, in ``space``.

    ``spec_version``: of the pipeline whose job made it; empty while none has. ``error``: why it failed.
    """

    model: str
    state: ModelView
    space: str
    fingerprint: str
    spec_version: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class EmbeddedCount:
    """So many items of a video are in this state with this model."""

    model: str
    state: ModelView
    fingerprint: str
    spec_version: str
    count: int


class EmbeddedRows(Protocol):
    """A look into the ledger by items. A model that has nothing to look at in an item is not named."""

    def of_items(self, owner: str, item_ids: Collection[int]) -> dict[int, Mapping[str, Embedded]]:
        """By item and model, from the newest space of each model that knows the item."""

    def of_video(self, owner: str, video_id: int) -> list[EmbeddedCount]:
        """Over the video itself, its scenes and its frames, in the order of the models' names."""
