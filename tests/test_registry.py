"""Models are found by entry points, whoever ships them."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reprise.core.spec import Execution
from reprise.errors import ModelLoadFailed, UnknownModel
from reprise.models.registry import load_model, model_names

if TYPE_CHECKING:
    from pathlib import Path

USER_MODEL = """
import numpy as np
from reprise.core.spec import Execution, ModelCard, ModelSpec

SPEC = ModelSpec(
    model="loudest", dimension=2, weights="none", sample_rate=8000, mono="mean", resampler="swr", window=1, hop=1,
    pooling="max", normalisation="l2", decoder_major=1, epoch=1,
)

class Loudest:
    card = ModelCard("loudest", "how loud it gets", SPEC, Execution.PER_CORE, "MIT", "here", 50)

    def load(self): ...

    def prepare(self, audio):
        return np.array([1.0, max(float(block.max()) for block in audio.blocks())], np.float32)

    def encode(self, prepared):
        return np.stack(prepared)

    def canaries(self):
        return [np.array([1, 0], np.float32), np.array([0, 1], np.float32)]
"""


def install(folder: Path, package: str, points: dict[str, str], code: str = "") -> None:
    """What pip leaves behind: a module and a dist-info that names its entry points."""
    (folder / f"{package}.py").write_text(code)
    info = folder / f"{package}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[reprise.models]", *lines]) + "\n")


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_built_in_model_comes_through_the_same_door() -> None:
    assert "acoustic" in model_names()
    model = load_model("acoustic")
    assert model.card.name == "acoustic"


def test_a_package_of_a_user_registers_a_model(site: Path) -> None:
    install(site, "loudest_package", {"loudest": "loudest_package:Loudest"}, USER_MODEL)
    assert model_names() == sorted([*model_names()])
    assert "loudest" in model_names()
    card = load_model("loudest").card
    assert (card.summary, card.execution) == ("how loud it gets", Execution.PER_CORE)


def test_an_unknown_name_says_what_there_is() -> None:
    with pytest.raises(UnknownModel, match="no model 'acustic'; there are: acoustic") as caught:
        load_model("acustic")
    assert caught.value.cure == "did you mean 'acoustic'?"
    with pytest.raises(UnknownModel) as caught:
        load_model("zzz")
    assert caught.value.cure == "list them with: reprise models"


@pytest.mark.parametrize(
    ("value", "code", "reason"),
    [
        ("broken_package:Model", "import a_module_that_is_not_there", "ModuleNotFoundError"),
        ("broken_package:Missing", "", "AttributeError"),
        ("broken_package:Model", "def Model(): raise RuntimeError('no GPU')", "RuntimeError: no GPU"),
        ("broken_package:Model", "Model = dict", "AttributeError"),
        ("broken_package:Model", "this is no Python", "SyntaxError"),
    ],
)
def test_a_broken_package_is_named(
    site: Path, monkeypatch: pytest.MonkeyPatch, value: str, code: str, reason: str
) -> None:
    monkeypatch.delitem(sys.modules, "broken_package", raising=False)
    install(site, "broken_package", {"broken": value}, code)
    assert "broken" in model_names(), "listing names imports nothing"
    with pytest.raises(ModelLoadFailed, match=r"'broken' of the package broken_package 1\.2") as caught:
        load_model("broken")
    assert reason in caught.value.message
    assert "\n" not in caught.value.message


def test_a_model_under_a_false_name_is_refused(site: Path) -> None:
    install(site, "other_package", {"louder": "other_package:Loudest"}, USER_MODEL)
    with pytest.raises(
        ModelLoadFailed, match=r"'louder' of the package other_package .* calls itself 'loudest'"
    ):
        load_model("louder")


def test_importing_the_registry_is_cheap() -> None:
    code = (
        "import sys, reprise.models.registry;"
        "print([name for name in ('numpy', 'scipy', 'av', 'importlib.metadata') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
