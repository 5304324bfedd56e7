"""How the settings become the choices of a model; and a coverage that does not change under a library."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reprise.app import App
from reprise.core.choices import Coverage, stored_coverage
from reprise.core.space import SpaceState
from reprise.core.spec import fingerprint, fingerprint_inputs
from reprise.models import accelerator
from reprise.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


def opened(home: Path, **values: object) -> App:
    return App(load_settings(values, {}, home))


@pytest.fixture
def card_in_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file that the driver of a graphics card makes; it is there."""
    device = tmp_path / "nvidiactl"
    device.touch()
    monkeypatch.setattr(accelerator, "DEVICE_FILES", (device,))
    monkeypatch.setattr(sys, "platform", "linux")
    return device


def test_every_setting_reaches_the_model(tmp_path: Path) -> None:
    values = {
        "weights": str(tmp_path / "elsewhere"),
        "cache": "kept",
        "device": "cuda:1",
        "precision": "bfloat16",
        "engine": "torch",
        "coverage": "whole",
        "offline": True,
        "hub": "http://mirror",
        "hub_timeout": 5.0,
        "endpoint": "http://captions/v1",
        "endpoint_model": "listener",
        "endpoint_key": "secret",
    }
    with opened(tmp_path, **values) as app:
        choices = app.installed.choices("mert")
    assert choices.weights == str(tmp_path / "elsewhere")
    assert choices.cache == str(tmp_path / "kept"), "from the state folder, wherever the command is run"
    for name in values.keys() - {"weights", "cache", "coverage"}:
        assert getattr(choices, name) == values[name], name
    assert choices.coverage is Coverage.WHOLE


def test_folders_lie_in_the_state_folder_unless_said(tmp_path: Path) -> None:
    with opened(tmp_path) as app:
        choices = app.installed.choices("mert")
        with app.trial() as trial:
            assert trial.home != app.home
            tried = replace(trial.installed.choices("mert"), media=choices.media)
            assert tried == choices, "a trial looks for the same weights, and keeps its own pictures"
    assert (choices.weights, choices.cache) == (str(tmp_path / "weights"), str(tmp_path / "cache"))


def test_coverage_is_whole_where_there_is_an_accelerator(tmp_path: Path, card_in_the_machine: Path) -> None:
    for values, expected in (
        ({}, Coverage.WHOLE),
        ({"device": "cpu"}, Coverage.SAMPLED),
        ({"engine": "openvino"}, Coverage.SAMPLED),
        ({"coverage": "sampled"}, Coverage.SAMPLED),
    ):
        with opened(tmp_path, **values) as app:
            assert app.installed.choices("mert").coverage is expected, values
    card_in_the_machine.unlink()
    for values, expected in (
        ({}, Coverage.SAMPLED),
        ({"device": "mps"}, Coverage.WHOLE),
        ({"coverage": "whole"}, Coverage.WHOLE),
    ):
        with opened(tmp_path, **values) as app:
            assert app.installed.choices("mert").coverage is expected, values


def test_what_serves_keeps_its_coverage_when_a_graphics_card_comes(
    tmp_path: Path, card_in_the_machine: Path
) -> None:
    away = card_in_the_machine.with_name("away")
    card_in_the_machine.rename(away)
    with opened(tmp_path) as app:
        spec = app.installed.card("mert").spec
        spaces = app.catalogue(create=True).spaces
        space = spaces.ensure(app.owner, spec)
        for state in (SpaceState.FILLING, SpaceState.VERIFYING):
            spaces.set_state(app.owner, space.id, state)
        spaces.switch(app.owner, "mert", space.id, 0.0)
    away.rename(card_in_the_machine)
    with opened(tmp_path) as app:
        assert fingerprint(app.installed.card("mert").spec) == fingerprint(spec)
        assert app.installed.choices("mert").coverage is Coverage.SAMPLED
        assert app.installed.choices("muq").coverage is Coverage.WHOLE, "nothing of it serves yet"
    with opened(tmp_path, coverage="whole") as app:
        assert fingerprint(app.installed.card("mert").spec) != fingerprint(spec), "when asked for, it changes"
    with opened(tmp_path, owner="other") as app:
        assert app.installed.choices("mert").coverage is Coverage.WHOLE, (
            "another owner's spaces are their own"
        )


def test_the_coverage_of_a_space_is_read_from_its_inputs(tmp_path: Path) -> None:
    for coverage in Coverage:
        with opened(tmp_path, coverage=str(coverage)) as app:
            inputs = dict(fingerprint_inputs(app.installed.card("mert").spec))
        assert stored_coverage(inputs) is coverage
    with opened(tmp_path) as app:
        assert stored_coverage(dict(fingerprint_inputs(app.installed.card("acoustic").spec))) is None
