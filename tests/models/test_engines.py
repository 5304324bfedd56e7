"""The engine openvino: the same answers as PyTorch, kept from one load to the next, and PyTorch where it does not serve."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import torch

from reprise.core.choices import Coverage, ModelChoices
from reprise.core.spec import fingerprint
from reprise.errors import BadSetting, ExtraMissing
from reprise.models.mert import Mert
from reprise.models.network import Network
from reprise.models.precision import agreement
from reprise.models.registry import load_model
from reprise.models.runner import Runner, start
from tests.models.checkpoints import make_clap, make_mert, make_music2latent
from tests.models.muq_checkpoints import make_mulan, make_muq
from tests.models.test_runner import Filters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Windows = list[NDArray[np.float32]]

WINDOW = 800


class ByLoudness(Filters):
    """Goes one way or the other by what it hears: a trace knows only the way that it saw."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        heard = super().forward(waveforms)
        return heard if waveforms.abs().max() < 0.5 else -heard


class ForTwo(Filters):
    """Takes the number of windows for a constant."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        heard = super().forward(waveforms)
        return heard + torch.zeros(*(int(size) for size in heard.shape))


class Untraceable(Filters):
    """Asks for something that no exported form has."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        heard = super().forward(waveforms)
        strange: torch.Tensor = torch.linalg.eigvals(heard[:, :24]).real[:, None] + heard
        return strange


@pytest.fixture
def canaries() -> Windows:
    chance = np.random.default_rng(5)
    return [chance.standard_normal(WINDOW).astype(np.float32) * scale for scale in (0.05, 0.9)]


def chosen(folder: Path, **more: Any) -> ModelChoices:
    given: dict[str, Any] = {"engine": "openvino", "cache": str(folder / "cache"), "precision": "float32"}
    return ModelChoices(weights=str(folder), **given | more)


def mert(folder: Path, **more: Any) -> Network:
    model = Mert()
    model.configure(chosen(folder, coverage=Coverage.SAMPLED, **more))
    model.load()
    return model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_mert(tmp_path / "mert")
    return tmp_path


def counted(kind: Callable[[], torch.nn.Module]) -> tuple[Callable[[], torch.nn.Module], list[int]]:
    built: list[int] = []

    def build() -> torch.nn.Module:
        built.append(1)
        return kind()

    return build, built


def test_it_gives_what_pytorch_gives_now_and_when_read_again(folder: Path) -> None:
    exact, compiled = mert(folder, engine="torch"), mert(folder)
    assert (exact.placement(), compiled.placement()) == ("cpu, float32", "cpu, openvino, float32")
    windows = [*exact.canaries(), exact.canaries()[0][::-1].copy()]
    expected = np.stack(exact.encode(windows))
    found = compiled.encode(windows)
    assert all(features.dtype == np.float32 for features in found)
    np.testing.assert_allclose(np.stack(found), expected, atol=2e-5)
    for window, features in zip(windows, found, strict=True):
        np.testing.assert_allclose(compiled.encode([window])[0], features, atol=1e-5)
    kept = [features.copy() for features in found]
    compiled.encode(windows[::-1])
    np.testing.assert_array_equal(
        np.stack(found), np.stack(kept), "an answer is not written over by the next one"
    )
    np.testing.assert_allclose(read_again(folder), expected[0], atol=2e-5)


def read_again(folder: Path) -> NDArray[np.float32]:
    """What another process gives for the first canary, without PyTorch."""
    code = (
        "import sys, numpy\n"
        "from reprise.core.choices import ModelChoices\n"
        "from reprise.models.mert import Mert\n"
        "model = Mert()\n"
        f"model.configure(ModelChoices(weights={str(folder)!r}, cache={str(folder / 'cache')!r},"
        " engine='openvino', precision='float32'))\n"
        "model.load()\n"
        "assert 'torch' not in sys.modules\n"
        f"numpy.save({str(folder / 'again.npy')!r}, model.encode(model.canaries()[:1])[0])\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    again: NDArray[np.float32] = np.load(folder / "again.npy")
    return again


def test_bfloat16_stays_within_the_tolerance(folder: Path) -> None:
    exact, half = mert(folder, engine="torch"), mert(folder, precision="bfloat16")
    assert half.placement() == "cpu, openvino, bfloat16"
    assert agreement(exact.encode(exact.canaries()), half.encode(exact.canaries())) >= 0.999


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("clap", make_clap),
        ("muq", make_muq),
        pytest.param("muq-mulan", make_mulan, marks=pytest.mark.long),
        pytest.param("music2latent", make_music2latent, marks=pytest.mark.long),
    ],
)
def test_every_network_that_comes_along_runs_in_it(
    tmp_path: Path, name: str, make: Callable[[Path], object]
) -> None:
    make(tmp_path / name)
    outputs = []
    for engine in ("torch", "openvino"):
        model = load_model(name, chosen(tmp_path, engine=engine, coverage=Coverage.SAMPLED, device="cpu"))
        assert isinstance(model, Network)
        model.load()
        assert model.placement() == {"torch": "cpu, float32", "openvino": "cpu, openvino, float32"}[engine]
        outputs.append(model.encode(model.canaries()))
    assert agreement(*outputs) > 0.99999


def test_nobody_is_told_that_it_is_used(tmp_path: Path) -> None:
    """Importing OpenVINO as it comes makes a folder in the home, and reports each conversion."""
    code = (
        "import sys\n"
        "from reprise.models.openvino_engine import converted, import_openvino\n"
        "import_openvino()\n"
        "import torch\n"
        "converted(torch.nn.Linear(8, 4), 8)\n"
        "print([name for name in sys.modules if name.startswith('openvino_telemetry.')])\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("damage", ["gone", "truncated", "other bytes", "empty"])
def test_what_was_compiled_and_is_damaged_is_made_anew(
    tmp_path: Path, canaries: Windows, damage: str
) -> None:
    build, built = counted(Filters)
    expected = start(build, chosen(tmp_path), canaries, "key").features(canaries)
    start(build, chosen(tmp_path), canaries, "key")
    assert len(built) == 1
    (blob,) = (tmp_path / "cache" / "openvino").iterdir()
    content = blob.read_bytes()
    if damage == "gone":
        blob.unlink()
    else:
        blob.write_bytes(
            {"truncated": content[: len(content) // 2], "other bytes": content[::-1], "empty": b""}[damage]
        )
    again = start(build, chosen(tmp_path), canaries, "key")
    assert len(built) == 2
    assert again.placement == "cpu, openvino, float32"
    np.testing.assert_allclose(np.stack(again.features(canaries)), np.stack(expected), atol=1e-5)
    start(build, chosen(tmp_path), canaries, "key")
    assert len(built) == 2, "it is mended for the next time"


def test_other_weights_are_another_network(folder: Path) -> None:
    """The weights' digest is in the key."""
    network = Mert()
    network.configure(chosen(folder))
    first = fingerprint(network.card.spec)
    make_mert(folder / "mert", seed=99)
    assert fingerprint(network.card.spec) != first


def test_another_key_is_compiled_apart(tmp_path: Path, canaries: Windows) -> None:
    for key in ("one", "other"):
        build, built = counted(Filters)
        start(build, chosen(tmp_path), canaries, key)
        assert len(built) == 1
    assert len(list((tmp_path / "cache" / "openvino").iterdir())) == 2


def test_what_an_older_openvino_compiled_goes_away(tmp_path: Path, canaries: Windows) -> None:
    folder = tmp_path / "cache" / "openvino"
    start(Filters, chosen(tmp_path), canaries, "key")
    (blob,) = folder.iterdir()
    older = blob.with_name(f"{blob.name.rpartition('-')[0]}-{'0' * 16}.blob")
    blob.rename(older)
    start(Filters, chosen(tmp_path), canaries, "key")
    assert list(folder.iterdir()) == [blob]


@pytest.mark.parametrize("cache", ["file/cache", ""])
def test_a_cache_that_cannot_be_written_is_only_slow(tmp_path: Path, canaries: Windows, cache: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    choices = chosen(tmp_path, cache=str(tmp_path / cache) if cache else "")
    assert start(Filters, choices, canaries, "key").placement == "cpu, openvino, float32"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (ByLoudness, "openvino in float32 agrees with PyTorch by a cosine of -"),
        # What OpenVINO makes of a shape that does not fit is not the same each time.
        (
            ForTwo,
            "openvino (cannot run the network: RuntimeError|in float32 agrees with PyTorch by a cosine of 0)",
        ),
        (Untraceable, "openvino cannot convert the network: "),
    ],
)
def test_pytorch_steps_in_and_says_why(
    tmp_path: Path, canaries: Windows, kind: Callable[[], torch.nn.Module], reason: str
) -> None:
    expected = Runner(kind, ModelChoices(precision="float32", device="cpu"), canaries).features(canaries)
    build, built = counted(kind)
    for _ in range(2):
        network = start(build, chosen(tmp_path), canaries, "some network")
        assert re.match(f"cpu, float32; {reason}", network.placement)
        assert "\n" not in network.placement
        np.testing.assert_array_equal(np.stack(network.features(canaries)), np.stack(expected))
    assert len(built) == 3, "the second time nothing is tried again"


def test_it_runs_on_the_cpu_only(canaries: Windows, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="runs on the CPU, and the device is 'cuda'"):
        start(Filters, chosen(tmp_path, device="cuda"), canaries, "key")


def test_without_openvino_the_extra_is_named(
    canaries: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ExtraMissing) as caught:
        start(Filters, chosen(tmp_path), canaries, "key")
    assert "fast-cpu" in caught.value.cure


def test_memory_is_flat_over_two_hundred_batches(canaries: Windows, tmp_path: Path) -> None:
    network = start(Filters, chosen(tmp_path), canaries, "key")
    assert "openvino" in network.placement
    batches: Sequence[Windows] = [[canaries[0]] * (1 + number % 8) for number in range(200)]
    for batch in batches[:50]:
        network.features(batch)
    process = psutil.Process()
    before = process.memory_info().rss
    for batch in batches:
        network.features(batch)
    assert process.memory_info().rss - before < 8 * 2**20
