"""The map: neighbours stay neighbours, it does not jump, clusters have names, keys stand in musical order."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner

from reprise.cli.map import map as map_command
from reprise.core.items import Tags
from reprise.errors import NotFound
from reprise.search.map.atlas import MOST_NEW
from reprise.search.map.cells import nearest_rows
from reprise.search.map.keys import CIRCLE, musical_key
from reprise.search.map.labels import Column, cluster_names, genres, keys
from reprise.search.map.layout import framed, laid_out
from reprise.search.map.reduction import KEPT, reduction_of
from reprise.search.map.repulsion import Repulsion, pairwise
from tests.search.shelf import clustered_rows, random_rows

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from reprise.core.items import Item
    from tests.search.shelf import Shelf


def put(shelf: Shelf, count: int, prefix: str = "t", **tags: Any) -> list[Item]:
    return shelf.put(*(f"{prefix}{n:04d}.mp3" for n in range(count)), **tags)


def kept_neighbours(points: NDArray[Any], labels: NDArray[Any]) -> float:
    """The share of each point's ten nearest on the map that are of its own cluster."""
    near = nearest_rows(points.astype(np.float32), points.astype(np.float32), 10, themselves=True)
    return float((labels[near] == labels[:, None]).mean())


# the layout


def test_clusters_of_sound_are_clusters_on_the_map() -> None:
    rows = clustered_rows(12, 40, 64, spread=0.8)
    labels = np.repeat(np.arange(12), 40)
    method, points = laid_out(reduction_of([rows], 64).of(rows))
    assert method == "pca+tsne"
    assert kept_neighbours(points, labels) > 0.95


def test_the_layout_tells_apart_what_principal_components_alone_do_not() -> None:
    rows = clustered_rows(12, 40, 64, spread=0.8)
    labels = np.repeat(np.arange(12), 40)
    reduced = reduction_of([rows], 64).of(rows)
    assert kept_neighbours(reduced[:, :2], labels) < kept_neighbours(laid_out(reduced)[1], labels) - 0.2


def test_the_same_vectors_give_the_same_map() -> None:
    rows = reduction_of([clustered_rows(5, 20, 16)], 16).of(clustered_rows(5, 20, 16))
    assert np.array_equal(laid_out(rows)[1], laid_out(rows)[1])


@pytest.mark.parametrize("count", [0, 1, 2, 3, 39, 40, 60])
def test_a_library_of_any_size_has_a_map_within_its_frame(count: int) -> None:
    rows = random_rows(count, 8) if count else np.empty((0, 8), np.float32)
    _, points = laid_out(reduction_of([rows], 8).of(rows))
    assert points.shape == (count, 2)
    assert np.isfinite(points).all()
    assert (np.abs(points) <= 1).all()


def test_tracks_that_are_all_the_same_have_a_map() -> None:
    rows = np.repeat(random_rows(1, 8), 60, axis=0)
    _, points = laid_out(reduction_of([rows], 8).of(rows))
    assert np.isfinite(points).all()


def test_outliers_do_not_squash_the_rest() -> None:
    points = np.concatenate([random_rows(500, 2).astype(np.float64), [[1e6, -1e6]]])
    scaled = framed(points)
    assert np.abs(scaled).max() <= 1
    assert np.abs(scaled[:500]).max() > 0.8


def test_the_grid_pushes_as_all_pairs_do() -> None:
    points = np.random.default_rng(3).normal(0, 8, (300, 2))
    exact = pairwise(points)
    assert np.linalg.norm(Repulsion().gridded(points) - exact) < 0.05 * np.linalg.norm(exact)


def test_the_nearest_rows_are_found_by_way_of_cells() -> None:
    rows = clustered_rows(20, 150, 32, spread=0.7)
    found = nearest_rows(rows, rows, 10, themselves=True)
    far = ((rows[:200, None] - rows) ** 2).sum(axis=2)
    far[np.arange(200), np.arange(200)] = np.inf
    exact = np.argsort(far, axis=1)[:, :10]
    agree = [len(set(a) & set(b)) / 10 for a, b in zip(found[:200].tolist(), exact.tolist(), strict=True)]
    assert np.mean(agree) > 0.9
    assert not (found == np.arange(len(rows))[:, None]).any()


def test_blocks_reduce_as_the_whole_does() -> None:
    rows = clustered_rows(6, 50, 80)
    whole, parts = reduction_of([rows], 80), reduction_of([rows[:99], rows[99:]], 80)
    assert np.allclose(whole.axes, parts.axes, atol=1e-4)
    assert whole.of(rows).shape == (300, KEPT)


# keys and names


@pytest.mark.parametrize(
    ("written", "key"),
    [("Am", "Am"), ("a minor", "Am"), ("8A", "Am"), ("1m", "Am"), ("Gb", "F#"), ("F♯ minor", "F#m"), ("12B", "E"),
     ("1d", "C"), ("H", "B"), ("Dbm", "C#m"), ("B flat major", "Bb"), ("o", None), ("", None), (None, None)],
)  # fmt: skip
def test_keys_are_read_however_they_are_written(written: str | None, key: str | None) -> None:
    assert musical_key(written) == key


def test_keys_stand_in_the_order_of_the_circle_of_fifths() -> None:
    column = keys([Tags(key=name) for name in ("F", "Gm", "C", "D", "nonsense", "8A", "C")])
    assert column.names == ("C", "Am", "D", "Gm", "F")
    assert column.of.tolist() == [4, 3, 0, 2, -1, 1, 0]
    assert len(set(CIRCLE)) == 24


def test_genres_are_one_however_they_are_capitalised_the_most_frequent_first() -> None:
    column = genres([Tags(genre=name) for name in ("rock", "Rock", "Jazz", None, "Rock; Pop", "")])
    assert column.names == ("Rock", "Jazz")
    assert column.of.tolist() == [0, 0, 1, -1, 0, -1]


def test_a_cluster_is_named_by_what_is_more_frequent_in_it_than_elsewhere() -> None:
    clusters = np.array([0] * 10 + [1] * 10)
    genre = Column(("Rock", "Jazz"), np.array([0] * 6 + [1] * 4 + [0] * 10))  # jazz is rarer, and only here
    artist = Column(("One",), np.full(20, -1))
    assert cluster_names(clusters, 2, [genre, artist]) == ["Jazz", "Rock"]


def test_a_cluster_like_the_whole_library_has_no_name() -> None:
    clusters = np.array([0] * 10 + [1] * 10)
    assert cluster_names(clusters, 2, [Column(("Rock",), np.zeros(20, np.int64))]) == ["", ""]


# a library's map


def drawn(shelf: Shelf, model: str = "one", *, anew: bool = False) -> dict[str, Any]:
    """The map as it was written to go out."""
    atlas = shelf.app.draw_map(model, anew=anew)
    answer: dict[str, Any] = json.loads(
        gzip.decompress(shelf.app.map_files().answer_path(atlas.space).read_bytes())
    )
    return answer


def places(answer: dict[str, Any]) -> dict[int, tuple[float, float]]:
    return dict(zip(answer["ids"], zip(answer["x"], answer["y"], strict=True), strict=True))


def test_a_map_holds_every_track_that_has_a_vector_and_a_file(shelf: Shelf) -> None:
    items = put(shelf, 60, genre="Jazz", key="Am")
    shelf.embed("one", items, clustered_rows(4, 15, 16))
    shelf.lose(items[3])
    answer = drawn(shelf)
    assert answer["ids"] == sorted(item.id for item in items if item != items[3])
    assert answer["count"] == 59
    assert answer["seen"] == 60
    columns = [answer["x"], answer["y"], answer["cluster"], answer["genre"]["of"], answer["key"]["of"]]
    assert {len(column) for column in columns} == {59}
    assert answer["genre"]["names"] == ["Jazz"]
    assert sum(cluster["count"] for cluster in answer["clusters"]) == 59


def test_what_is_new_is_put_beside_what_it_sounds_like_and_nothing_else_moves(shelf: Shelf) -> None:
    rows = clustered_rows(4, 30, 16, spread=0.2)
    labels = np.repeat(np.arange(4), 30)
    early = np.arange(120) % 10 != 0
    items = put(shelf, 120)
    old = [item for item, taken in zip(items, early, strict=True) if taken]
    new = [item for item, taken in zip(items, early, strict=True) if not taken]
    shelf.embed("one", old, rows[early])
    before = drawn(shelf)
    shelf.app.store.upsert("default", shelf.spaces["one"].name, [item.id for item in new], rows[~early])
    after = drawn(shelf)
    known = places(after)
    assert {key: known[key] for key in before["ids"]} == places(before)
    assert after["made_at"] == before["made_at"]
    points = np.array([known[item.id] for item in items])
    assert kept_neighbours(points, labels) > 0.9


def test_a_map_is_laid_out_anew_when_much_is_new(shelf: Shelf) -> None:
    items = put(shelf, 100)
    rows = clustered_rows(5, 20, 16)
    few = int(100 * (1 - MOST_NEW)) - 5
    shelf.embed("one", items[:few], rows[:few])
    before = drawn(shelf)
    shelf.app.store.upsert("default", shelf.spaces["one"].name, [item.id for item in items[few:]], rows[few:])
    after = drawn(shelf)
    assert after["made_at"] > before["made_at"]
    assert after["count"] == 100


def test_what_is_gone_leaves_the_map_and_the_rest_stays(shelf: Shelf) -> None:
    items = put(shelf, 60)
    shelf.embed("one", items, clustered_rows(4, 15, 16))
    before = places(drawn(shelf))
    shelf.lose(*items[:5])
    shelf.app.store.delete("default", shelf.spaces["one"].name, [item.id for item in items[5:8]])
    after = places(drawn(shelf))
    assert after == {item.id: before[item.id] for item in items[8:]}


def test_a_damaged_file_costs_the_layout_alone(shelf: Shelf) -> None:
    items = put(shelf, 50)
    space = shelf.embed("one", items, clustered_rows(5, 10, 16))
    before = drawn(shelf)
    kept = shelf.app.map_files().folder / f"{space.name}.npz"
    kept.write_bytes(kept.read_bytes()[:200])
    assert places(drawn(shelf)) == places(before)


def test_an_empty_space_has_an_empty_map(shelf: Shelf) -> None:
    items = put(shelf, 2)
    space = shelf.embed("one", items, random_rows(2, 8))
    shelf.app.store.delete("default", space.name, [item.id for item in items])
    assert drawn(shelf)["ids"] == []


def test_nothing_embedded_is_told(shelf: Shelf) -> None:
    with pytest.raises(NotFound):
        shelf.app.draw_map("one")


def test_maps_of_spaces_that_are_no_more_are_removed(shelf: Shelf) -> None:
    items = put(shelf, 10)
    shelf.embed("one", items, random_rows(10, 8))
    drawn(shelf)
    folder = shelf.app.map_files().folder
    stray = folder / "one-000000000000.json.gz"
    stray.write_bytes(b"")
    drawn(shelf)
    assert not stray.exists()
    assert len(list(folder.iterdir())) == 2


# the command


def test_the_command_draws_a_picture_and_names_clusters(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = [*put(shelf, 30, "a", genre="Ambient <&>"), *put(shelf, 30, "b", genre="Metal")]
    shelf.embed("acoustic", items, clustered_rows(2, 30, 16, spread=0.1))
    target = tmp_path / "map.svg"
    home = str(shelf.app.home)
    done = CliRunner().invoke(map_command, ["--home", home, "--svg", str(target)])
    assert done.exit_code == 0, done.output
    assert "Metal" in done.output
    from xml.etree import ElementTree

    texts = [node.text for node in ElementTree.parse(target).getroot().iter() if node.tag.endswith("text")]
    assert {"Ambient <&>", "Metal"} <= set(texts)


def test_the_command_tells_scripts_every_point(shelf: Shelf) -> None:
    items = put(shelf, 12)
    shelf.embed("acoustic", items, random_rows(12, 8))
    done = CliRunner().invoke(map_command, ["--home", str(shelf.app.home), "--json"])
    events = [json.loads(line) for line in done.output.splitlines()]
    assert events[0]["event"] == "map"
    assert events[0]["tracks"] == 12
    points = [event for event in events if event["event"] == "point"]
    assert sorted(point["item_id"] for point in points) == [item.id for item in items]
