"""The proof can fail: whatever is broken on purpose is found, and what is whole is not complained of."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.engine.slices import Slice
from tests.crash import killing
from tests.crash.embedding import Library
from tests.crash.killing import Command, at_rest
from tests.crash.renaming import Applying
from tests.crash.truth import FILES, OTHER, ROWS, VECTORS, progress_of
from tests.harness import plugin_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.crash.works import Site

CHECKS = ("vectors", "kept", "items", "counters", "search", "finished", "left_behind")
FILES_THERE = 12


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory, plugin_path: list[str]) -> Library:
    """A library that was embedded in peace, and was looked at."""
    library = Library(tmp_path_factory.mktemp("truth") / "library", plugin_environment(plugin_path))
    library.add(FILES_THERE)
    assert library.end("embed", str(library.home.music), "--model", "null") == []
    shutil.copytree(library.home.state, library.home.folder / "whole")
    return library


@pytest.fixture
def library(embedded: Library, plugin_models: dict[str, str]) -> Iterator[Library]:
    """The same, whole; what a test breaks is whole again afterwards."""
    del plugin_models  # for their entry points
    assert embedded.look(*CHECKS) == []
    yield embedded
    embedded.memory.forget_vectors()
    embedded.memory.percents.clear()
    shutil.rmtree(embedded.home.state)
    shutil.copytree(embedded.home.folder / "whole", embedded.home.state)


def sql(library: Library, statement: str) -> None:
    with closing(sqlite3.connect(library.home.state / "catalogue.sqlite")) as connection:
        connection.execute(statement)
        connection.commit()


def vector(key: int) -> Callable[[Library], None]:
    """Store a vector that no file has under the key."""

    def put(library: Library) -> None:
        with library.home.app() as app:
            space = app.catalogue().spaces.all(app.owner)[-1]
            app.store.upsert(app.owner, space.name, [key], np.eye(1, space.dimension, dtype=np.float32))

    return put


def without_vector(library: Library) -> None:
    with library.home.app() as app:
        app.store.delete(app.owner, app.catalogue().spaces.all(app.owner)[-1].name, [1])


def damaged(library: Library) -> None:
    [path] = (library.home.state / "spaces").glob("*.sqlite")
    content = bytearray(path.read_bytes())
    content[8192 + 8 : 8192 + 64] = b"\xff" * 56
    path.write_bytes(content)


def by(statement: str) -> Callable[[Library], None]:
    return lambda library: sql(library, statement)


@pytest.mark.parametrize(
    ("breaks", "kind"),
    [
        pytest.param(without_vector, VECTORS, id="a vector is gone"),
        pytest.param(vector(2), VECTORS, id="a vector is of another content"),
        pytest.param(vector(999), VECTORS, id="a vector that nobody knows"),
        pytest.param(
            by("UPDATE ledger SET state = 'pending', has_vector = 0 WHERE item_id = 3"),
            ROWS,
            id="a row is lost",
        ),
        pytest.param(by("DELETE FROM ledger WHERE item_id = 3"), ROWS, id="a row is gone"),
        pytest.param(by("DELETE FROM items WHERE id = 3"), OTHER, id="an item is gone"),
        pytest.param(by("UPDATE job_models SET done = done - 1"), OTHER, id="a counter is wrong"),
        pytest.param(by("UPDATE jobs SET percent = 40"), OTHER, id="percent goes back"),
        pytest.param(by("DELETE FROM pointers"), OTHER, id="search has no space"),
        pytest.param(by("UPDATE spaces SET state = 'retiring'"), OTHER, id="search has a space that retires"),
        pytest.param(by("UPDATE spaces SET state = 'dropped'"), OTHER, id="a dropped space is full"),
        pytest.param(damaged, OTHER, id="a file is damaged"),
    ],
)
def test_what_is_broken_is_found(library: Library, breaks: Callable[[Library], None], kind: str) -> None:
    breaks(library)
    assert kind in {fault.kind for fault in library.look(*CHECKS)}


def test_a_file_without_a_row_is_found(library: Library) -> None:
    path = library.home.music / "late.mp3"
    path.write_text("sound of late")
    try:
        assert {fault.kind for fault in library.look("finished")} == {ROWS}
    finally:
        path.unlink()


def test_a_product_that_says_done_before_it_stores_is_found(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(site.base / "library", site.environment)
    monkeypatch.setenv("PLUGIN_MODELS_LOG", str(library.home.log))
    library.add(4)
    monkeypatch.setattr(Slice, "_upsert", lambda *_: None)
    library.home.run_here("null")
    assert VECTORS in {fault.kind for fault in library.look("vectors")}


def test_a_file_of_another_name_or_content_is_found(site: Site) -> None:
    work = Applying(site.base / "rename", site.environment)
    whole: Any = killing.Struck(killed=True, whole=False, at="", output="", seconds=0.0)
    assert work.look(whole) == []
    file = work.library.home.music / "0" / "first.mp3"
    file.rename(file.with_name("elsewhere.mp3"))
    assert FILES in {fault.kind for fault in work.look(whole)}
    file.with_name("elsewhere.mp3").rename(file)
    file.write_bytes(b"overwritten")
    assert FILES in {fault.kind for fault in work.look(whole)}


def test_a_process_that_outlives_its_command_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site
) -> None:
    monkeypatch.setattr(killing, "ORPHAN_SECONDS", 0.1)
    leaves = (
        "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    )
    command = Command(("-n", "1", "-r", "1", leaves), site.environment)
    struck = at_rest(command, tmp_path, module="timeit")
    assert [fault.kind for fault in struck.faults] == [OTHER]
    assert "outlived" in struck.faults[0].text


def test_a_percentage_that_goes_back_is_found() -> None:
    lines = [f'{{"event": "progress", "job_id": "a", "percent": {percent}}}' for percent in (5, 9.5, 9.5, 12)]
    assert not list(progress_of("\n".join(lines)))
    assert len(list(progress_of("\n".join([*lines, lines[0]])))) == 1
    assert not list(progress_of("\n".join([*lines, '{"event": "prog'])))
