"""What must hold whenever nobody is at work: product against oracle, row by row and vector by vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from reprise.core.job import Clear
from reprise.core.plan import Selection
from reprise.core.space import SpaceState
from reprise.engine.estimate import preview
from reprise.engine.explain import explain
from reprise.search.find import find
from reprise.search.query import Query, Seed
from tests.stateful.oracle import OPEN, Ask
from tests.stateful.settling import living, rooms_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.core.space import Space
    from tests.stateful.house import House
    from tests.stateful.oracle import Room

MODELS = ("steady", "epochal")


def check(house: House) -> None:
    """Everything, for every owner."""
    assert house.shelf.on_disk() == house.shelf.tracks
    for owner in house.oracles:
        for model in MODELS:
            _check_spaces(house, owner, model)
            _check_search(house, owner, model)
        _check_reasons(house, owner)
        _check_preview(house, owner)
    _check_strangers(house)


def _check_spaces(house: House, owner: str, model: str) -> None:
    spaces, rooms = living(house, owner, model), rooms_of(house, owner, model)
    assert spaces.keys() == rooms.keys(), f"spaces of {model}: {spaces}, expected {list(rooms)}"
    for key, room in rooms.items():
        assert spaces[key].state == room.state, f"{spaces[key]} should be {room.state}"
        _check_rows(house, owner, spaces[key], room)
        _check_vectors(house, owner, spaces[key], room)
    pointer = house.app.catalogue().spaces.pointer(owner, model)
    serving = house.oracles[owner].pointers.get(model)
    expected = next((spaces[key].id for key, room in rooms.items() if room is serving), None)
    assert (pointer.space.id if pointer else None) == expected, f"search answers from {pointer}"


def _check_rows(house: House, owner: str, space: Space, room: Room) -> None:
    ledger = house.app.catalogue().ledger
    total = sum(count for state, count in ledger.counts(owner, space.id).items() if state != "vectors")
    there = [item for item in room.rows if not house.oracles[owner].things[item].missing]
    assert total == len(there) or not house.scanned[owner], (
        f"{total} rows in {space.name}, expected {len(there)}"
    )
    assert set(ledger.with_vector(owner, space.id)) == set(room.vectors())
    for item, row in room.rows.items():
        found = next(view for view in ledger.rows(owner, item) if view.space.id == space.id)
        state = "pending" if found.state in OPEN else str(found.state)
        assert state == row.state, f"item {item} in {space.name} is {found}, should be {row.state}"
        if row.open:
            assert found.reason == row.reason, f"item {item} in {space.name}: {found}, should be {row.reason}"


def _check_vectors(house: House, owner: str, space: Space, room: Room) -> None:
    if room.state == "draft":
        assert not room.rows
        return  # it has no place in the store yet
    stored: dict[int, NDArray[np.float32]] = {}
    for keys, vectors in house.app.store.scan(owner, space.name):
        assert not stored.keys() & set(keys), "a vector is stored twice"
        stored.update(zip(map(int, keys), vectors, strict=True))
    for item, row in room.rows.items():
        _check_vector(house, owner, room, item, stored.pop(item, None))
        assert row.state != "done" or row.vector
    assert not stored or room.model in house.loose[owner], f"nobody knows the vectors {list(stored)}"


def _check_vector(
    house: House, owner: str, room: Room, item: int, stored: NDArray[np.float32] | None
) -> None:
    """The very vector of the very sound; of what waits for its turn after a death perhaps a newer one already."""
    row = room.rows[item]
    if row.open and house.died[owner]:
        assert stored is not None or not row.vector, f"item {item} ({row}) has lost its vector"
        return
    assert (stored is not None) == bool(row.vector), f"item {item} ({row}) has the vector {stored}"
    if stored is not None:
        right = np.allclose(house.vector(row.vector, room), stored, atol=1e-5)
        assert right, f"item {item} ({row}) has the vector of another sound"


def _check_search(house: House, owner: str, model: str) -> None:
    """Once a space serves, a search finds all that is in it, whatever goes on beside it."""
    answers = house.oracles[owner].answers(model)
    if not answers:
        return
    app = house.of(owner)
    items = app.catalogue().items.get(owner, list(answers))
    seed = items[min(answers)]
    found = find(app.search_ports(), Query((Seed(seed),), (model,), limit=100))
    matched = {match.item.id for match in found.matches}
    if not house.died[owner]:
        assert matched <= set(answers) - {seed.id}, f"{matched} of {answers}"
    if house.scanned[owner]:
        assert matched >= set(answers) - {seed.id}, f"search finds {matched} of {answers}"
    room = house.oracles[owner].pointers[model]
    query = house.vector(answers[seed.id], room)
    if not house.died[owner]:
        for match in found.matches:
            cosine = float(query @ house.vector(answers[match.item.id], room))
            assert abs(match.score - cosine) < 1e-3, f"{match.item.id} scores {match.score}, not {cosine}"


def _check_reasons(house: House, owner: str) -> None:
    """``explain`` gives the oracle's reason for each item in each space."""
    if not house.scanned[owner]:
        return
    app, oracle = house.of(owner), house.oracles[owner]
    cards = {model: app.installed.card(model) for model in MODELS}
    items = app.catalogue().items.get(owner, list(oracle.things))
    for item in items.values():
        verdicts = explain(app.catalogue(), cards, item)
        for model in MODELS:
            spaces, rooms = living(house, owner, model), rooms_of(house, owner, model)
            for key, room in rooms.items():
                if item.id in room.rows:
                    why = next(verdict.why for verdict in verdicts if verdict.space == spaces[key].name)
                    expected = oracle.reason(room, item.id)
                    assert why.startswith(expected), (
                        f"{item.label} in {spaces[key].name}: {why!r}, {expected!r}"
                    )


def _check_preview(house: House, owner: str) -> None:
    """What a dry run says would be done, and why, is what the oracle would do."""
    if not house.scanned[owner]:
        return
    app, oracle = house.of(owner), house.oracles[owner]
    cards = [app.installed.card(model) for model in MODELS]
    selection = Selection(owner, house.library(owner).id)
    ask = Ask(MODELS)
    for model, plan in zip(
        MODELS, preview(app.catalogue(), cards, selection, Clear.NOTHING, app.job_alive), strict=True
    ):
        room = oracle.latest(model) or house.empty_room(owner, model)
        fates = [oracle.fate(room, item, ask, resumed=False) for item in oracle.in_scope(ask)]
        expected = {fate: fates.count(fate) for fate in fates if fate}
        assert plan.reasons == expected, f"{model} would do {plan.reasons}, not {expected}"


def _check_strangers(house: House) -> None:
    """No row, vector or item of one owner is visible to the other."""
    catalogue, store = house.app.catalogue(), house.app.store
    for owner, oracle in house.oracles.items():
        for other in house.oracles.keys() - {owner}:
            ids = list(oracle.things)
            assert not catalogue.items.get(other, ids)
            assert not any(catalogue.ledger.rows(other, item) for item in ids)
            for model in MODELS:
                for space in living(house, other, model).values():
                    if space.state is SpaceState.DRAFT:
                        continue
                    assert not store.get(other, space.name, ids), f"{other} has vectors of {owner}"
