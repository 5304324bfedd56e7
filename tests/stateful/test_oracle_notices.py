"""The oracle notices what is broken on purpose; a proof that cannot fail proves nothing."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from reprise.catalog import reconcile
from reprise.catalog.items import SqlItems
from reprise.catalog.ledger import SqlLedger
from reprise.core.job import Counters
from reprise.engine import job_work
from reprise.stores.embedded.store import EmbeddedStore
from tests.stateful.checks import MODELS, check
from tests.stateful.house import House, Stop
from tests.stateful.oracle import Ask
from tests.stateful.shelf import Track

EVERYTHING = Ask(MODELS)


def embed_and_check(house: House, ask: Ask = EVERYTHING, stop: Stop | None = None) -> None:
    house.embed("ann", ask, stop)
    check(house)


def change(house: House, path: str) -> None:
    house.shelf.write(path, Track(house.shelf.new_sound(bad=False), house.shelf.tracks[path].title))


def test_it_has_nothing_to_say_when_all_is_well(house: House) -> None:
    embed_and_check(house)
    change(house, "a.wav")
    house.shelf.delete("x/b.wav")
    embed_and_check(house)
    house.bump(2)
    embed_and_check(house, stop=Stop("die", 40))
    embed_and_check(house)


def test_a_changed_sound_that_is_skipped(house: House) -> None:
    embed_and_check(house)
    change(house, "a.wav")
    with mock.patch.object(reconcile._Planning, "_renew", return_value=0), pytest.raises(AssertionError):
        embed_and_check(house)


def test_a_fingerprint_that_nobody_looks_at(house: House) -> None:
    embed_and_check(house)
    house.bump(2)
    old = house.app.catalogue().spaces.all("ann")

    def same(_self: Any, _owner: str, spec: Any, *, fresh: bool = False) -> Any:
        return next(space for space in old if space.model == spec.model)

    with mock.patch("reprise.catalog.spaces.SqlSpaces.ensure", same), pytest.raises(AssertionError):
        embed_and_check(house)


def test_an_item_that_is_forgotten_and_leaves_its_vector(house: House) -> None:
    embed_and_check(house)
    house.shelf.delete("a.wav")
    house.scan("ann")
    check(house)
    with mock.patch.object(EmbeddedStore, "delete", return_value=None):
        house.scan("ann", forget=True)
    with pytest.raises(AssertionError, match="nobody knows the vectors"):
        check(house)


def test_counters_that_count_twice(house: House) -> None:
    commit = SqlLedger.commit

    def twice(ledger: SqlLedger, owner: str, job_id: str, space_id: int, *rest: Any) -> Counters:
        commit(ledger, owner, job_id, space_id, *rest)
        with ledger._database.transaction() as transaction:
            transaction.execute("UPDATE job_models SET done = done + 1 WHERE job_id = ?", (job_id,))
        return Counters()

    with mock.patch.object(SqlLedger, "commit", twice), pytest.raises(AssertionError):
        embed_and_check(house)


def test_a_vector_of_another_item(house: House) -> None:
    upsert = EmbeddedStore.upsert

    def turned(store: EmbeddedStore, owner: str, space: str, keys: Any, vectors: Any) -> None:
        upsert(store, owner, space, keys, vectors[::-1])

    with (
        mock.patch.object(EmbeddedStore, "upsert", turned),
        pytest.raises(AssertionError, match="another sound"),
    ):
        embed_and_check(house)


def test_a_moved_file_that_becomes_another_item(house: House) -> None:
    embed_and_check(house)
    house.shelf.move("a.wav", "Z/a.wav")
    with mock.patch.object(SqlItems, "move", return_value=0), pytest.raises(AssertionError):
        embed_and_check(house)


def test_a_ledger_that_is_written_before_the_vectors(house: House) -> None:
    """The order of the two is what a death in between makes visible."""
    commit, pending = SqlLedger.commit, list[Any]()

    def early(_store: EmbeddedStore, *given: Any) -> None:
        pending.append(given)

    def late(ledger: SqlLedger, *given: Any) -> Counters:
        counters = commit(ledger, *given)
        write(house.app.store, *pending.pop())
        return counters

    def write(store: Any, *given: Any) -> None:
        house.death.step()
        upsert(store._store, *given)

    upsert = EmbeddedStore.upsert
    with (
        mock.patch.object(EmbeddedStore, "upsert", early),
        mock.patch.object(SqlLedger, "commit", late),
        pytest.raises(AssertionError),
    ):
        _die_at_each_step(house)


def _die_at_each_step(house: House) -> None:
    for at in range(20, 60):
        embed_and_check(house, Ask(MODELS, wanted="all"), Stop("die", at))


def test_a_space_that_takes_over_before_it_is_complete(house: House) -> None:
    embed_and_check(house)
    house.bump(2)

    def at_once(self: Any, card: Any, *given: Any) -> Any:
        space = opened(self, card, *given)
        spaces = self.shop.catalogue.spaces
        spaces.set_state(space.owner, space.id, "verifying")
        spaces.switch(space.owner, space.model, space.id, 0.0)
        return spaces.get(space.owner, space.id)

    opened = job_work.JobWork._open_space
    with mock.patch.object(job_work.JobWork, "_open_space", at_once), pytest.raises(AssertionError):
        embed_and_check(house, Ask(("epochal",)), Stop("pause", 6))
