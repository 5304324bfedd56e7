"""Real networks with tiny weights through the whole of Reprise: job, processes, store, search by sound and by words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.core.choices import Coverage, ModelChoices
from reprise.core.pooling import pool
from reprise.core.ports import WindowedModel
from reprise.media.decode import AudioFile
from reprise.models.registry import load_model
from tests.harness import outcome_of, read_until
from tests.models.checkpoints import make_clap, make_mert
from tests.models.sounds import piece, write_stereo

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.harness import Home

MODELS = ("mert", "clap")
TRACKS = 4
PRECISION = {"REPRISE_PRECISION": "float32", "REPRISE_COVERAGE": "sampled"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    make_mert(folder / "mert")
    make_clap(folder / "clap")
    return folder


@pytest.fixture
def studio(home: Home, weights: Path) -> Home:
    """Stereo tracks of several rates and lengths, one shorter than a window."""
    home.environment |= PRECISION | {"REPRISE_WEIGHTS": str(weights)}
    for number, (seconds, rate) in enumerate([(3, 44_100), (12, 48_000), (31, 22_050), (70, 44_100)]):
        left, right = (piece(seconds, rate, seed=number * 2 + side) for side in (0, 1))
        write_stereo(home.music / f"t{number}.wav", left, right, rate)
    return home


def by_hand(model: str, path: Path, weights: Path) -> NDArray[np.float32]:
    """The track's vector without engine, processes or batches: window by window in this process."""
    network = load_model(
        model,
        ModelChoices(weights=str(weights), coverage=Coverage.SAMPLED, device="cpu", precision="float32"),
    )
    assert isinstance(network, WindowedModel)
    network.load()
    windows = network.windows(AudioFile(str(path), network.card.spec.sample_rate))
    outputs = [np.asarray(network.encode([window])[0]) for window in windows]
    vector = pool(network.card.spec.pooling, outputs)
    found: NDArray[np.float32] = vector / np.linalg.norm(vector)
    return found


def test_two_networks_in_turn_and_then_a_search_by_sound_and_by_words(studio: Home, weights: Path) -> None:
    outcome = studio.embed("--model", "mert", "--model", "clap")
    assert outcome.code == 0, outcome.stderr
    assert outcome.last["operations"] == {"total": 8, "done": 8, "skipped": 0, "failed": 0}
    order = [(event["event"], event["model"]) for event in outcome.events if "model" in event]
    loads = [step for step in order if step[0] in {"model_loaded", "model_unloaded"}]
    assert loads == [(name, model) for model in MODELS for name in ("model_loaded", "model_unloaded")]
    assert [event["placement"].split(",")[0] for event in outcome.named("model_loaded")] == ["cpu", "cpu"]
    assert [event["coverage"] for event in outcome.named("model_started")] == [
        "6 windows of 5 s",
        "5 windows of 10 s",
    ]
    for model in MODELS:
        stored = vectors_of(studio, model)
        for number in range(TRACKS):
            expected = by_hand(model, studio.music / f"t{number}.wav", weights)
            assert stored[number] @ expected > 1 - 1e-5
    again = studio.embed("--model", "mert", "--model", "clap")
    assert again.last["operations"] == {"total": 8, "done": 0, "skipped": 8, "failed": 0}
    assert again.named("model_loaded") == []

    heard = studio.run("similar", "t3.wav", "--model", "mert").named("match")
    assert len(heard) == TRACKS - 1
    found = studio.run("search", "bells in the rain", "--model", "clap")
    assert found.code == 0, found.stderr
    assert len(found.named("match")) == TRACKS
    assert found.named("match")[0]["score"] == pytest.approx(
        max(vectors_of(studio, "clap") @ words(weights, "bells in the rain")), abs=1e-4
    )
    assert studio.run("search", "bells in the rain", "--model", "mert").code == 2
    assert studio.run("search", "bells", "--model", "clap", "--owner", "somebody").code == 2


def vectors_of(studio: Home, model: str) -> NDArray[np.float32]:
    """In the order of the tracks' names."""
    space = studio.space(model)
    with studio.app() as app:
        keys = studio.stored(model)
        items = app.catalogue().items.get(app.owner, keys)
        rows = app.store.get(app.owner, space.name, keys)
        return np.stack([rows[key] for key in sorted(keys, key=lambda key: items[key].path)])


def words(weights: Path, text: str) -> NDArray[np.float32]:
    network = load_model("clap", ModelChoices(weights=str(weights), device="cpu", precision="float32"))
    network.load_text()  # type: ignore[union-attr]
    vector: NDArray[np.float32] = network.encode_text(text)  # type: ignore[union-attr]
    return vector / np.linalg.norm(vector)


def test_a_search_by_words_goes_before_a_job_that_has_the_device(studio: Home) -> None:
    assert studio.embed("--model", "clap").code == 0
    for number in range(12):
        sound = piece(20, 24_000, seed=50 + number)
        write_stereo(studio.music / f"more{number}.wav", sound, sound, 24_000)
    job = studio.start("embed", str(studio.music), "--model", "mert", REPRISE_COMMIT_SECONDS="0.1")
    read_until(job, "model_loaded")
    assert studio.run("search", "bells", "--model", "clap").code == 0
    outcome = outcome_of(job)
    assert outcome.code == 0
    assert outcome.last["operations"]["done"] == TRACKS + 12
    studio.assert_sound(("mert",))


def test_weights_that_are_not_there_cost_one_model_and_say_what_to_do(studio: Home) -> None:
    outcome = studio.embed("--model", "muq", "--model", "acoustic", REPRISE_OFFLINE="yes")
    assert outcome.code == 1
    assert outcome.last["state"] == "completed_with_errors"
    results = {event["model"]: event for event in outcome.named("model_finished")}
    assert results["acoustic"]["done"] == TRACKS
    assert "muq" in results["muq"]["error"]
    assert "model.safetensors" in results["muq"]["error"]
    [estimate] = studio.embed("--model", "muq", "--dry-run").events
    assert estimate["to_do"] == TRACKS
    assert "model.safetensors" in estimate["missing"]
    assert estimate["seconds"] is None


def test_new_weights_fill_a_new_space_while_the_old_one_answers(studio: Home, tmp_path: Path) -> None:
    studio.environment["REPRISE_WEIGHTS"] = str(tmp_path / "weights")
    make_mert(tmp_path / "weights" / "mert", seed=1)
    assert studio.embed("--model", "mert").code == 0
    old = studio.space("mert")
    make_mert(tmp_path / "weights" / "mert", seed=2)
    seen = []
    ran = studio.start("embed", str(studio.music), "--model", "mert")
    read_until(ran, "model_loaded")
    seen.append(studio.run("similar", "t3.wav", "--model", "mert").named("match")[0]["space"])
    outcome = outcome_of(ran)
    assert outcome.code == 0
    seen.append(studio.run("similar", "t3.wav", "--model", "mert").named("match")[0]["space"])
    assert seen == [old.name, studio.space("mert").name]
    assert seen[0] != seen[1]
