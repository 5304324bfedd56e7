"""``reprise models``: the list, the data cards, weights ahead of a job, and what this machine gives."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reprise.models.mert import Mert
from tests.models.checkpoints import make_mert
from tests.models.hub_server import local_hub

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.conftest import Reprise

MERT_FILES = Mert.anatomy.published.files


@pytest.fixture
def weights(reprise: Reprise) -> Path:
    """Tiny weights of ``mert`` where this installation looks for them."""
    return make_mert(reprise.home / "weights" / "mert")


def test_the_list_says_what_is_there_and_what_is_not(reprise: Reprise) -> None:
    lines = {line.split()[0]: line for line in reprise("models").out.splitlines()[1:]}
    assert "needs none" in lines["acoustic"]
    assert "non-commercial: CC-BY-NC-4.0" in lines["mert"]
    assert "not there yet" in lines["mert"]
    make_mert(reprise.home / "weights" / "mert")
    (there,) = [line for line in reprise("models").out.splitlines() if line.startswith("mert ")]
    assert "not there yet" not in there
    assert " 32 " in there, "the dimension of the weights that are there"


def test_listing_imports_no_torch_even_with_weights_there(reprise: Reprise, weights: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "reprise", "models", "mert"],
        env=reprise.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert len(list(weights.iterdir())) == len(MERT_FILES)
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "reprise.models.network" in imported, "the model itself was there"
    assert imported & {"torch", "transformers", "openvino", "huggingface_hub", "scipy"} == set()


def test_a_card_has_what_forbids_its_use_first_and_says_what_to_do(reprise: Reprise) -> None:
    card = "".join(reprise("models", "mert").out.split())  # wherever the table folds it
    rows = [
        "licenceoftheweightsnon-commercial:CC-BY-NC-4.0",
        "sourcem-a-p/MERT-v1-95M,revision",
        "weightsnotthereyet",
    ]
    rows.append("todoreprisemodelsfetchmert,orputpytorch_model.bin,config.json,preprocessor_config.jsoninto")
    rows += [str(reprise.home / "weights" / "mert"), "samplerate24,000Hz", "hears6windowsof5s", "poolingmean"]
    rows += ["numbers768", "readstextno", "layersmeanofall13states", "fingerprint"]
    places = [card.find(row) for row in rows]
    assert -1 not in places, rows[places.index(-1)]
    assert places == sorted(places)


def test_a_card_of_weights_that_are_there_has_their_digest(reprise: Reprise, weights: Path) -> None:
    assert weights.is_dir()
    [by_script] = reprise("models", "mert", "--json").lines
    [shown] = reprise("models", "show", "mert", "--json").lines
    assert by_script == shown
    assert len(shown["spec"]["weights"]) == 64
    assert shown["missing"] == ""
    assert shown["spec"]["weights"] in reprise("models", "mert").out
    everything = {line["name"]: line for line in reprise("models", "--json").lines}
    assert everything["mert"] == shown


def test_damaged_weights_are_said_and_cost_no_other_model_its_card(reprise: Reprise, weights: Path) -> None:
    (weights / "config.json").write_text("{")
    lines = {line.split()[0]: line for line in reprise("models").out.splitlines()[1:]}
    assert "refused" in lines["mert"]
    assert "acoustic" in lines
    assert "is no JSON" in reprise("models", "mert").out
    failed = reprise("models", "fetch", "mert", code=1)
    assert "config.json is no JSON" in failed.out


def test_an_unknown_model_is_an_error_with_a_hint(reprise: Reprise) -> None:
    wrong = reprise("models", "mertt", code=2)
    assert "no model 'mertt'" in wrong.err
    assert "did you mean 'mert'?" in wrong.err


def test_weights_come_ahead_of_a_job_and_the_licence_is_said(reprise: Reprise, tmp_path: Path) -> None:
    source = make_mert(tmp_path / "hub")
    with local_hub({name: (source / name).read_bytes() for name in MERT_FILES}) as hub:
        reprise.settings["hub"] = hub.address
        done = reprise("models", "fetch", "mert", "acoustic")
        assert done.err.splitlines()[0].startswith(
            "mert: weights are CC-BY-NC-4.0, for non-commercial use only; "
        )
        assert done.out.splitlines() == ["mert: there", "acoustic: needs none"]
        hub.requests.clear()
        reprise("models", "fetch", "mert")
        assert hub.requests == []
    for name in MERT_FILES:
        assert (reprise.home / "weights" / "mert" / name).read_bytes() == (source / name).read_bytes()
    [card] = reprise("models", "mert", "--json").lines
    assert card["missing"] == ""


def test_weights_that_cannot_be_fetched_cost_only_themselves(reprise: Reprise) -> None:
    reprise.settings["offline"] = "yes"
    done = reprise("models", "fetch", "mert", "acoustic", "--json", code=1)
    refused, fetched = done.lines
    assert (refused["model"], refused["code"]) == ("mert", "weights_missing")
    assert refused["cure"].startswith(
        "put pytorch_model.bin, config.json, preprocessor_config.json of m-a-p/"
    )
    assert str(reprise.home / "weights" / "mert") in refused["cure"]
    assert fetched == {"event": "fetched", "model": "acoustic", "weights": "none"}


def test_the_benchmark_measures_each_way_to_run(reprise: Reprise, weights: Path) -> None:
    """On tiny weights: that the numbers are there and come from where they say, not how large they are."""
    assert weights.is_dir()
    reprise.settings["batch_size"] = "2"
    done = reprise("models", "--benchmark", "mert", "--json")
    rows = done.lines
    assert {(row["engine"], row["precision"]) for row in rows} >= {
        ("torch", "float32"),
        ("openvino", "float32"),
    }
    for row in rows:
        assert row["error"] == ""
        assert row["speed"] > 0
        assert row["load_seconds"] > 0
        assert row["batch"] == 2
        assert row["memory_mb"] > 50
        assert row["precision"] in row["placement"]
        assert ("openvino" in row["placement"]) == (row["engine"] == "openvino")


def test_the_benchmark_says_which_weights_are_missing(reprise: Reprise) -> None:
    done = reprise("models", "--benchmark", "mert", code=1)
    assert "mert: reprise models fetch mert, or put " in done.err
    assert done.out == ""


def test_the_benchmark_goes_on_after_a_model_that_fails(reprise: Reprise, weights: Path) -> None:
    content = (weights / "pytorch_model.bin").read_bytes()
    (weights / "pytorch_model.bin").write_bytes(content[: len(content) // 2])
    rows = reprise("models", "--benchmark", "mert", "--json", code=1).lines
    assert len(rows) >= 2
    assert {row["error"] for row in rows} == {"weights_refused"}
    assert all("truncated" in row["placement"] for row in rows)
