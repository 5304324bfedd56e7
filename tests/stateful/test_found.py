"""What the random sequences have found, each as the shortest way there."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import pytest

from reprise.catalog.items import SqlItems
from reprise.catalog.ledger import SqlLedger
from tests.stateful.checks import MODELS, check
from tests.stateful.death import Died
from tests.stateful.oracle import Ask
from tests.stateful.shelf import Track

if TYPE_CHECKING:
    from tests.stateful.house import House

EVERYTHING = Ask(MODELS)


def test_a_scan_follows_what_a_killed_one_has_seen_but_not_followed(house: House) -> None:
    """A file moved, and another took its name: who is killed in between must leave both to be told apart."""
    house.embed("ann", EVERYTHING)
    shelf = house.shelf
    shelf.move("a.wav", "Z/a.wav")
    shelf.write("a.wav", Track(shelf.new_sound(bad=False), shelf.new_title()))
    with mock.patch.object(SqlItems, "move", side_effect=Died), pytest.raises(Died):
        house.scan("ann")
    house.scan("ann")
    check(house)
    house.embed("ann", EVERYTHING)
    assert set(house.calls) == {(model, "a.wav") for model in MODELS}
    check(house)


def test_digests_of_new_files_and_where_they_came_from_are_written_together(house: House) -> None:
    """A new file whose digest is known is looked at by no later scan: it must be known whose it is by then."""
    house.embed("ann", EVERYTHING)
    house.shelf.move("a.wav", "Z/a.wav")
    with mock.patch("reprise.catalog.items.settle", side_effect=Died), pytest.raises(Died):
        house.scan("ann")
    house.embed("ann", EVERYTHING)
    assert not house.calls
    check(house)


def test_files_that_are_gone_do_not_hold_a_new_release_back(house: House) -> None:
    """Their old vectors are kept for a while, and nobody can make new ones of them."""
    house.embed("ann", EVERYTHING)
    house.shelf.delete("a.wav")
    house.bump(2)
    house.embed("ann", EVERYTHING)
    check(house)
    assert [room.epoch for room in house.oracles["ann"].rooms if room.state == "active"] == [1, 2]


def test_rows_of_a_space_that_was_being_dropped_are_no_reason(house: House) -> None:
    """All is to be made anew because it was cleared: the spec is what it was."""
    house.embed("ann", EVERYTHING)
    with mock.patch.object(SqlLedger, "forget_space", side_effect=Died):
        house.embed("ann", Ask(MODELS, clear="first"))
    check(house)
    house.embed("ann", Ask(MODELS, clear="first"))
    check(house)
