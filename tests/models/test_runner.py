"""The place of a network: its device, its precision, what its errors mean, and that its memory stays what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
import torch

from reprise.core.choices import ModelChoices
from reprise.errors import BadSetting, DeviceLost, ExtraMissing, ModelLoadFailed
from reprise.models import precision as precision_module
from reprise.models import runner as runner_module
from reprise.models.precision import agreement, processor_has_bfloat16
from reprise.models.runner import Runner, choose_device, device_error, half_precisions, start

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

WINDOW = 800
CPU = ModelChoices(device="cpu")


class Filters(torch.nn.Module):
    """A small network of the usual parts: (n, samples) to (n, time, 24)."""

    def __init__(self) -> None:
        super().__init__()
        chance = torch.Generator().manual_seed(3)
        self.convolve = torch.nn.Conv1d(1, 16, 64, stride=16)
        self.mix = torch.nn.Linear(16, 24)
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=chance) * 0.3
        self.calls = 0

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        heard: torch.Tensor = self.convolve(waveforms[:, None]).transpose(1, 2)
        answer: torch.Tensor = self.mix(torch.relu(heard))
        return answer


class Cancelling(Filters):
    """The difference of two nearly equal large numbers: what bfloat16 cannot hold."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        heard = super().forward(waveforms)
        difference: torch.Tensor = self.mix(heard[..., :16] + 1e4) - self.mix(
            torch.full_like(heard[..., :16], 1e4)
        )
        return difference


class Huge(Filters):
    """Numbers beyond 65504, where float16 ends."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        beyond: torch.Tensor = self.mix(super().forward(waveforms)[..., :16] * 1e6)
        return beyond


class Greedy(Filters):
    """Takes a petabyte for more than one window."""

    def forward(self, waveforms: torch.Tensor) -> torch.Tensor:
        if len(waveforms) > 1:
            torch.empty(2**50)
        return super().forward(waveforms)


@pytest.fixture
def canaries() -> list[NDArray[np.float32]]:
    chance = np.random.default_rng(5)
    return [chance.standard_normal(WINDOW).astype(np.float32) * 0.2 for _ in range(2)]


@pytest.fixture
def with_bfloat16(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor that says that it has it, whatever this one is; PyTorch computes with it on any."""
    facts = tmp_path / "cpuinfo"
    facts.write_text("processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx512f avx512_bf16 ssse3\n")
    monkeypatch.setattr(precision_module, "PROCESSOR_FACTS", facts)


def settled(monkeypatch: pytest.MonkeyPatch, worth_it: float = 1e9) -> None:
    """Small networks are too quick for their speed to be told; say what is worth it."""
    monkeypatch.setattr(runner_module, "WORTH_IT", worth_it)


def running(kind: Callable[[], torch.nn.Module], canaries: Any, **choices: Any) -> Runner:
    return Runner(kind, ModelChoices(device="cpu", **choices), canaries)


def test_features_are_those_of_the_network(canaries: list[NDArray[np.float32]]) -> None:
    network = Filters()
    runner = running(lambda: network, canaries, precision="float32")
    expected = network(torch.from_numpy(np.stack(canaries))).detach().numpy()
    found = runner.features(canaries)
    assert [features.shape for features in found] == [(47, 24), (47, 24)]
    assert all(features.dtype == np.float32 for features in found)
    np.testing.assert_allclose(np.stack(found), expected, atol=1e-5)
    np.testing.assert_array_equal(np.stack(found), np.stack(runner.features(canaries)))
    for canary, features in zip(canaries, found, strict=True):
        np.testing.assert_allclose(runner.features([canary])[0], features, atol=1e-5)
    assert runner.placement == "cpu, float32"
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


# --- precision


@pytest.mark.usefixtures("with_bfloat16")
def test_half_precision_serves_where_it_agrees_and_is_faster(
    canaries: list[NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = running(Filters, canaries, precision="float32").features(canaries)
    settled(monkeypatch)
    half = running(Filters, canaries)
    assert half.placement == "cpu, bfloat16"
    found = half.features(canaries)
    assert 0.999 < agreement(exact, found) < 0.9999999, "it is another precision, and a close one"
    settled(monkeypatch, 0.0)
    slow = running(Filters, canaries)
    assert slow.placement == "cpu, float32 (bfloat16 is no faster here)"
    np.testing.assert_array_equal(np.stack(slow.features(canaries)), np.stack(exact))


@pytest.mark.usefixtures("with_bfloat16")
def test_half_precision_that_disagrees_is_not_used_and_that_is_said(
    canaries: list[NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(monkeypatch)
    runner = running(Cancelling, canaries)
    assert runner.placement.startswith("cpu, float32 (bfloat16 agrees by a cosine of ")
    exact = running(Cancelling, canaries, precision="float32")
    np.testing.assert_array_equal(np.stack(runner.features(canaries)), np.stack(exact.features(canaries)))


@pytest.mark.usefixtures("with_bfloat16")
def test_what_was_found_out_is_kept_by_key(
    tmp_path: Path, canaries: list[NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(monkeypatch)
    choices = ModelChoices(device="cpu", cache=str(tmp_path / "cache"))
    for key, calls in (("one", 4), ("one", 0), ("other", 4), ("", 4), ("", 4)):
        network = Filters()
        runner = Runner(lambda network=network: network, choices, canaries, key)  # type: ignore[misc]
        assert (key, network.calls) == (key, calls)
        assert runner.placement == "cpu, bfloat16"
    (tmp_path / "cache" / "verdicts.json").write_text('{"one": ["float8", "", ""]}')
    assert Runner(Filters, choices, canaries, "one").placement == "cpu, bfloat16"


def test_a_processor_without_bfloat16_is_not_asked_for_it(
    tmp_path: Path, canaries: list[NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = tmp_path / "cpuinfo"
    for text in ("flags\t\t: fpu avx2 avx512f\n", "", None):
        if text is None:
            facts.unlink()
        else:
            facts.write_text(text)
        monkeypatch.setattr(precision_module, "PROCESSOR_FACTS", facts)
        assert not processor_has_bfloat16()
        network = Filters()
        assert running(lambda network=network: network, canaries).placement == "cpu, float32"  # type: ignore[misc]
        assert network.calls == 0, "nothing to compare"
    facts.write_text("Features\t: fp asimd bf16 sve\n")
    assert processor_has_bfloat16(), "as ARM says it"


def test_a_precision_that_is_asked_for_is_obeyed(canaries: list[NDArray[np.float32]]) -> None:
    exact = running(Cancelling, canaries, precision="float32")
    half = running(Cancelling, canaries, precision="bfloat16")
    assert half.placement == "cpu, bfloat16"
    assert agreement(exact.features(canaries), half.features(canaries)) < 0.999


def test_but_never_numbers_that_are_not_finite(canaries: list[NDArray[np.float32]]) -> None:
    assert running(Huge, canaries, precision="bfloat16").placement == "cpu, bfloat16"
    with pytest.raises(
        ModelLoadFailed, match="in float16 the network gives numbers that are not finite"
    ) as caught:
        running(Huge, canaries, precision="float16")
    assert "auto" in caught.value.cure


def test_agreement_is_the_lowest_cosine_of_the_time_means() -> None:
    one, other = np.eye(3, dtype=np.float32)[:2]
    assert agreement([one], [one]) == 1.0
    assert agreement([one, one], [one, other]) == 0.0
    over_time = np.stack([one, other])  # whose mean has a cosine of 0.7071 with each
    assert agreement([over_time], [np.stack([one, one])]) == pytest.approx(np.sqrt(0.5))
    assert agreement([one], [one[:2]]) == agreement([one], []) == agreement([one], [one * 0]) == 0.0
    assert agreement([one], [np.array([1, 0, np.nan], np.float32)]) == 0.0
    assert agreement([one], [np.array([np.inf, 0, 0], np.float32)]) == 0.0


@pytest.mark.parametrize(
    ("capability", "expected"),
    [((6, 1), []), ((7, 5), [torch.float16]), ((9, 0), [torch.float16, torch.bfloat16])],
)
def test_what_a_graphics_card_computes_with(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], expected: list[torch.dtype]
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    assert half_precisions(torch.device("cuda")) == expected


# --- devices and errors


@pytest.mark.parametrize("choice", ["cuda:99", "banana", "meta", "cpu:x", ""])
def test_a_device_that_is_not_there_is_refused(choice: str) -> None:
    with pytest.raises(BadSetting, match="device") as caught:
        choose_device(choice)
    assert "\n" not in caught.value.message
    assert caught.value.cure == "try: cpu or auto"


def test_too_large_a_batch_is_a_memory_error_and_the_network_goes_on(
    canaries: list[NDArray[np.float32]],
) -> None:
    runner = running(Greedy, canaries, precision="float32")
    alone = runner.features(canaries[:1])
    with pytest.raises(MemoryError):
        runner.features(canaries)
    np.testing.assert_array_equal(runner.features(canaries[:1])[0], alone[0])


def test_a_networks_own_error_stays_what_it_is(canaries: list[NDArray[np.float32]]) -> None:
    runner = running(Filters, canaries, precision="float32")
    with pytest.raises(RuntimeError, match="Kernel size"):
        runner.features([canaries[0][:10]])


def test_what_errors_of_accelerators_mean() -> None:
    assert isinstance(device_error(torch.OutOfMemoryError("CUDA out of memory. Tried to …")), MemoryError)
    for text in (
        "CUDA error: out of memory",
        "MPS backend out of memory",
        "CUBLAS_STATUS_ALLOC_FAILED when calling",
    ):
        assert isinstance(device_error(RuntimeError(text)), MemoryError)
    lost = device_error(RuntimeError("CUDA error: unspecified launch failure\nCUDA kernel errors might …"))
    assert isinstance(lost, DeviceLost)
    assert lost.message == "the accelerator failed: CUDA error: unspecified launch failure"
    assert isinstance(device_error(torch.AcceleratorError("device gone")), DeviceLost)
    own = RuntimeError("shapes do not fit")
    assert device_error(own) is own


def test_without_pytorch_the_extra_is_named(
    canaries: list[NDArray[np.float32]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(ExtraMissing) as caught:
        start(Filters, CPU, canaries)
    assert "reprise[models]" in caught.value.cure


def test_memory_is_flat_over_two_hundred_batches(canaries: list[NDArray[np.float32]]) -> None:
    """Batches of other sizes and times, as a library has them; the first fifty fill the allocator's pools."""
    runner = running(Filters, canaries, precision="bfloat16")
    batches = [[canaries[0]] * (1 + number % 8) for number in range(200)]
    for batch in batches[:50]:
        runner.features(batch)
    process = psutil.Process()
    before = process.memory_info().rss
    for batch in batches:
        runner.features(batch)
    assert process.memory_info().rss - before < 8 * 2**20
