"""A database that cannot be used: one clear message, exit code 2, the file as it was, and none made by mistake."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import PATIENCE_SECONDS, Reprise

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Studio

READERS = (
    ("status",),
    ("libraries",),
    ("spaces",),
    ("spaces", "verify"),
    ("jobs", "list"),
    ("jobs", "show"),
    ("jobs", "pause"),
    ("jobs", "retry"),
    ("errors",),
    ("explain", "1"),
    ("similar", "1"),
)
WITHOUT_CATALOGUE = (("models",), ("settings",), ("doctor",))


def another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url TEXT)")
        connection.commit()


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.commit()


def without_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DELETE FROM alembic_version")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.commit()


def damaged(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * (path.stat().st_size - 100))


def cut_off(path: Path) -> None:
    os.truncate(path, 1000)


TROUBLES: dict[str, tuple[Callable[[Path], object], str]] = {
    "empty": (lambda path: path.write_bytes(b""), "not_a_catalogue"),
    "text": (lambda path: path.write_text("shopping list\n" * 100), "not_a_catalogue"),
    "another program's": (another_program, "not_a_catalogue"),
    "newer": (newer, "catalogue_too_new"),
    "without version": (without_version, "catalogue_too_new"),
    "damaged": (damaged, "catalogue_corrupt"),
    "cut off": (cut_off, "catalogue_corrupt"),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_an_unusable_database_is_named_and_left_as_it_was(studio: Studio, trouble: str) -> None:
    spoil, code = TROUBLES[trouble]
    database = studio.reprise.home / "catalogue.sqlite"
    spoil(database)
    before, names = database.read_bytes(), sorted(path.name for path in studio.reprise.home.iterdir())
    for command in (("embed", studio.music), ("status",), ("embed", studio.music, "--dry-run")):
        error = studio.reprise(*command, "--json", code=2).event("error")
        assert error["code"] == code, error
        assert str(database) in error["message"]
        assert error["cure"]
    told = studio.reprise("status", code=2)
    assert told.out == ""
    assert told.err.startswith("reprise: ")
    assert "cure: " in told.err
    assert database.read_bytes() == before
    assert sorted(path.name for path in studio.reprise.home.iterdir()) == names
    checked = studio.reprise("doctor", "--json", code=1).lines
    assert any(line["check"] == "catalogue" and line["good"] is False and line["cure"] for line in checked)


def test_a_locked_database_is_said_and_left_alone(studio: Studio) -> None:
    studio.reprise.settings["database_timeout"] = "0.2"
    database = studio.reprise.home / "catalogue.sqlite"
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        locked = studio.embed(code=2).event("error")
        assert locked["code"] == "catalogue_locked"
        assert "another program" in locked["cure"]
        holder.execute("ROLLBACK")
    assert studio.embed().done == 0
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        for command in ("status", "errors"):
            assert "locked" in studio.reprise(command, code=2).err
        holder.execute("ROLLBACK")
    assert studio.reprise("status").code == 0


@pytest.mark.parametrize("command", READERS, ids=" ".join)
def test_reading_makes_neither_a_catalogue_nor_a_state_folder(
    reprise: Reprise, command: tuple[str, ...]
) -> None:
    error = reprise(*command, "--json", code=2).event("error")
    assert error["code"] == "catalogue_missing"
    assert "reprise embed" in error["cure"]
    assert not reprise.home.exists()


@pytest.mark.parametrize("command", WITHOUT_CATALOGUE, ids=" ".join)
def test_what_needs_no_catalogue_works_without_one_and_makes_none(
    reprise: Reprise, command: tuple[str, ...]
) -> None:
    reprise(*command)
    assert reprise(*command, "--json").lines
    assert not reprise.home.exists()


def test_a_dry_run_makes_nothing(reprise: Reprise, tracks: Path) -> None:
    told = reprise("embed", tracks, "--dry-run")
    assert "6 of 6 operations (6 new)" in told.out
    facts = reprise.embed(tracks, "--dry-run").lines
    assert [(line["event"], line["to_do"], line["model"]) for line in facts] == [("estimate", 6, "acoustic")]
    assert not reprise.home.exists()


def test_a_dry_run_leaves_an_existing_catalogue_as_it_was(
    studio: Studio, render: Callable[..., Path]
) -> None:
    render(studio.music / "new.wav", 30)
    (studio.music / "Amber/one.mp3").unlink()
    database = studio.reprise.home / "catalogue.sqlite"

    def state() -> list[object]:
        with closing(sqlite3.connect(database)) as connection:
            return list(connection.iterdump())

    before = state()
    told = studio.reprise("embed", studio.music, "--dry-run", "--exclude", "*.opus")
    assert "1 of 5 operations (1 new)" in told.out
    assert state() == before
    assert studio.embed().done == 1


def test_a_relative_state_folder_does_not_depend_on_where_later_parts_work(
    tracks: Path, tmp_path: Path
) -> None:
    (tmp_path / "here").mkdir()
    reprise = Reprise(tmp_path / "unused", cwd=tmp_path / "here")
    reprise("embed", tracks, "--home", "state")
    assert (tmp_path / "here/state/catalogue.sqlite").exists()
    elsewhere = Reprise(tmp_path / "unused", cwd=tmp_path)
    elsewhere("status", "--home", "here/state")
    elsewhere("status", "--home", "state", code=2)
    assert not (tmp_path / "state").exists()
    assert not (tmp_path / "unused").exists()


def test_two_processes_make_the_same_catalogue_at_once(reprise: Reprise, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in "abcd"]
    for folder in folders:
        folder.mkdir()
    processes = [
        subprocess.Popen(
            [*reprise.command, "libraries", "add", folder, "--json"],
            env=reprise.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )
        for folder in folders
    ]  # fmt: skip
    for process in processes:
        _, err = process.communicate(timeout=PATIENCE_SECONDS)
        assert (process.returncode, err) == (0, b"")
    assert len(reprise("libraries", "--json").lines) == len(folders)
    assert not list(reprise.home.glob(".catalogue*"))
