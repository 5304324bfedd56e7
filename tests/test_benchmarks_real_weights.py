"""What looks after real weights, on tiny checkpoints: all that needs neither a model hub nor packages of others."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stdout
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from benchmarks import real_weights
from benchmarks.random_weights import TINY, make
from benchmarks.upstream import UPSTREAM

from reprise.app import App
from reprise.core.items import Tags
from reprise.demo.compose import render
from reprise.demo.encode import write_audio
from reprise.demo.styles import style_named
from reprise.models.registry import load_model
from reprise.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODELS = ("mert", "clap")
FLAGS = {"device": "cpu", "precision": "float32", "coverage": "sampled"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with weights, and a folder of music in which one recording lies twice."""
    folder = tmp_path_factory.mktemp("home")
    folder.joinpath("config.toml").write_text('offline = true\ncoverage = "sampled"\n')
    for model in MODELS:
        make(model, folder / "weights", TINY)
    music = folder / "music"
    music.mkdir()
    for style, title, names in (
        ("techno", "Gauge", ("gauge.mp3", "gauge.flac")),
        ("piano ballad", "Février", ("fevrier.ogg",)),
        ("rock", "Overpass", ("overpass.mp3",)),
    ):
        piece = render(style_named(style), 1, 8.0)
        for name in names:
            tags = Tags(title=title, artist="Somebody")
            write_audio(music / name, piece.samples, piece.sample_rate, tags=tags)
    return folder


@pytest.fixture(scope="module")
def findings(home: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """Of the whole program, run once, by model and check."""
    said = io.StringIO()
    named = [word for model in MODELS for word in ("--model", model)]
    where = ["--home", str(home), "--folder", str(home / "music"), "--json"]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said):
        patch.setattr(real_weights, "TEXTS", real_weights.TEXTS[:1])  # each is a process of its own
        code = real_weights.main([*named, *where, "--device", "cpu", "--precision", "float32"])
    assert code == 0, said.getvalue()
    found = [json.loads(line) for line in said.getvalue().splitlines()]
    return {(finding["model"], finding["check"]): finding for finding in found}


@pytest.fixture
def app(home: Path) -> Iterator[App]:
    with App(load_settings(FLAGS, {}, home=home)) as opened:
        yield opened


@pytest.mark.parametrize("model", MODELS)
def test_weights_are_found_and_every_track_gets_its_vector(findings: Any, model: str) -> None:
    assert "sha256" in findings[model, "weights"]["found"]
    assert findings[model, "embedded"]["found"].startswith("4 new, 0 kept, 0 failed")
    assert "cpu, float32" in findings[model, "embedded"]["found"]


@pytest.mark.parametrize("model", MODELS)
def test_features_are_those_of_transformers(findings: Any, model: str) -> None:
    assert findings[model, "beside upstream"]["passed"] is True
    assert float(findings[model, "beside upstream"]["found"].rsplit(" ", 1)[1]) > 0.99999


@pytest.mark.parametrize("model", MODELS)
def test_one_recording_in_two_formats_finds_itself(findings: Any, model: str) -> None:
    twins = findings[model, "one recording in two formats"]
    assert twins["found"] == "2 of 2 find themselves"
    assert twins["passed"] is True


def test_a_text_is_answered_by_the_model_that_reads(findings: Any) -> None:
    texts = [finding for (model, check), finding in findings.items() if check.startswith("text")]
    assert {finding["model"] for finding in texts} == {"clap"}
    assert all("Somebody - " in finding["found"] for finding in texts)


def test_other_weights_than_upstream_reads_are_noticed(
    app: App, findings: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del findings
    items = {item.path: item for item in real_weights._items(app, app.library_of(home / "music")[0])}
    other = UPSTREAM["mert"](home / "weights" / "mert")
    monkeypatch.setitem(UPSTREAM, "mert", lambda _: lambda window: other(window[::-1].copy()) + 1.0)
    (finding,) = real_weights.like_upstream(app, "mert", items)
    assert finding.passed is False


def test_a_package_that_is_not_there_is_no_failure(
    app: App, findings: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del findings
    items = {item.path: item for item in real_weights._items(app, app.library_of(home / "music")[0])}
    monkeypatch.setitem(UPSTREAM, "mert", UPSTREAM["muq"])
    (finding,) = real_weights.like_upstream(app, "mert", items)
    assert finding.passed is None
    assert "No module named 'muq'" in finding.found


def test_vectors_are_compared_with_published_ones(
    app: App, findings: Any, home: Path, tmp_path: Path
) -> None:
    del findings
    library, _ = app.library_of(home / "music")
    items = {item.path: item for item in real_weights._items(app, library)}
    space = real_weights._space(app, "mert")
    stored = app.store.get(app.owner, space.name, [item.id for item in items.values()])
    good: dict[str, Any] = {f"mert/{path.decode()}": 3.0 * stored[item.id] for path, item in items.items()}
    np.savez(tmp_path / "good.npz", **good)
    vectors = real_weights._published(tmp_path / "good.npz")
    (finding,) = real_weights.like_published(app, "mert", items, vectors)
    assert finding.found == "4 of 4 tracks stored, least cosine 1.000000"
    assert finding.passed is True
    shifted = dict(zip(good, np.roll(list(good.values()), 1, axis=0), strict=True))
    (finding,) = real_weights.like_published(app, "mert", items, shifted)
    assert finding.passed is False
    assert not list(real_weights.like_published(app, "clap", items, vectors))


def test_twins_that_do_not_find_themselves_are_named(app: App, findings: Any, home: Path) -> None:
    del findings
    library, _ = app.library_of(home / "music")
    items = real_weights._items(app, library)
    # To the check, tracks of one artist and title are one recording; these two are not.
    mistaken = [
        replace(
            item,
            tags=item.tags._replace(title="Gauge" if item.path in {b"gauge.mp3", b"fevrier.ogg"} else None),
        )
        for item in items
    ]
    finding = real_weights.twins_found(app, "mert", mistaken)
    assert finding.passed is False
    assert "; not: Somebody - Gauge" in finding.found


def test_missing_weights_and_no_hub_end_with_what_is_to_be_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tmp_path.joinpath("config.toml").write_text("offline = true\n")
    assert real_weights.main(["--home", str(tmp_path), "--folder", str(tmp_path), "--model", "mert"]) == 1
    said = capsys.readouterr().out
    assert "FAILED" in said
    assert "m-a-p/MERT-v1-95M" in said


def test_help_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        real_weights.main(["--help"])
    assert ended.value.code == 0
    assert "--published" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (np.array([1.0, 0.0]), np.array([2.0, 0.0]), 1.0),
        (np.array([[1.0, 1.0], [1.0, -1.0]]), np.array([3.0, 0.0]), 1.0),
        (np.array([1.0, 0.0]), np.array([0.0, 0.0]), 0.0),
        (np.array([1.0, 0.0]), np.array([1.0, 0.0, 0.0]), 0.0),
        (np.array([1.0, 0.0]), np.array([np.nan, 1.0]), 0.0),
    ],
)
def test_the_cosine_of_time_means(one: Any, other: Any, expected: float) -> None:
    assert real_weights.cosine_of(one, other) == pytest.approx(expected)


def test_the_models_that_are_fetched_exist() -> None:
    for name in real_weights.MODELS:
        assert load_model(name).card.repository
