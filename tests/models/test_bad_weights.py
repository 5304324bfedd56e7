"""Weights that are missing or bad, through the whole job: that model fails with its reason, and the next one runs."""

from __future__ import annotations

import pickle
import socket
from typing import TYPE_CHECKING, Any

import pytest
import torch

from reprise.demo.encode import write_audio
from tests.cli.conftest import Reprise, tune
from tests.models.checkpoints import make_mert
from tests.models.test_weights import Malice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def music(tmp_path: Path) -> Path:
    for seed in range(2):
        path = tmp_path / "music" / f"{seed}.wav"
        path.parent.mkdir(exist_ok=True)
        write_audio(path, tune(seed), 22_050)
    return tmp_path / "music"


@pytest.fixture
def silent_hub() -> Iterator[str]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.fixture
def reprise(tmp_path: Path, silent_hub: str) -> Reprise:
    return Reprise(tmp_path / "home", {"hub": silent_hub, "hub_timeout": "0.5", "coverage": "sampled"})


def _missing(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def _truncated(folder: Path) -> None:
    path = folder / "pytorch_model.bin"
    path.write_bytes(path.read_bytes()[:-2000])


def _of_another_model(folder: Path) -> None:
    torch.save({"encoder.weight": torch.zeros(4, 4)}, folder / "pytorch_model.bin")


def _of_another_size(folder: Path) -> None:
    config = (folder / "config.json").read_text()
    make_mert(folder, hidden_size=64, num_hidden_layers=2)
    (folder / "config.json").write_text(config)


def _with_a_wrong_digest(folder: Path) -> None:
    (folder / "SHA256SUMS").write_text(f"{'0' * 64}  pytorch_model.bin\n")


def _pickled_code(folder: Path) -> None:
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps({"a": Malice(folder / "executed")}))


def _without_settings(folder: Path) -> None:
    (folder / "config.json").write_text("[1, 2]")


CASES: list[tuple[Any, str]] = [
    (_missing, "the model hub was silent for 0.5 s"),
    (_truncated, "pytorch_model.bin is truncated"),
    (_of_another_model, "does not fit the network"),
    (_of_another_size, "does not fit the network"),
    (_with_a_wrong_digest, "SHA256SUMS beside it says 000000000000"),
    (_pickled_code, "holds code or objects instead of tensors"),
    (_without_settings, "config.json"),
]


@pytest.mark.parametrize(("spoil", "reason"), CASES, ids=[case[0].__name__ for case in CASES])
def test_that_model_fails_with_its_reason_and_the_next_one_runs(
    reprise: Reprise, music: Path, spoil: Any, reason: str
) -> None:
    folder = make_mert(reprise.home / "weights" / "mert")
    spoil(folder)
    done = reprise.embed(music, "--model", "mert", "--model", "acoustic", code=1)
    finished = done.event("job_finished")
    assert finished["state"] == "completed_with_errors"
    results = {line["model"]: line for line in done.lines if line.get("event") == "model_finished"}
    assert (results["mert"]["state"], results["mert"]["done"]) == ("failed", 0)
    assert (results["acoustic"]["state"], results["acoustic"]["done"]) == ("finished", 2)
    assert reason in results["mert"]["error"]
    assert str(folder) in results["mert"]["error"]
    assert not (folder / "executed").exists()
    rows = reprise.read("SELECT s.model, count(*) FROM ledger l JOIN spaces s ON s.id = l.space_id"
                        " WHERE l.state = 'done' GROUP BY s.model")  # fmt: skip
    assert rows == [("acoustic", 2)]
    spaces = reprise("spaces", "--json").lines
    assert [space["vectors"] for space in spaces if space["model"] == "mert"] in ([], [0])


def test_weights_that_are_put_right_run_the_next_time(reprise: Reprise, music: Path) -> None:
    folder = make_mert(reprise.home / "weights" / "mert")
    _truncated(folder)
    assert reprise.embed(music, "--model", "mert", code=2).done == 0, "no model ran at all"
    make_mert(folder)
    assert reprise.embed(music, "--model", "mert").done == 2
    assert reprise.embed(music, "--model", "mert").done == 0, "and are up to date then"
