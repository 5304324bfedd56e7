"""Models that hear windows: batches across tracks, whole tracks or none, and every fault at its own price."""

from __future__ import annotations

import itertools
import wave
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.core.pooling import pool

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tests.harness import Home, Ran

LIMITS = {"worker_memory_mb": 250, "max_attempts": 2}
CODES = {
    "crash@2": "worker_crashed",
    "hang@2": "timed_out",
    "hog@2": "memory_exceeded",
    "raise@2": "model_failed",
    "encode-crash@1": "worker_crashed",
    "encode-hang@1": "timed_out",
    "encode-raise@1": "model_failed",
    "encode-memory@1": "memory_exceeded",
    "encode-nan@1": "bad_vector",
}


def vectors(home: Home, model: str = "windowed") -> dict[str, NDArray[np.float32]]:
    """What is stored, by the file's name without its suffix."""
    space = home.space(model)
    with home.app() as app:
        keys = list(app.catalogue().ledger.with_vector(app.owner, space.id))
        items = app.catalogue().items.get(app.owner, keys)
        found = app.store.get(app.owner, space.name, keys)
        return {Path(items[key].path.decode()).stem: found[key] for key in keys}


def expected(path: Path) -> NDArray[np.float32]:
    """The unit vector of a text file, by its content alone."""
    from reprise_plugin_models.windowed import features_of

    content = path.read_bytes()
    said = dict(word.split("=", 1) for word in content.decode().split() if "=" in word)
    rows = np.concatenate([features_of(content, place) for place in range(int(said.get("windows", 3)))])
    quarter, three = np.percentile(rows, (25, 75), axis=0)
    vector = np.concatenate(
        [rows.mean(axis=0), (three - quarter) / 1.34898, np.diff(rows, axis=0).mean(axis=0)]
    )
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def assert_right(home: Home, paths: list[Path], model: str = "windowed") -> None:
    """Each of these tracks, and no other, has the vector that its content says."""
    stored = vectors(home, model)
    assert set(stored) == {path.stem for path in paths}
    for path in paths:
        np.testing.assert_allclose(stored[path.stem], expected(path), atol=1e-6, err_msg=path.name)


def batches(home: Home, model: str = "windowed") -> list[list[str]]:
    """The windows of each batch: number of the file, colon, place."""
    return [words[3:] for words in home.notes("batch") if words[0] == model]


def resized(ran: Ran) -> list[str]:
    return [event.reason for event in ran.named("batch_resized")]


def test_windows_of_several_tracks_share_a_batch_and_come_back_to_their_tracks(home: Home) -> None:
    paths = [
        *home.add_many(9),
        *home.add("long", content="x windows=41"),
        *home.add("one", content="x windows=1"),
    ]
    ran = home.run_here("windowed", flags={"batch_size": 8})
    assert ran.finished.operations == {"total": 11, "done": 11, "skipped": 0, "failed": 0}
    assert_right(home, paths)
    sent = batches(home)
    everything = list(itertools.chain(*sent))
    assert len(everything) == len(set(everything)) == 9 * 3 + 41 + 1
    assert max(map(len, sent)) <= 8
    assert any(len({window.split(":")[0] for window in batch}) > 1 for batch in sent)
    home.assert_sound(("windowed",))


def test_batches_are_full_when_decoding_is_ahead(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_BATCH_SECONDS", "0.3")
    home.add_many(40)
    home.run_here("windowed", flags={"batch_size": 16})
    sizes = [len(batch) for batch in batches(home)]
    assert sum(sizes) == 120
    assert len(sizes) <= 11, f"8 full batches, and a few while the first tracks come in: {sizes}"


def write_tones(path: Path, seconds: float, rate: int, seed: int) -> NDArray[np.float32]:
    """A WAV of noise and tones, mono; returns what is to be heard."""
    time = np.arange(round(seconds * rate)) / rate
    noise = np.random.default_rng(seed).standard_normal(len(time))
    sound = 0.3 * np.sin(2 * np.pi * 110 * (1 + seed + time / 4) * time) + 0.05 * noise
    whole = np.clip(np.round(sound * 32767), -32768, 32767).astype("<i2")
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(whole.tobytes())
    heard: NDArray[np.float32] = (whole / 32768).astype(np.float32)
    return heard


def heard_by_hand(sound: NDArray[np.float32], window: int, hop: int) -> NDArray[np.float32]:
    """The listening model's vector with numpy alone: the windows, the shapes of their halves, the statistics."""
    from reprise_plugin_models.windowed import heard_features

    if len(sound) < window:
        sound = np.pad(sound, (0, window - len(sound)))
    starts = list(range(0, len(sound) - window + 1, hop))
    starts += [len(sound) - window] if starts[-1] + window < len(sound) else []
    rows = np.concatenate([heard_features(sound[start : start + window]) for start in starts]).astype(
        np.float64
    )
    spread = (np.percentile(rows, 75, axis=0) - np.percentile(rows, 25, axis=0)) / 1.34898
    vector = np.concatenate([rows.mean(axis=0), spread, np.diff(rows, axis=0).mean(axis=0)])
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def test_real_files_through_the_real_decoder_get_the_vectors_that_numpy_says(home: Home) -> None:
    sounds = {
        f"t{seed}": write_tones(home.music / f"t{seed}.wav", seconds, 8000, seed)
        for seed, seconds in enumerate([0.7, 1.0, 1.5, 3.21, 20.0, 60.03])
    }
    ran = home.run_here("heard", flags={"batch_size": 5})
    assert ran.finished.state == "completed"
    stored = vectors(home, "heard")
    for name, sound in sounds.items():
        np.testing.assert_allclose(stored[name], heard_by_hand(sound, 8000, 4000), atol=1e-5, err_msg=name)


@pytest.mark.parametrize("word", CODES)
def test_one_bad_window_fails_its_track_with_its_reason_and_nobody_else(home: Home, word: str) -> None:
    paths = home.add_many(8)
    home.add("m-odd", content=f"{word} windows=6")
    seconds = 1.0 if "hang" in word else 30.0
    ran = home.run_here("windowed", flags={**LIMITS, "item_timeout": seconds, "batch_size": 8})
    assert ran.finished.operations == {"total": 9, "done": 8, "skipped": 0, "failed": 1}
    assert home.failures() == {"m-odd": CODES[word]}
    told = [(Path(event.path).stem, event.code) for event in ran.named("item_failed")]
    retried = CODES[word] in {"worker_crashed", "timed_out", "memory_exceeded"}
    assert told == [("m-odd", CODES[word])] * (2 if retried else 1)
    assert_right(home, paths)
    home.assert_sound(("windowed",))


def test_a_decoder_that_dies_once_in_the_middle_of_a_track_is_tried_again(home: Home) -> None:
    paths = [*home.add_many(6), *home.add("m-odd", content="crash@5 once windows=9")]
    ran = home.run_here("windowed", flags={"batch_size": 8})
    assert ran.finished.operations == {"total": 7, "done": 7, "skipped": 0, "failed": 0}
    assert [(Path(event.path).stem, event.will_retry) for event in ran.named("item_failed")] == [
        ("m-odd", True)
    ]
    assert_right(home, paths)
    home.assert_sound(("windowed",))


def test_a_model_process_that_dies_once_costs_the_windows_in_its_hands(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are encoded again, and of a batch nobody is blamed; the guilty one may be, if it went alone."""
    monkeypatch.setenv("PLUGIN_MODELS_BATCH_SECONDS", "0.2")
    paths = [*home.add_many(6), *home.add("m-odd", content="encode-crash@2 once windows=9")]
    ran = home.run_here("windowed", flags={"batch_size": 8})
    assert ran.finished.operations == {"total": 7, "done": 7, "skipped": 0, "failed": 0}
    assert {Path(event.path).stem for event in ran.named("item_failed")} <= {"m-odd"}
    assert len(home.notes("load")) == 2
    sent = Counter(itertools.chain(*batches(home)))
    assert max(sent.values()) > 1
    assert_right(home, paths)
    home.assert_sound(("windowed",))


def test_memory_for_one_window_only_halves_down_to_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_FITS", "1")
    paths = home.add_many(4)
    ran = home.run_here("windowed", flags={"batch_size": 8})
    assert ran.finished.state == "completed"
    sizes = [int(reason.rsplit(" ", 1)[1]) for reason in resized(ran) if reason.startswith("out of memory")]
    assert sizes[-1] == 1
    assert sizes[0] < 8
    assert_right(home, paths)


@pytest.mark.parametrize("short_from", ["0", "2"], ids=["while it loads", "later"])
def test_an_accelerator_without_memory_for_one_window_leaves_the_work_to_the_cpu(
    home: Home, monkeypatch: pytest.MonkeyPatch, short_from: str
) -> None:
    monkeypatch.setenv("PLUGIN_MODELS_FITS", "0")
    monkeypatch.setenv("PLUGIN_MODELS_SHORT_FROM", short_from)
    paths = home.add_many(10)
    ran = home.run_here("windowed-device", flags={"batch_size": 4})
    assert ran.finished.state == "completed"
    assert ran.named("item_failed") == []
    steps = resized(ran)
    assert [place for _, place, _ in home.notes("placed")] == ["cuda:0,", "cpu,"]
    if short_from == "0":
        assert steps[0] == "out of memory while loading: going on with the CPU"
    else:
        assert "out of memory with 1 at once on cuda:0, float16: going on with the CPU" in steps
    assert [event.memory_steps for event in ran.named("model_finished")] == [len(steps)]
    assert_right(home, paths, "windowed-device")
    home.assert_sound(("windowed-device",))


def test_a_device_that_is_gone_ends_its_model_and_the_next_one_runs(home: Home) -> None:
    paths = home.add_many(30)
    lost = {
        "PLUGIN_MODELS_LOST_AT": "6",
        "PLUGIN_MODELS_BATCH_SECONDS": "0.2",
        "REPRISE_COMMIT_SECONDS": "0.1",
    }
    outcome = home.embed("--model", "windowed", "--model", "null", REPRISE_BATCH_SIZE="6", **lost)
    assert outcome.code == 1
    assert outcome.last["state"] == "completed_with_errors"
    assert outcome.last["error"] == "windowed: the accelerator fell off the bus"
    results = {event["model"]: event["state"] for event in outcome.named("model_finished")}
    assert results == {"windowed": "failed", "null": "finished"}
    kept = vectors(home)
    assert 0 < len(kept) < 30
    assert len(home.stored("windowed")) == len(kept)
    for path in paths:
        if path.stem in kept:
            np.testing.assert_allclose(kept[path.stem], expected(path), atol=1e-6)
    assert home.rows("windowed").get("leased", 0) == 0
    again = home.embed("--model", "windowed")
    assert again.last["operations"] == {
        "total": 30,
        "done": 30 - len(kept),
        "skipped": len(kept),
        "failed": 0,
    }
    assert_right(home, paths)


def test_two_windowed_models_never_live_at_the_same_time(home: Home) -> None:
    paths = home.add_many(5)
    ran = home.run_here("windowed", "windowed-b")
    assert ran.finished.state == "completed"
    assert all(len(words) == 2 for words in home.notes("load"))
    assert_right(home, paths, "windowed-b")


def test_a_card_and_a_model_that_do_not_fit_together_are_refused_when_it_loads(home: Home) -> None:
    home.add("a")
    ran = home.run_here("without-placement")
    assert ran.finished.state == "failed"
    assert "says windowed, but it is no WindowedModel" in ran.finished.error


def test_pooling_in_the_test_agrees_with_the_product_s(home: Home) -> None:
    """So that a slip of ``expected`` cannot hide behind one of the engine."""
    from reprise_plugin_models.windowed import features_of

    [path] = home.add("a")
    vector = pool("enriched", [features_of(path.read_bytes(), place) for place in range(3)])
    np.testing.assert_allclose(vector / np.linalg.norm(vector), expected(path), atol=1e-6)
