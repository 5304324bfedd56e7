"""What is heard of a track is written with its row of the ledger: both or neither, whatever happens."""

from __future__ import annotations

import random
import signal
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from reprise.core.plan import RowState, Wanted
from tests.harness import is_running, read_until, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.core.analysis import Analysis
    from tests.harness import Home

MODEL = "listening"
PACE = {"REPRISE_COMMIT_SECONDS": "0.1", "PLUGIN_MODELS_SECONDS": "0.02"}


def heard(home: Home) -> dict[int, Analysis]:
    """By item, from the catalogue."""
    with home.app() as app:
        ids = [row[0] for row in app.catalogue().analyses.fingerprints(app.owner)]
        found = {item_id: app.catalogue().analyses.get(app.owner, item_id) for item_id in ids}
        return {item_id: analysis for item_id, analysis in found.items() if analysis is not None}


def done(home: Home) -> set[int]:
    """Items that the ledger calls done."""
    if not (home.state / "catalogue.sqlite").exists():
        return set()
    with home.app() as app:
        return {
            item_id
            for space in app.catalogue().spaces.all(app.owner)
            for item_id in app.catalogue().ledger.with_vector(app.owner, space.id)
        }


def paths(home: Home) -> dict[int, Path]:
    with home.app() as app:
        (library,) = app.catalogue().libraries.all(app.owner)
        files = list(app.catalogue().items.files(app.owner, library.id))
        return {row[0]: home.music / row[1].decode() for row in files}


def assert_true(home: Home, count: int) -> None:
    """Every analysis is of the content that lies there, and there is one for each vector."""
    from reprise_plugin_models.behaviour import analysis_of

    known, files = heard(home), paths(home)
    assert len(known) == count
    assert known == {item_id: analysis_of(files[item_id].read_bytes()) for item_id in known}
    assert set(known) == set(home.stored(MODEL)) == done(home)


def killed(home: Home, seconds: float) -> None:
    process = home.start("embed", str(home.music), "--model", MODEL, **PACE)
    with process:
        time.sleep(seconds)
        try:
            children = psutil.Process(process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            children = []
        process.kill()
        process.communicate()
    wait_for(lambda: not any(is_running(child) for child in children))


def test_a_run_that_is_killed_again_and_again_loses_and_doubles_nothing(home: Home) -> None:
    chance = random.Random(3)
    home.add_many(120)
    for _ in range(8):
        killed(home, chance.uniform(0.5, 1.6))
        if done(home):
            assert set(heard(home)) == done(home)
    outcome = home.embed("--model", MODEL, REPRISE_COMMIT_SECONDS="0.1")
    assert outcome.code == 0, outcome.stderr
    assert_true(home, 120)
    home.assert_sound((MODEL,))
    again = home.embed("--model", MODEL)
    assert again.last["operations"]["done"] == 0


def test_a_paused_run_goes_on_where_it_stopped(home: Home) -> None:
    home.add_many(60)
    process = home.start(
        "embed", str(home.music), "--model", MODEL, PLUGIN_MODELS_SECONDS="0.1", REPRISE_COMMIT_SECONDS="0.1"
    )
    read_until(process, "progress")
    process.send_signal(signal.SIGINT)
    with process:
        process.communicate()
    assert process.returncode == 130
    before = set(heard(home))
    assert before == done(home)
    assert 0 < len(before) < 60
    assert home.embed("--model", MODEL).code == 0
    assert_true(home, 60)
    names = {path.stem for item, path in paths(home).items() if item in before}
    twice = {name.removesuffix(".mp3") for name, times in home.computed(MODEL).items() if times > 1}
    assert not twice & names  # what was in hand is done again, what was committed is not


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("crash", "worker_crashed"),
        ("hang", "timed_out"),
        ("hog", "memory_exceeded"),
        ("raise", "model_failed"),
        ("encode-nan", "bad_vector"),
    ],
)
def test_what_fails_is_not_heard_and_the_rest_is(home: Home, word: str, code: str) -> None:
    home.add_many(12)
    home.add("odd", content=word)
    flags = {"item_timeout": 1.0 if word == "hang" else 30.0, "worker_memory_mb": 250, "max_attempts": 1}
    ran = home.run_here(MODEL, flags=flags)
    assert ran.finished.operations == {"total": 13, "done": 12, "skipped": 0, "failed": 1}
    assert home.failures() == {"odd": code}
    assert_true(home, 12)


def test_one_that_hangs_and_one_that_is_broken_among_a_hundred(home: Home) -> None:
    """L5: the time limit ends the work, an error is a result, and the others come as they finish."""
    home.add_many(98)
    home.add("hanging", content="hang")
    home.add("corrupt", content="raise")
    ran = home.run_here(
        MODEL, flags={"item_timeout": 2.0, "timeout_per_audio_second": 0.0, "max_attempts": 1}
    )
    assert ran.finished.operations == {"total": 100, "done": 98, "skipped": 0, "failed": 2}
    assert home.failures() == {"hanging": "timed_out", "corrupt": "model_failed"}
    assert "2 s" in next(event.reason for event in ran.named("item_failed") if "hanging" in event.path)
    assert_true(home, 98)


def test_a_process_that_hangs_is_really_gone(home: Home) -> None:
    home.add("hanging", content="hang")
    home.run_here(MODEL, flags={"item_timeout": 1.0, "max_attempts": 1})
    loads = [int(pid) for by, pid, *_ in home.notes("load") if by == MODEL]
    assert len(loads) >= 2  # another process took its place
    assert not any(psutil.pid_exists(pid) and is_running(psutil.Process(pid)) for pid in loads)


def test_changed_content_is_heard_anew_and_unseen_until_then(home: Home) -> None:
    (path, *_) = home.add("a", "b")
    home.run_here(MODEL)
    home.add("a", content="another sound")
    home.run_here("null")  # whoever reads the file first tells the catalogue
    assert {paths(home)[item].name for item in heard(home)} == {"b.mp3"}
    ran = home.run_here(MODEL)
    assert ran.finished.operations["done"] == 1
    assert_true(home, 2)
    assert path.read_text() == "another sound of a"


def test_a_renamed_file_keeps_what_was_heard(home: Home) -> None:
    paths_before = home.add("a", "b")
    home.run_here(MODEL)
    before = heard(home)
    paths_before[0].rename(home.music / "elsewhere.mp3")
    ran = home.run_here(MODEL)
    assert ran.finished.operations["done"] == 0
    assert heard(home) == before
    assert {path.name for path in paths(home).values()} == {"elsewhere.mp3", "b.mp3"}


def test_a_file_that_is_gone_for_good_takes_it_along(home: Home) -> None:
    (path, _) = home.add("a", "b")
    home.run_here(MODEL)
    path.unlink()
    home.run_here(MODEL, flags={"keep_missing_days": 0.0})
    home.run_here(MODEL, flags={"keep_missing_days": 0.0})
    assert_true(home, 1)


def test_forced_work_hears_everything_again(home: Home) -> None:
    home.add_many(5)
    home.run_here(MODEL)
    ran = home.run_here(MODEL, wanted=Wanted.ALL)
    assert ran.finished.operations["done"] == 5
    assert_true(home, 5)


def test_a_model_that_gives_one_vector_to_all_leaves_nothing(home: Home) -> None:
    home.add_many(60)
    ran = home.run_here("listening-constant", flags={"commit_rows": 10, "commit_seconds": 0.05})
    assert ran.finished.state == "failed"
    assert heard(home) == {}
    assert RowState.DONE not in home.rows("listening-constant")


def test_a_model_that_does_not_listen_writes_nothing(home: Home) -> None:
    home.add_many(3)
    home.run_here("null")
    assert heard(home) == {}
