"""Radio: no repeats, spaced artists, the same list for the same number, and a drift that can be heard."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.errors import NotFound, UsageError
from reprise.search.query import Exclusions, Seed
from reprise.search.radio import Radio, Station
from tests.search.shelf import Shelf, random_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from reprise.core.items import Item

COUNT = 300


@pytest.fixture(scope="module")
def rows() -> NDArray[np.float32]:
    return random_rows(COUNT, 6, 21)


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory, rows: NDArray[np.float32]) -> tuple[Shelf, list[Item]]:
    shelf = Shelf(tmp_path_factory.mktemp("stocked"))
    items = shelf.put_many(COUNT, artists=[f"Artist {n % 15}" for n in range(COUNT)])
    shelf.embed("m", items, rows)
    return shelf, items


def played(
    shelf: Shelf, seeds: list[Item], count: int, exclusions: Exclusions | None = None, **station: float
) -> list[Item]:
    radio = Radio(
        shelf.ports(),
        "m",
        [Seed(item) for item in seeds],
        exclusions or Exclusions(),
        Station(**station),  # type: ignore[arg-type]
    )
    return [one.item for one in islice(radio, count)]


def least_pause(items: list[Item]) -> int:
    """The fewest other tracks between two of one artist."""
    last: dict[str, int] = {}
    pauses = [COUNT]
    for place, item in enumerate(items):
        artist = item.tags.artist or ""
        if artist in last:
            pauses.append(place - last[artist] - 1)
        last[artist] = place
    return min(pauses)


@pytest.mark.parametrize("spacing", [1, 5, 10])
def test_no_track_twice_and_artists_are_spaced(stocked: tuple[Shelf, list[Item]], spacing: int) -> None:
    shelf, items = stocked
    listed = played(shelf, [items[0]], 120, spacing=spacing)
    assert len({item.id for item in listed}) == 120
    assert items[0].id not in {item.id for item in listed}
    assert least_pause([items[0], *listed]) >= spacing


def test_without_spacing_artists_come_as_they_come(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, items = stocked
    assert least_pause(played(shelf, [items[0]], 120, spacing=0)) == 0


def test_the_same_number_gives_the_same_list_and_another_another(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, items = stocked
    lists = [[i.id for i in played(shelf, items[:2], 40, chance=chance)] for chance in (7, 7, 8)]
    assert lists[0] == lists[1] != lists[2]


def test_a_longer_list_begins_with_the_shorter_one(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, items = stocked
    assert played(shelf, [items[4]], 50)[:20] == played(shelf, [items[4]], 20)


def test_it_stays_near_its_seed_or_leaves_it(
    stocked: tuple[Shelf, list[Item]], rows: NDArray[np.float32]
) -> None:
    shelf, items = stocked
    seed = rows[0]
    near = {
        drift: np.mean(
            [
                rows[item.id - 1] @ seed
                for chance in range(5)
                for item in played(shelf, [items[0]], 30, drift=drift, chance=chance)
            ]
        )
        for drift in (0.0, 0.5, 1.0)
    }
    assert near[0.0] > near[0.5] > near[1.0]
    assert near[0.0] > 0.45
    random = float(np.mean(rows[1:] @ seed))
    assert near[0.0] > random + 0.3


def test_each_track_follows_from_the_ones_before(
    stocked: tuple[Shelf, list[Item]], rows: NDArray[np.float32]
) -> None:
    """Even with full drift, a track is like the one before, though not like the first."""
    shelf, items = stocked
    listed = [item.id - 1 for item in played(shelf, [items[0]], 60, drift=1.0, spacing=0)]
    steps = [float(rows[a] @ rows[b]) for a, b in pairwise(listed)]
    assert np.mean(steps) > 0.4


def test_the_whole_library_is_played_once_and_then_it_ends(shelf: Shelf) -> None:
    items = shelf.put_many(20, artists=["Nina"] * 20)
    shelf.embed("m", items, random_rows(20, 4))
    shelf.lose(items[3])
    listed = played(shelf, [items[0]], 100)
    assert {item.id for item in listed} == {item.id for item in items if item not in (items[0], items[3])}


def test_when_spacing_cannot_be_kept_the_longest_silent_artist_comes(shelf: Shelf) -> None:
    items = shelf.put_many(30, artists=[f"Artist {n % 3}" for n in range(30)])
    shelf.embed("m", items, random_rows(30, 4))
    listed = played(shelf, [items[0]], 27, spacing=5)
    assert least_pause([items[0], *listed][:25]) == 2  # three artists in turn


def test_another_file_of_the_same_song_is_no_other_track(shelf: Shelf) -> None:
    songs = shelf.put("album/song.mp3", "best of/song.mp3", title="Song", artists=["Nina", "nina"])
    others = shelf.put_many(10, artists=[f"A{n}" for n in range(10)])
    rows = random_rows(12, 4)
    rows[1] = rows[0]
    shelf.embed("m", [*songs, *others], rows)
    listed = played(shelf, [songs[0]], 20)
    assert songs[1].id not in {item.id for item in listed}
    assert len(listed) == 10
    listed = played(shelf, [others[0]], 20)
    assert len({item.id for item in listed} & {song.id for song in songs}) == 1


def test_what_is_excluded_is_not_played(stocked: tuple[Shelf, list[Item]]) -> None:
    shelf, items = stocked
    exclusions = Exclusions(artists=frozenset({"artist 3"}), items=frozenset({items[5].id}))
    listed = played(shelf, [items[0]], COUNT, exclusions, spacing=0)
    assert "Artist 3" not in {item.tags.artist for item in listed}
    assert items[5].id not in {item.id for item in listed}
    assert len(listed) == COUNT - 1 - 20 - 1


def test_many_missing_files_do_not_end_the_radio(shelf: Shelf) -> None:
    items = shelf.put_many(200)
    rows = random_rows(200, 4, 3)
    shelf.embed("m", items, rows)
    nearest = np.argsort(-(rows @ rows[0]))[1:101]
    shelf.lose(*(items[place] for place in nearest))
    listed = played(shelf, [items[0]], 200, drift=0.0)
    assert len(listed) == 99
    assert not {item.id - 1 for item in listed} & set(nearest.tolist())


def test_seeds_that_are_not_embedded_are_told(shelf: Shelf) -> None:
    items = shelf.put_many(6)
    shelf.embed("m", items[:5], random_rows(5, 3))
    with pytest.raises(NotFound, match="not embedded by m"):
        played(shelf, [items[5]], 3)
    radio = Radio(shelf.ports(), "m", [Seed(items[0]), Seed(items[5])], Exclusions(), Station())
    assert radio.warnings == ("0005.mp3 is not embedded by m: left out of the comparison",)


def test_a_station_without_sense_is_refused() -> None:
    with pytest.raises(UsageError, match=r"drift is 1\.5"):
        Station(drift=1.5)
    with pytest.raises(UsageError, match="spacing is -1"):
        Station(spacing=-1)
