"""The measurements of neural models: that they measure what they say, on networks that take no time."""

from __future__ import annotations

import itertools
import json
import math
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from benchmarks import bench_engines, bench_models, random_weights, source_loop
from benchmarks import run as all_benchmarks
from benchmarks.bare_network import DeviceClock, network_of, windows_of
from benchmarks.measure import ROOT, Row
from benchmarks.model_job import Bench, Heard, Told, embed, embed_watched, make_songs, tree_memory
from benchmarks.peer import Peer
from benchmarks.random_weights import MAKERS, PUBLISHED, TINY, make

from reprise.core.choices import ModelChoices
from reprise.core.gates import check_canaries
from reprise.core.pooling import pool
from reprise.core.windows import Windowing
from reprise.models.registry import load_model
from reprise.stores.memory import MemoryStore

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

USED_BY = {"mert-330m": "mert-enriched"}
"""Folders of weights that are named otherwise than their model."""


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    for name in MAKERS:
        make(name, folder, TINY)
    return folder


@pytest.fixture
def bench(tmp_path: Path, weights: Path) -> Bench:
    return Bench(tmp_path, weights, precision="float32", device="cpu")


# -- random weights -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MAKERS)
def test_random_weights_are_loaded_by_the_products_own_path(weights: Path, name: str) -> None:
    choices = ModelChoices(weights=str(weights), device="cpu", precision="float32", offline=True)
    model: Any = load_model(USED_BY.get(name, name), choices)
    assert not model.card.missing
    model.load()
    # What the gate of a model process looks at: finite, and not one vector for all.
    outputs = model.encode(model.canaries())
    vectors = np.stack([pool(model.card.spec.pooling, [output]) for output in outputs])
    check_canaries(vectors, model.card.spec.dimension)


def test_the_large_ones_have_the_published_numbers_of_parameters() -> None:
    import torch
    from transformers import HubertConfig, HubertModel

    from reprise.models.muq_encoder import Encoder, Shape
    from reprise.models.music2latent_encoder import Encoder as LatentEncoder
    from reprise.models.music2latent_encoder import Shape as LatentShape

    def hubert(settings: dict[str, Any]) -> Any:
        known = random_weights.MERT_ALWAYS | settings
        return HubertModel(
            HubertConfig(**{name: known[name] for name in known if name not in random_weights.MERTS_OWN})
        )

    with torch.device("meta"):
        muq = Encoder(Shape(**random_weights.MUQ[PUBLISHED], epsilon=1e-5, mean=0.0, std=1.0))
        latent = LatentEncoder(LatentShape(**random_weights.MUSIC2LATENT[PUBLISHED]))
        mert, deeper = (hubert(sizes[PUBLISHED]) for sizes in (random_weights.MERT, random_weights.MERT_330M))

    def millions(network: torch.nn.Module) -> float:
        return sum(parameter.numel() for parameter in network.parameters()) / 1e6

    assert math.isclose(millions(muq), 316, abs_tol=1.0)
    assert millions(mert) == 94.371712
    assert math.isclose(millions(deeper), 315, abs_tol=1.0)
    assert math.isclose(millions(latent), 16.3, abs_tol=0.1)


def test_weights_that_are_there_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mert").mkdir()
    (tmp_path / "mert" / "pytorch_model.bin").write_text("somebody's own")
    make("mert", tmp_path, TINY)
    assert [path.name for path in (tmp_path / "mert").iterdir()] == ["pytorch_model.bin"]
    assert (tmp_path / "mert" / "pytorch_model.bin").read_text() == "somebody's own"


# -- the source's loop --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "window", "hop", "count"),
    [(210, 120, 15, 7), (210, 30, 5, 37), (120, 120, 15, 1), (121, 120, 15, 2), (3, 120, 15, 1)],
)
def test_the_loop_hears_each_second_four_to_five_times(
    seconds: int, window: int, hop: int, count: int
) -> None:
    starts = source_loop.starts(seconds, window, hop)
    assert len(starts) == count
    assert starts[0] == 0
    assert starts[-1] == max(0, seconds - window)
    assert all(later - earlier <= hop for earlier, later in itertools.pairwise(starts))


def test_the_loop_enriches_as_the_variant_of_the_source_does() -> None:
    columns = np.random.default_rng(3).standard_normal((16, 9)).astype(np.float32)
    expected = pool("enriched", list(columns.T))
    assert np.allclose(source_loop.enrich(columns), expected / np.linalg.norm(expected), atol=1e-6)
    single = source_loop.enrich(columns[:, :1])
    assert np.allclose(single[:16], columns[:, 0] / np.linalg.norm(columns[:, 0]), atol=1e-6)
    assert not single[16:].any()


def test_the_loop_stores_what_windows_and_pooling_give_for_each_song(bench: Bench) -> None:
    from benchmarks.bare_network import placed

    from reprise.media.decode import AudioFile

    songs = make_songs(bench.folder / "songs", 1, 7.3)
    work = bench.work("mert", songs / "0.mp3", 2, window=3.0, hop=1.0)
    model, store = network_of(work), MemoryStore()
    engine, rate = placed(model, work), model.anatomy.sample_rate
    store.create(source_loop.OWNER, source_loop.SPACE, 3 * model.card.spec.dimension)
    assert source_loop.embed(engine, work, rate, store) == 2 * 6
    windows = Windowing(3 * rate, rate).cut(AudioFile(str(songs / "0.mp3"), rate))
    expected = pool("enriched", [engine.features([window])[0] for window in windows])
    stored = store.get(source_loop.OWNER, source_loop.SPACE, [1, 2])
    assert len(stored) == 2
    for vector in stored.values():
        assert np.allclose(vector, expected / np.linalg.norm(expected), atol=1e-6)


# -- the bare network ---------------------------------------------------------------------------------------------


def test_the_bare_network_gets_the_windows_that_the_job_gives_it(bench: Bench) -> None:
    songs = make_songs(bench.folder / "songs", 1, 40.0)
    work = bench.work("mert", songs / "0.mp3", 3)
    with Peer("bare_network", work, 1) as bare:
        loaded, once, again = bare.loaded, bare.ask(), bare.ask()
    assert (loaded["windows"], loaded["window_seconds"]) == (18, 5.0)
    assert loaded["placement"] == "cpu, float32"
    assert min(once["seconds"], again["seconds"], loaded["load_seconds"], loaded["decode_seconds"]) > 0
    model = network_of(work)
    model.load()
    expected = model.encode(windows_of(model, work)[:1])[0]
    assert np.allclose(bench_engines._features(work), expected, atol=1e-5)


def test_a_peer_that_cannot_load_says_so(bench: Bench) -> None:
    songs = make_songs(bench.folder / "songs", 1, 2.0)
    with pytest.raises(RuntimeError, match=r"bare_network.* ended without an answer"):
        Peer("bare_network", bench.work("acoustic", songs / "0.mp3"), 1)


def test_without_a_graphics_card_there_is_no_device_time() -> None:
    import torch

    clock = DeviceClock()
    if torch.cuda.is_available():
        pytest.skip("there is one")
    clock.around(torch.nn.Identity())(torch.zeros(1))
    assert clock.seconds() is None


# -- jobs ---------------------------------------------------------------------------------------------------------


def test_memory_of_a_tree_counts_children_and_forgets_them() -> None:
    before = sum(tree_memory(os.getpid()).values())
    hold = "import sys; block = b'1' * (200 << 20); print(flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        held = tree_memory(os.getpid())
        child.communicate()
    assert held[child.pid] > 200
    assert sum(held.values()) > before + 150
    assert child.pid not in tree_memory(os.getpid())


def test_the_working_time_is_between_loaded_and_finished_of_that_model() -> None:
    told = Told()
    for at, name, model in [
        (1.0, "model_loaded", "a"),
        (4.5, "model_finished", "a"),
        (6.0, "model_loaded", "b"),
        (7.0, "model_finished", "b"),
    ]:
        told.heard.append(Heard(at, {"event": name, "model": model}))
    assert told.working_seconds("a") == 3.5
    assert told.working_seconds("b") == 1.0


def test_a_job_that_fails_is_not_measured(bench: Bench) -> None:
    songs = make_songs(bench.folder / "songs", 1, 2.0)
    (songs / "broken.mp3").write_bytes(b"no music")
    with pytest.raises(RuntimeError, match="did not complete"):
        embed(songs, ["mert"], bench.settings("broken"))
    with pytest.raises(RuntimeError, match="exit code 2, None"):
        embed(songs / "nowhere", ["mert"], bench.settings("nowhere"))


def test_a_watched_job_says_what_memory_it_left(bench: Bench) -> None:
    songs = make_songs(bench.folder / "songs", 2, 6.0)
    told = embed_watched(songs, ["mert"], bench.settings("watched"))
    memory = told.event("memory")
    assert told.event("job_finished")["operations"]["done"] == 2
    assert 0 < memory["before_mb"] < memory["after_mb"] + 50
    # The model's process with PyTorch is in the sum, not only the job's own.
    assert told.most_memory > memory["after_mb"] + 100
    assert 0 < told.working_seconds("mert") <= told.event("job_finished")["seconds"]


@pytest.mark.long
def test_all_of_it_runs_on_tiny_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text((ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(all_benchmarks, "DOCUMENT", document)
    all_benchmarks.main(["--models", "--quick", "--json", "--document"])
    rows = [Row(**json.loads(line)) for line in capsys.readouterr().out.splitlines()]
    promised = {row.promise: row for row in rows if row.goal}
    assert len(promised) == 2 + 4 + 2
    assert all(row.ratio is None or row.ratio > 0 for row in rows)
    assert sum(row.promise.startswith("change of models") for row in rows) == 2
    assert {row.promise.partition(":")[0] for row in rows} >= set(bench_engines.MODELS)
    text = document.read_text(encoding="utf-8")
    assert all(f"| {row.promise} |" in text for row in rows)
    assert "Not measured yet" not in text


@pytest.mark.long
def test_memory_is_flat_over_two_hundred_songs(bench: Bench) -> None:
    songs = make_songs(bench.folder / "songs", 200, 12.0)
    told = embed_watched(songs, ["mert"], bench.settings("soak"))
    loaded, unloaded = told.at("model_loaded"), told.at("model_unloaded")
    working = [megabytes for at, megabytes in told.memory if loaded < at < unloaded]
    assert len(working) >= 20
    fifth = len(working) // 5
    # The first fifth fills queues and finds out how much memory a batch takes.
    second, last = (float(np.median(part)) for part in (working[fifth : 2 * fifth], working[-fifth:]))
    assert last - second < 20.0, f"{second:.0f} MB grew to {last:.0f} MB"


# -- the report ---------------------------------------------------------------------------------------------------


def test_each_table_has_its_own_place_in_the_document(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text((ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8"), encoding="utf-8")
    all_benchmarks.write_document(document, "models", [Row("a new row", "1", "2", 0.5, "≤ 1", kept=True)])
    text = document.read_text(encoding="utf-8")
    assert "| a new row | 1 | 2 | 0.50 | ≤ 1 | yes |" in text
    before, after = (part for part in text.split("| a new row |"))
    assert "<!-- measured: end -->" in before
    assert "<!-- models: end -->" in after
    assert "| reprise --help: CPU |" in before


def test_the_sizes_name_models_that_there_are() -> None:
    names = {
        *bench_models.IN_A_ROW,
        *bench_models.SOURCE_WINDOWS,
        *bench_models.FULL.songs,
        *bench_engines.MODELS,
    }
    assert names <= set(MAKERS)
