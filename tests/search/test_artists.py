"""Artists who sound alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.errors import NotFound
from reprise.search.artists import similar_artists
from tests.search.shelf import clustered_rows, unit

if TYPE_CHECKING:
    from reprise.core.items import Item
    from tests.search.shelf import Shelf


def stocked(shelf: Shelf) -> list[Item]:
    """Four artists in two worlds of sound: A and B share one, C and D the other."""
    rows = clustered_rows(2, 10, 16, seed=3)
    artists = ["A"] * 5 + ["B"] * 5 + ["C"] * 5 + ["D"] * 5
    items = shelf.put(*(f"{n}.mp3" for n in range(20)), artists=artists)
    shelf.embed("m", items, rows)
    return items


def test_the_artist_of_the_same_world_comes_first_and_nobody_is_like_himself(shelf: Shelf) -> None:
    items = stocked(shelf)
    found = similar_artists(shelf.app.search_ports(), "m", "A", items[:5], 3)
    assert found[0].artist == "B"
    assert {match.artist for match in found} == {"B", "C", "D"}
    assert found[0].score > found[1].score + 0.3


def test_each_pair_is_one_own_track_and_the_other_that_is_nearest_to_it(shelf: Shelf) -> None:
    items = stocked(shelf)
    match = similar_artists(shelf.app.search_ports(), "m", "A", items[:5], 1)[0]
    assert len(match.pairs) == 3
    assert all(pair.own.tags.artist == "A" and pair.other.tags.artist == "B" for pair in match.pairs)
    assert match.score == pytest.approx(sum(pair.score for pair in match.pairs) / 3)


def test_one_lucky_pair_is_no_likeness(shelf: Shelf) -> None:
    own, near, away = np.eye(8)[0], np.eye(8)[1], np.eye(8)[2]
    rows = unit(np.stack([own, own + 0.01 * near, *[own + 0.5 * near] * 3, *[away] * 2]))
    items = shelf.put(
        *(f"{n}.mp3" for n in range(7)), artists=["A", "lucky", "B", "B", "B", "lucky", "lucky"]
    )
    shelf.embed("m", items, rows)
    found = similar_artists(shelf.app.search_ports(), "m", "A", items[:1], 2)
    assert [match.artist for match in found] == ["B", "lucky"]


def test_an_artist_without_a_track_or_a_vector_is_not_found(shelf: Shelf) -> None:
    stocked(shelf)
    with pytest.raises(NotFound, match="no track of 'E'"):
        similar_artists(shelf.app.search_ports(), "m", "E", [], 3)
    new = shelf.put("new.mp3", artists=["E"])
    with pytest.raises(NotFound):
        similar_artists(shelf.app.search_ports(), "m", "E", new, 3)
