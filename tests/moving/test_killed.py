"""kill -9 at any time: the same command goes on, and what comes out is equal."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reprise.app import App
from reprise.core.moving_places import Asked
from reprise.errors import CatalogueError
from reprise.moving import Moving
from tests.moving.filled import rows_of, settings_of, vectors_of, words_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
NEVER = 10**9


def run(home: Path, target: Path, url: str, last: int) -> int:
    command = [sys.executable, "-m", "tests.moving.killed", str(home), str(target), url, str(last)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=120)
    assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr.decode()
    return ended.returncode


def points(count: int, seed: int) -> Sequence[int]:
    """Numbers of writes to die at: anywhere in the making of the tables at first (about 80 writes in one transaction),
    then anywhere in the copying, the making of indexes and the end (about 250). The last one is never reached."""
    chosen = random.Random(seed)
    return [chosen.randint(1, 80), *(chosen.randint(1, 2 * 250 // count) for _ in range(count - 1)), NEVER]


def test_killed_at_ten_random_points_a_move_to_postgresql_ends_equal(source: Path, url: str) -> None:
    before = rows_of(source / "catalogue.sqlite")
    with App(settings_of(source)) as app:
        vectors = vectors_of(app)
    codes = [run(source, source, url, last) for last in points(10, 1)]
    assert codes.count(-signal.SIGKILL) >= 5, codes
    assert codes[-1] == 0
    assert rows_of(source / "catalogue.sqlite") == before
    assert rows_of(url) == before
    with App(settings_of(source, catalogue_url=url, store="pgvector")) as app:
        assert vectors_of(app) == vectors


def test_killed_at_five_random_points_a_move_back_ends_equal(source: Path, url: str, tmp_path: Path) -> None:
    before = rows_of(source / "catalogue.sqlite")
    with App(settings_of(source)) as app:
        vectors, words = vectors_of(app), words_of(app)
        Moving(app, Asked(catalogue=url, store="pgvector"), lambda _: None, lambda: False).run()
    (source / "config.toml").write_text(f'catalogue_url = "{url}"\nstore = "pgvector"\n')
    back = tmp_path / "back"
    codes = [run(source, back, "-", last) for last in points(5, 2)]
    assert codes.count(-signal.SIGKILL) >= 3, codes
    assert codes[-1] == 0
    assert rows_of(back / "catalogue.sqlite") == before
    assert not list(back.glob("*.moving*")), "the draft has gone"
    with App(settings_of(back)) as app:
        assert vectors_of(app) == vectors
        assert words_of(app) == words


def test_an_unfinished_target_cannot_be_used(source: Path, url: str, tmp_path: Path) -> None:
    assert run(source, source, url, 200) == -signal.SIGKILL
    with App(settings_of(tmp_path, catalogue_url=url)) as app, pytest.raises(CatalogueError) as raised:
        app.catalogue()
    assert "being moved to" in raised.value.message
    assert "reprise move" in raised.value.cure


def test_an_unfinished_move_of_another_source_is_left_alone(source: Path, url: str, tmp_path: Path) -> None:
    assert run(source, source, url, 200) == -signal.SIGKILL
    other = shutil.copytree(source, tmp_path / "other")
    with App(settings_of(other)) as app, pytest.raises(CatalogueError) as raised:
        Moving(app, Asked(catalogue=url, store="pgvector"), lambda _: None, lambda: False).run()
    assert "is being moved to from" in raised.value.message
    assert run(source, source, url, NEVER) == 0


def test_a_source_that_changed_in_between_is_copied_as_it_is_now(source: Path, url: str) -> None:
    import sqlite3
    from contextlib import closing

    assert run(source, source, url, 330) == -signal.SIGKILL
    with closing(sqlite3.connect(source / "catalogue.sqlite")) as connection:
        connection.execute("UPDATE items SET title = 'new' WHERE id = 2")
        connection.execute("DELETE FROM feed WHERE seq = 5")
        connection.commit()
    events: list[Any] = []
    with App(settings_of(source)) as app:
        finished = Moving(app, Asked(catalogue=url, store="pgvector"), events.append, lambda: False).run()
    assert finished.state == "completed"
    assert [event for event in events if event.name == "move_notice" and "copied anew" in event.text]
    assert rows_of(url) == rows_of(source / "catalogue.sqlite")


def test_the_same_command_after_the_end_says_so_and_does_nothing(source: Path, url: str) -> None:
    assert run(source, source, url, NEVER) == 0
    before = rows_of(url)
    with App(settings_of(source)) as app:
        finished = Moving(app, Asked(catalogue=url, store="pgvector"), lambda _: None, lambda: False).run()
    assert finished.state == "complete"
    assert rows_of(url) == before


def test_ctrl_c_stops_after_the_page_in_hand_and_the_percentage_goes_on(source: Path, url: str) -> None:
    asked, events = 0, list[Any]()

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 8

    with App(settings_of(source)) as app:
        assert (
            Moving(app, Asked(catalogue=url, store="pgvector"), lambda _: None, stop).run().state
            == "interrupted"
        )
    with App(settings_of(source)) as app:
        finished = Moving(app, Asked(catalogue=url, store="pgvector"), events.append, lambda: False).run()
    assert finished.state == "completed"
    assert events[0].resumed
    percents = [event.percent for event in events if event.name == "move_progress"]
    assert percents == sorted(percents)
    assert percents[-1] == 100.0
