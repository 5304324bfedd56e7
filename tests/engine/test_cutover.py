"""A new spec fills beside the old one; search is right all the while; the switch has gates and a way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from reprise.search.similar import similar

if TYPE_CHECKING:
    from reprise.core.events import Event
    from tests.harness import Home


@pytest.fixture
def served(home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Thirty items in the first space of the versioned model; its spec has just changed."""
    home.add_many(30)
    home.run_here("versioned")
    monkeypatch.setenv("PLUGIN_MODELS_EPOCH", "2")
    return home


def answers(home: Home) -> tuple[str, int]:
    with home.app() as app:
        seed = app.catalogue().items.get(app.owner, [1])[1]
        found = similar(app.catalogue(), app.store, app.owner, seed, "versioned", 50)
        query = app.store.get(app.owner, found.space, [1])[1]
        for match in found.matches:
            vector = app.store.get(app.owner, found.space, [match.item.id])[match.item.id]
            assert np.isclose(match.score, vector @ query, atol=1e-5)
        return found.space, len(found.matches)


def test_search_answers_rightly_through_a_whole_re_embedding(served: Home) -> None:
    old = served.space("versioned").name
    seen: list[tuple[str, int]] = []

    def search(event: Event) -> None:
        if event.name in {"job_started", "progress", "space_switched", "model_finished"}:
            seen.append(answers(served))

    served.run_here("versioned", flags={"commit_rows": 3}, on_event=search)
    new = served.space("versioned").name
    spaces = [space for space, _ in seen]
    assert {count for _, count in seen} == {29}
    assert spaces == [old] * spaces.count(old) + [new] * spaces.count(new)
    assert spaces.count(old) >= 2
    assert spaces[-1] == new != old


def test_coverage_holds_a_poor_space_back_until_somebody_says_anyway(served: Home) -> None:
    old = served.space("versioned")
    served.add("t0000", "t0001", "t0002", content="raise")
    ran = served.run_here("versioned")
    [held] = ran.named("space_held")
    assert "it holds 27 vectors" in held.reason
    assert answers(served)[0] == old.name
    new = served.space("versioned")
    assert served.run("spaces", "activate", new.name).code == 1
    assert served.run("spaces", "activate", new.name, "--anyway").code == 0
    assert served.space("versioned").state == "active"
    assert served.run("spaces", "rollback", "versioned").last["space"] == old.name
    assert answers(served)[0] == old.name
    assert served.run("spaces", "drop", old.name, "--yes").code == 2
    assert served.run("spaces", "drop", new.name, "--yes").code == 0
    assert answers(served)[0] == old.name


def test_a_space_that_holds_one_vector_for_all_does_not_take_over(served: Home) -> None:
    """As many small runs of a constant model would leave it: each of them is too short to judge by."""
    old = served.space("versioned").name
    served.run_here("versioned")
    new = served.space("versioned").name
    served.run("spaces", "rollback", "versioned")
    with served.app() as app:
        keys = served.stored("versioned")
        row = app.store.get(app.owner, new, keys[:1])[keys[0]]
        app.store.upsert(app.owner, new, keys, np.tile(row, (len(keys), 1)))
    outcome = served.run("spaces", "activate", new)
    assert outcome.code == 1
    assert (
        "100% of 30 different items got one and the same vector" in outcome.named("space_held")[0]["reason"]
    )
    assert answers(served)[0] == old
