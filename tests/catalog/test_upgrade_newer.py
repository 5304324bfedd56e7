"""A catalogue that a newer release has migrated is refused by everything that would open it, and left as it was."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.sqlite import open_sqlite

ROOT = Path(__file__).parents[2]
NEWER = "9999"
WITHOUT_CATALOGUE = {
    "models", "settings", "stores", "logs", "doctor", "split", "rename presets", "rename check", "rename references",
}  # fmt: skip
"""Commands that do their work without it. The doctor says what is wrong with it."""

PLAN_FIRST = {"rename apply"}
"""What it carries out is looked at before the catalogue, and here that is no plan."""

OF_SERVERS = {"worker"}
"""It asks for servers first; ``test_upgrade_postgres`` gives it some."""


def test_every_command_refuses_it_and_leaves_it_as_it_was(tmp_path: Path) -> None:
    state, music = tmp_path / "state", tmp_path / "music"
    state.mkdir(mode=0o700)
    music.mkdir()
    (music / "file").write_text("{}")
    path = state / "catalogue.sqlite"
    open_sqlite(path, create=True).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (NEWER,))
        connection.commit()
    before = path.read_bytes()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REPRISE_")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.catalog.earlier.asking", str(music)],
        env={**kept, "REPRISE_HOME": str(state)},
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    told = {one["command"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert told.keys() >= WITHOUT_CATALOGUE | OF_SERVERS | {"serve", "embed"}
    for name, one in told.items():
        if name not in WITHOUT_CATALOGUE | PLAN_FIRST | OF_SERVERS:
            assert one["code"] == 2, one
            assert (
                f"{path} has schema {NEWER}, this version of Reprise knows up to {SCHEMA_VERSION}"
                in one["said"]
            ), one
            assert "cure: " in one["said"], one
    assert f"has schema {NEWER}" in told["doctor"]["said"]
    assert path.read_bytes() == before
    assert sorted(file.name for file in state.iterdir()) == ["catalogue.sqlite"]
