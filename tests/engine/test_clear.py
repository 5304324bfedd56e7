"""``--clear`` computes all anew and empties nothing until the new vectors stand, unless told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reprise.search.similar import similar

if TYPE_CHECKING:
    from reprise.core.events import Event
    from tests.harness import Home

ITEMS = 12


@pytest.fixture
def served(home: Home) -> Home:
    home.add_many(ITEMS)
    home.run_here("null")
    return home


def answered(home: Home) -> tuple[str, int]:
    with home.app() as app:
        seed = app.catalogue().items.get(app.owner, [1])[1]
        found = similar(app.catalogue(), app.store, app.owner, seed, "null", 50)
        return found.space, len(found.matches)


def states(home: Home) -> dict[str, str]:
    with home.app() as app:
        return {space.name: space.state.value for space in app.catalogue().spaces.all(app.owner)}


def test_clearing_fills_a_fresh_space_beside_the_old_one_which_goes_last(served: Home) -> None:
    old = served.space().name
    outcome = served.embed("--model", "null", "--clear")
    assert outcome.code == 0
    assert outcome.last["operations"] == {"total": ITEMS, "done": ITEMS, "skipped": 0, "failed": 0}
    new = served.space().name
    assert new == f"{old}-2"
    assert states(served) == {old: "dropped", new: "active"}
    names = [event["event"] for event in outcome.events]
    assert names.index("space_switched") < names.index("space_cleared")
    assert answered(served) == (new, ITEMS - 1)
    assert served.computed() == {f"t{n:04d}.mp3": 2 for n in range(ITEMS)}
    again = served.embed("--model", "null")
    assert again.last["operations"]["done"] == 0, "the new generation is the one that counts"
    third = served.embed("--model", "null", "--clear")
    assert third.code == 0
    assert states(served) == {old: "dropped", new: "dropped", f"{old}-3": "active"}
    served.assert_sound()


def test_search_answers_from_the_old_space_until_the_new_one_stands(served: Home) -> None:
    old = served.space().name
    seen: list[tuple[str, int]] = []

    def look(event: Event) -> None:
        if event.name in {"job_started", "progress"}:
            seen.append(answered(served))

    from reprise.core.job import Clear

    served.run_here("null", flags={"commit_rows": 2}, on_event=look, clear=Clear.AFTER)
    assert len(seen) > 2
    assert set(seen) == {(old, ITEMS - 1)}


def test_a_cleared_run_that_fails_empties_nothing(served: Home) -> None:
    old = served.space().name
    served.add(*(f"t{n:04d}" for n in range(5)), content="raise")
    outcome = served.embed("--model", "null", "--clear")
    assert outcome.code == 1
    [held] = outcome.named("space_held")
    assert held["space"] == f"{old}-2"
    assert answered(served)[0] == old
    assert served.run("spaces", "verify", old).code == 0


def test_a_cleared_run_that_is_killed_goes_on_in_the_same_fresh_space(served: Home) -> None:
    old = served.space().name
    slow = {"PLUGIN_MODELS_SECONDS": "0.2", "REPRISE_COMMIT_SECONDS": "0.1", "REPRISE_WORKERS": "1"}
    process = served.start("embed", str(served.music), "--model", "null", "--clear", **slow)
    assert process.stdout is not None
    with process:
        next(line for line in process.stdout if '"progress"' in line)
        process.kill()
    assert answered(served) == (old, ITEMS - 1)
    outcome = served.embed("--model", "null", "--clear")
    assert outcome.last["operations"]["skipped"] > 0, "what the killed run had done is kept"
    assert states(served) == {old: "dropped", f"{old}-2": "active"}
    served.assert_sound()


def test_dropping_first_frees_the_old_vectors_before_anything_is_computed(served: Home) -> None:
    old = served.space().name
    outcome = served.embed("--model", "null", "--clear", "--drop-first")
    names = [event["event"] for event in outcome.events]
    assert names.index("space_cleared") < names.index("job_started")
    assert outcome.last["operations"]["done"] == ITEMS
    assert states(served) == {old: "active"}
    assert answered(served) == (old, ITEMS - 1)


def test_a_dry_run_of_clearing_counts_everything_and_changes_nothing(served: Home) -> None:
    [estimate] = served.embed("--model", "null", "--clear", "--dry-run").events
    assert estimate["to_do"] == ITEMS
    assert list(states(served).values()) == ["active"]
    assert served.embed("--drop-first").code == 2
