"""Spaces: the physical vectors of one spec, and the states they pass through."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from reprise.core.spec import TRACKS, Subject


class SpaceState(StrEnum):
    DRAFT = "draft"
    FILLING = "filling"
    VERIFYING = "verifying"
    ACTIVE = "active"
    RETIRING = "retiring"
    DROPPED = "dropped"


ALLOWED: dict[SpaceState, frozenset[SpaceState]] = {
    SpaceState.DRAFT: frozenset({SpaceState.FILLING, SpaceState.DROPPED}),
    SpaceState.FILLING: frozenset({SpaceState.VERIFYING, SpaceState.DROPPED}),
    SpaceState.VERIFYING: frozenset({SpaceState.ACTIVE, SpaceState.FILLING, SpaceState.DROPPED}),
    SpaceState.ACTIVE: frozenset({SpaceState.RETIRING}),
    SpaceState.RETIRING: frozenset({SpaceState.ACTIVE, SpaceState.FILLING, SpaceState.DROPPED}),
    SpaceState.DROPPED: frozenset({SpaceState.DRAFT}),
}
"""Which state may follow which. A retiring space can be taken back (rollback) until it is dropped."""


@dataclass(frozen=True, slots=True)
class Space:
    """One owner's vectors of one spec. ``name`` is what stores know it by; ``subject`` what they are of.

    A ``dimension`` of 0: it has ledger rows and no vectors.
    """

    id: int
    owner: str
    name: str
    model: str
    fingerprint: str
    dimension: int
    state: SpaceState
    created_at: float
    subject: Subject = TRACKS


def space_name(model: str, fingerprint: str, generation: int = 1) -> str:
    """``<model>-<12 hex digits>``; a later generation of the same spec adds its number."""
    name = f"{model}-{fingerprint[:12]}"
    return name if generation == 1 else f"{name}-{generation}"
