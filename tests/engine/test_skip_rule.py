"""Promise 7: work is skipped because fingerprint and content are equal, and for no other reason."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from reprise.core.plan import Wanted
from reprise.engine.explain import explain

if TYPE_CHECKING:
    from tests.harness import Home


@pytest.fixture
def filled(home: Home) -> Home:
    home.add_many(10)
    home.run_here("null")
    home.log.write_text("")
    return home


def test_changed_content_is_computed_again_and_replaces_its_row(filled: Home) -> None:
    filled.add("t0003", content="another sound")
    ran = filled.run_here("null")
    assert filled.computed() == {"t0003.mp3": 1}
    assert ran.finished.operations == {"total": 10, "done": 1, "skipped": 9, "failed": 0}
    assert len(filled.stored()) == 10


def test_a_touched_or_renamed_file_is_not_computed_again(filled: Home) -> None:
    os.utime(filled.music / "t0001.mp3", (1, 1))
    (filled.music / "t0002.mp3").rename(filled.music / "renamed.mp3")
    ran = filled.run_here("null")
    assert not filled.computed()
    assert ran.finished.operations["skipped"] == 10


def test_force_computes_all_again_and_a_folder_or_a_time_narrows_it(filled: Home) -> None:
    assert filled.run_here("null", wanted=Wanted.ALL).finished.operations["done"] == 10
    inside = filled.music / "inside"
    filled.add("i1", "i2", folder=inside)
    assert filled.run_here("null", music=inside).finished.operations["total"] == 2
    moment = time.time()
    filled.log.write_text("")
    assert filled.run_here("null", music=inside, wanted=Wanted.ALL).finished.operations["done"] == 2
    filled.add("t0000", content="new")
    forced = filled.run_here("null", wanted=Wanted.ALL, since=moment)
    assert forced.finished.operations["total"] == 1
    assert filled.computed() == {"i1.mp3": 1, "i2.mp3": 1, "t0000.mp3": 1}


def test_a_paused_forced_job_is_not_forced_again_when_it_goes_on(
    filled: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprise.core.job import Control

    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0.2")

    def pause(event: object) -> None:
        if getattr(event, "name", "") == "progress":
            with filled.app() as app:
                app.catalogue().jobs.ask(
                    app.owner, app.catalogue().jobs.all(app.owner, 1)[0].id, Control.PAUSE
                )

    flags = {"commit_rows": 1, "workers": 1}
    paused = filled.run_here("null", wanted=Wanted.ALL, flags=flags, on_event=pause)
    assert paused.finished.state == "paused"
    monkeypatch.setenv("PLUGIN_MODELS_SECONDS", "0")
    resumed = filled.run_here("null", wanted=Wanted.ALL)
    assert resumed.finished.operations["done"] == 10 - paused.finished.operations["done"]


def test_failures_are_retried_by_their_code_and_dismissed_ones_count_no_more(home: Home) -> None:
    home.add_many(3)
    home.add("odd-raise", content="raise")
    home.add("odd-nan", content="encode-nan")
    assert home.embed("--model", "null").code == 1
    home.log.write_text("")
    retried = home.run("jobs", "retry", "--code", "bad_vector")
    assert retried.code == 1
    assert home.computed() == {"odd-nan.mp3": 1}
    home.log.write_text("")
    home.run("jobs", "retry")
    assert home.computed() == {"odd-nan.mp3": 1, "odd-raise.mp3": 1}
    assert home.run("errors", "--dismiss", "--code", "bad_vector").last["count"] == 1
    assert home.failures() == {"odd-raise": "model_failed"}
    home.run("errors", "--dismiss", "--code", "model_failed")
    again = home.embed("--model", "null")
    assert again.code == 0
    assert again.last["operations"] == {"total": 5, "done": 0, "skipped": 5, "failed": 0}


def test_a_changed_spec_makes_all_of_its_model_stale_and_nothing_else(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add_many(5)
    home.run_here("versioned", "null")
    monkeypatch.setenv("PLUGIN_MODELS_EPOCH", "2")
    with home.app() as app:
        item = app.catalogue().items.get(app.owner, [1])[1]
        cards = {name: app.installed.cards[name] for name in ("versioned", "null")}
        verdicts = {verdict.model: verdict for verdict in explain(app.catalogue(), cards, item)}
        stale = next(v for v in explain(app.catalogue(), cards, item) if v.model == "versioned" and v.space)
    assert stale.differences == [("epoch", "1", "2")]
    assert not stale.up_to_date
    assert verdicts["null"].up_to_date
    home.log.write_text("")
    ran = home.run_here("versioned", "null")
    assert home.computed("versioned").total() == 5
    assert home.computed("null").total() == 0
    assert ran.finished.operations == {"total": 10, "done": 5, "skipped": 5, "failed": 0}


def test_owners_of_the_same_folder_share_nothing(home: Home) -> None:
    """R12."""
    home.add_many(6)
    home.run_here("null", flags={"owner": "ann"})
    assert home.computed().total() == 6
    home.run_here("null", flags={"owner": "bob"})
    assert home.computed().total() == 12
    ann, bob = set(home.stored(owner="ann")), set(home.stored(owner="bob"))
    assert len(ann) == len(bob) == 6
    assert not ann & bob
    with home.app() as app:
        ledger, jobs = app.catalogue().ledger, app.catalogue().jobs
        for owner, own, other in (("ann", ann, bob), ("bob", bob, ann)):
            space = home.space(owner=owner)
            assert set(ledger.with_vector(owner, space.id)) == own
            assert app.store.get(owner, space.name, other) == {}
            assert len(jobs.all(owner, 10)) == 1
            assert app.catalogue().items.get(owner, other) == {}
    home.run_here("null", flags={"owner": "ann"}, wanted=Wanted.ALL)
    assert set(home.stored(owner="bob")) == bob
