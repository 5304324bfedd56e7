"""Looking at the catalogue again in one process does not blind who has it open there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harness import Home

WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("INSERT INTO feed (owner, at, name, data) VALUES ('o', 0, 'library', '{}')")
connection.commit()
connection.close()
"""


def write_elsewhere(path: Path) -> None:
    """Another process writes and leaves: when it takes itself for the last one, it takes the log along."""
    subprocess.run([sys.executable, "-c", WRITE, str(path)], check=True)


def test_what_other_processes_write_is_seen_after_a_second_look_at_the_file(home: Home) -> None:
    with home.app() as app:
        feed = app.catalogue(create=True).feed
        for looks in range(1, 4):
            with home.app() as second:
                second.catalogue()
            write_elsewhere(app.catalogue_path)
            assert len(feed.after(None, 0, 10)) == looks
