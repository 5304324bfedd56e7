"""Cutover: a filled space passes its gates, then one pointer row makes it the one that answers searches."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from reprise.core import events
from reprise.core.gates import ConstantGate, check_vector
from reprise.core.space import SpaceState
from reprise.engine.keeping import purge
from reprise.errors import BadVector, CanaryFailed, SpaceHeld, UsageError

if TYPE_CHECKING:
    from reprise.core.events import Emit
    from reprise.core.ports import VectorStore
    from reprise.core.records import Catalogue
    from reprise.core.space import Space
    from reprise.engine.keeping import Keeping

NEIGHBOURS = 10
SAMPLED_ITEMS = 20
SAMPLED_VECTORS = 512


def cut_over(
    catalogue: Catalogue,
    keeping: Keeping,
    emit: Emit,
    space: Space,
    *,
    coverage: float,
    anyway: bool = False,
) -> bool:
    """Verify the space and switch to it; ``False`` when a gate holds it back, with an event that says why.

    ``coverage`` is the share of what search answers from now that the new space must hold. ``anyway`` skips that
    one gate, never the others.
    """
    owner = space.owner
    store = keeping.store
    if space.dimension:
        store.flush(owner, space.name)
    pointer = catalogue.spaces.pointer(owner, space.model)
    before = pointer.space if pointer else None
    if before is not None and before.id == space.id:
        return True  # it serves already, or a job on another library has just been here
    space = catalogue.spaces.get(owner, space.id)
    if space.state is SpaceState.RETIRING:
        catalogue.spaces.set_state(owner, space.id, SpaceState.FILLING)
    catalogue.spaces.set_state(owner, space.id, SpaceState.VERIFYING)
    try:
        if before is not None:
            purge(catalogue, keeping, before)
        vectors = _verify(catalogue, keeping, space, before, 0.0 if anyway else coverage)
    except SpaceHeld as held:
        catalogue.spaces.set_state(owner, space.id, SpaceState.FILLING, held.message)
        emit(events.SpaceHeld(model=space.model, space=space.name, reason=held.message))
        return False
    kept = neighbours_kept(store, space, before) if before and before.dimension and space.dimension else None
    catalogue.spaces.switch(owner, space.model, space.id, time.time())
    emit(
        events.SpaceSwitched(
            model=space.model,
            space=space.name,
            previous=before.name if before else None,
            vectors=vectors,
            neighbours_kept=kept,
            dimension=space.dimension,
        )
    )
    return True


def roll_back(catalogue: Catalogue, owner: str, model: str) -> tuple[Space, Space]:
    """Search answers from the previous space again; returns (now, before). Raises ``UsageError`` without one."""
    pointer = catalogue.spaces.pointer(owner, model)
    if pointer is None or pointer.previous is None or pointer.previous.state is SpaceState.DROPPED:
        raise UsageError(f"there is no earlier space of {model} to go back to", cure="see: reprise spaces")
    catalogue.spaces.switch(owner, model, pointer.previous.id, time.time())
    return pointer.previous, pointer.space


def drop_space(catalogue: Catalogue, keeping: Keeping, space: Space) -> None:
    """Delete a space that answers no searches. Raises ``SpaceHeld`` for the active one."""
    if space.state is SpaceState.ACTIVE:
        raise SpaceHeld(
            f"search answers from {space.name} now",
            cure="switch first, with: reprise spaces rollback " + space.model,
        )
    catalogue.spaces.set_state(space.owner, space.id, SpaceState.DROPPED)
    keeping.drop(space)
    catalogue.ledger.forget_space(space.owner, space.id)


def clear_model(catalogue: Catalogue, keeping: Keeping, owner: str, model: str) -> list[Space]:
    """Delete all spaces of a model but the one that answers searches; returns those that were deleted.

    One that was dropped before is dropped once more: whoever did it may have been killed before its vectors and rows
    were gone, and a space of the same name would come to life with them.
    """
    idle = [
        space
        for space in catalogue.spaces.all(owner)
        if space.model == model and space.state is not SpaceState.ACTIVE
    ]
    for space in idle:
        drop_space(catalogue, keeping, space)
    return [space for space in idle if space.state is not SpaceState.DROPPED]


def _verify(
    catalogue: Catalogue, keeping: Keeping, space: Space, before: Space | None, coverage: float
) -> int:
    """The gates; returns the number of vectors. Raises ``SpaceHeld`` with the one that did not open."""
    counts = catalogue.ledger.counts(space.owner, space.id)
    vectors = counts["vectors"]
    if not vectors:
        raise SpaceHeld("it holds no vector")
    unfinished = counts.get("pending", 0) + counts.get("leased", 0)
    if unfinished:
        raise SpaceHeld(f"{unfinished} operations are not done yet")
    _check_kept(keeping, space, vectors)
    # Files that are gone keep their old vectors for a while, and nobody can make new ones of them.
    answering = catalogue.ledger.answering(space.owner, space.id)
    serving = catalogue.ledger.answering(space.owner, before.id) if before else 0
    if answering < coverage * serving:
        raise SpaceHeld(f"it holds {answering} vectors, search answers from {serving} now")
    if space.dimension:
        _check_sample(catalogue, keeping.store, space)
    return vectors


def _check_kept(keeping: Keeping, space: Space, vectors: int) -> None:
    """What the rows stand for is all there."""
    if not space.dimension:
        if keeping.count(space) not in {None, vectors}:
            raise SpaceHeld(f"{keeping.count(space)} items are kept, the ledger has {vectors}")
        return
    report = keeping.store.verify(space.owner, space.name)
    if report.damaged:
        raise SpaceHeld(f"{len(report.damaged)} stored vectors are damaged")
    if report.count != vectors:
        raise SpaceHeld(f"the store holds {report.count} vectors, the ledger {vectors}")


def _check_sample(catalogue: Catalogue, store: VectorStore, space: Space) -> None:
    """What many small runs have put together is looked at once as a whole: finite, and not one vector for all."""
    keys, vectors = next(iter(store.scan(space.owner, space.name, SAMPLED_VECTORS)))
    done = catalogue.ledger.digests(space.owner, space.id, keys)
    digests = [done.get(key) or key.to_bytes(8, "big") for key in keys]
    try:
        for vector in vectors:
            check_vector(vector, space.dimension)
        ConstantGate().check(digests, list(vectors))
    except (BadVector, CanaryFailed) as error:
        raise SpaceHeld(f"its vectors are worthless: {error.message}") from error


def neighbours_kept(store: VectorStore, new: Space, old: Space) -> float | None:
    """Mean share of the ten nearest neighbours that sampled items keep, 0 to 1; ``None`` without common items."""
    keys, _ = next(iter(store.scan(new.owner, new.name, SAMPLED_ITEMS)), ((), None))
    shares = [_share_kept(store, new, old, key) for key in keys]
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known else None


def _share_kept(store: VectorStore, new: Space, old: Space, key: int) -> float | None:
    nearest: list[set[int]] = []
    for space in (new, old):
        vectors = store.get(space.owner, space.name, [key])
        if key not in vectors:
            return None
        hits = store.search(space.owner, space.name, vectors[key], NEIGHBOURS, exclude=[key])
        nearest.append({hit.key for hit in hits})
    return len(nearest[0] & nearest[1]) / len(nearest[1]) if nearest[1] else None
