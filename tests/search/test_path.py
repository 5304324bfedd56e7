"""Song paths: the two ends, no repeats, even steps, no artist twice in a row."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.core.items import Tags
from reprise.core.names import folded
from reprise.core.records import ScanBatch
from reprise.errors import NotFound, UsageError
from reprise.search.geometry import between
from reprise.search.path import SongPath, song_path
from reprise.search.query import Exclusions
from tests.search.shelf import Shelf, random_rows, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.core.items import Item

NOTHING = Exclusions()


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    """A cloud in few dimensions, so that there is something everywhere."""
    return random_rows(400, 4, 11)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, rows: NDArray[np.float32]) -> tuple[Shelf, list[Item]]:
    shelf = Shelf(tmp_path_factory.mktemp("stocked"))
    items = shelf.put_many(len(rows), artists=[f"Artist {n % 9}" for n in range(len(rows))])
    shelf.embed("m", items, rows)
    return shelf, items


def steps_of(rows: NDArray[np.float32], places: list[int]) -> list[float]:
    return [
        float(np.arccos(np.clip(rows[a].astype(float) @ rows[b], -1, 1)))
        for a, b in itertools.pairwise(places)
    ]


def walk(shelf: Shelf, start: Item, end: Item, count: int, exclusions: Exclusions = NOTHING) -> SongPath:
    return song_path(shelf.ports(), "m", start, end, count, exclusions)


@pytest.mark.parametrize("count", [1, 2, 5, 12, 40])
@pytest.mark.parametrize("pair", [(0, 1), (7, 300), (20, 21)])
def test_a_path_has_its_ends_and_no_track_twice(
    stocked: tuple[Shelf, list[Item]], rows: NDArray[np.float32], pair: tuple[int, int], count: int
) -> None:
    shelf, items = stocked
    found = walk(shelf, items[pair[0]], items[pair[1]], count)
    assert found.items[0].id == items[pair[0]].id
    assert found.items[-1].id == items[pair[1]].id
    assert len(found.items) == len({item.id for item in found.items}) == count + 2
    assert found.steps == pytest.approx(steps_of(rows, [item.id - 1 for item in found.items]), abs=1e-3)
    assert found.warnings == ()


@pytest.mark.parametrize("pair", [(0, 1), (7, 300), (20, 21), (50, 60), (399, 3)])
def test_the_largest_step_is_far_below_that_of_random_paths(
    stocked: tuple[Shelf, list[Item]], rows: NDArray[np.float32], pair: tuple[int, int]
) -> None:
    shelf, items = stocked
    found = walk(shelf, items[pair[0]], items[pair[1]], 8)
    chance = np.random.default_rng(0)
    others = [n for n in range(len(rows)) if n not in pair]
    random = [
        max(steps_of(rows, [pair[0], *chance.choice(others, 8, replace=False).tolist(), pair[1]]))
        for _ in range(100)
    ]
    assert max(found.steps) < min(random)
    assert max(found.steps) < 0.5 * float(np.median(random))


def test_the_steps_are_nearly_those_of_a_straight_way(
    stocked: tuple[Shelf, list[Item]], rows: NDArray[np.float32]
) -> None:
    """Among four hundred tracks in four dimensions a path cannot be even, but it is no large detour."""
    shelf, items = stocked
    for pair in ((0, 1), (7, 300), (50, 60)):
        whole = steps_of(rows, list(pair))[0]
        steps = walk(shelf, items[pair[0]], items[pair[1]], 6).steps
        assert sum(steps) < 2.0 * whole
        assert max(steps) < 0.6 * whole


def test_no_artist_comes_twice_in_a_row(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, items = stocked
    for start, end in ((0, 1), (7, 300), (12, 200)):
        artists = [folded(item.tags.artist or "") for item in walk(shelf, items[start], items[end], 20).items]
        assert all(a != b for a, b in itertools.pairwise(artists))


def test_no_song_comes_twice_in_another_file(shelf: Shelf) -> None:
    rows = random_rows(12, 3, 5)
    items = shelf.put_many(12, artists=[f"A{n}" for n in range(12)])
    copies = shelf.put(*(f"best of/{n:04d}.mp3" for n in range(12)), artists=[f"a{n}" for n in range(12)])
    titled = [item.tags.title for item in items]
    batch = ScanBatch(
        revised=[
            (copy.id, copy.state, Tags(title=title, artist=copy.tags.artist))
            for copy, title in zip(copies, titled, strict=True)
        ]
    )
    shelf.app.catalogue().items.apply(shelf.owner, shelf.library.id, batch, 0.0)
    shelf.embed("m", [*items, *copies], np.concatenate([rows, rows]))
    found = walk(shelf, items[0], items[1], 10)
    assert len(found.items) == 12
    assert len({folded(item.tags.title or "") for item in found.items}) == 12


def test_one_artist_alone_is_no_reason_to_find_no_path(shelf: Shelf) -> None:
    items = shelf.put_many(10, artists=["Nina"] * 10)
    shelf.embed("m", items, random_rows(10, 3))
    assert len(walk(shelf, items[0], items[9], 5).items) == 7


def test_the_best_of_all_paths_is_found_where_all_can_be_tried(shelf: Shelf) -> None:
    """Nine tracks: the sum of squared steps is at most a little above the least of all orders."""
    rows = random_rows(9, 3, 3)
    items = shelf.put_many(9)
    shelf.embed("m", items, rows)
    for count in (1, 2, 3):
        found = walk(shelf, items[0], items[8], count)
        least = min(
            sum(step**2 for step in steps_of(rows, [0, *middle, 8]))
            for middle in itertools.permutations(range(1, 8), count)
        )
        assert sum(step**2 for step in found.steps) <= 1.1 * least + 1e-6


def test_a_small_library_gives_a_shorter_path_and_says_so(shelf: Shelf) -> None:
    items = shelf.put_many(5)
    shelf.embed("m", items, random_rows(5, 3))
    shelf.lose(items[2])
    found = walk(shelf, items[0], items[4], 8)
    assert {item.id for item in found.items} == {items[n].id for n in (0, 1, 3, 4)}
    assert found.warnings == ("only 2 other tracks may be used",)
    two = walk(shelf, items[0], items[4], 8, Exclusions(folders=((shelf.library.id, b""),)))
    assert [item.id for item in two.items] == [items[0].id, items[4].id]


def test_ends_that_are_equal_or_opposite_or_one_are_no_trouble(shelf: Shelf) -> None:
    items = shelf.put_many(12)
    rows = random_rows(12, 3, 2)
    rows[1], rows[2] = rows[0], -rows[0]
    shelf.embed("m", items, rows)
    for end in (1, 2):
        found = walk(shelf, items[0], items[end], 4)
        assert len({item.id for item in found.items}) == 6
        assert np.isfinite(found.steps).all()
    with pytest.raises(UsageError, match="both ends"):
        walk(shelf, items[0], items[0], 4)


def test_a_long_path_between_near_ends_finds_enough_tracks(shelf: Shelf) -> None:
    """All its points have the same neighbours: they must be asked for more of them."""
    items = shelf.put_many(160)
    rows = random_rows(160, 5, 4)
    rows[1] = unit(rows[0] + 0.01 * rows[2])
    shelf.embed("m", items, rows)
    found = walk(shelf, items[0], items[1], 120)
    assert len({item.id for item in found.items}) == 122


def test_an_end_that_is_not_embedded_is_told(shelf: Shelf) -> None:
    items = shelf.put_many(5)
    shelf.embed("m", items[:4], random_rows(4, 3))
    with pytest.raises(NotFound, match=r"0004.mp3 is not embedded by m"):
        walk(shelf, items[0], items[4], 2)


def test_the_same_question_has_the_same_answer(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, items = stocked
    paths = [[item.id for item in walk(shelf, items[5], items[77], 10).items] for _ in range(2)]
    assert paths[0] == paths[1]


def test_points_between_lie_on_the_great_circle() -> None:
    a, b = unit(np.array([1.0, 0, 0])), unit(np.array([0, 1.0, 0]))
    middle = between(a, b, 0.5)
    assert middle == pytest.approx([np.sqrt(0.5), np.sqrt(0.5), 0], abs=1e-6)
    third = between(a, b, 1 / 3)
    assert np.arccos(third @ a) == pytest.approx(np.pi / 6, abs=1e-3)
    assert np.linalg.norm(third) == pytest.approx(1, abs=1e-6)
