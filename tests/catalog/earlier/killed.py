"""Migrates copies of a catalogue and is killed on the way: ``python -m tests.catalog.earlier.killed FILE FOLDER EVERY``.

At every statement if EVERY is 1, at every second one if it is 2, and so on. The copies lie in FOLDER afterwards, as the kills left them, named by the statement before which it happened; the last one
was killed right after the commit. Each dies in a process of its own, forked where no thread runs.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from sqlalchemy import create_engine, event

from reprise.catalog import migrate

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Engine


def at_each_statement(happen: Callable[[int, str], object]) -> Callable[..., Engine]:
    """What makes an engine, as ``migrate`` uses it, that tells of each statement before it is executed."""
    numbers = count(1)

    def told(_connection: object, _cursor: object, statement: str, *_: Any) -> None:
        happen(next(numbers), statement)

    def made(*arguments: Any, **options: Any) -> Engine:
        engine = create_engine(*arguments, **options)
        event.listen(engine, "before_cursor_execute", told)
        return engine

    return made


def main(source: Path, folder: Path, every: int) -> None:
    for number in count(1, every):
        path = folder / f"{number:03}.sqlite"
        shutil.copy(source, path)
        child = os.fork()
        if not child:
            _migrate_and_die(path, number)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise RuntimeError(f"{path} was not migrated: {status}")
        if path.with_suffix(".done").exists():
            return


def _migrate_and_die(path: Path, number: int) -> None:
    def die(at: int, _statement: str) -> None:
        if at == number:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        with patch.object(migrate, "create_engine", at_each_statement(die)):
            migrate.upgrade_sqlite(path)
        path.with_suffix(".done").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    finally:
        os._exit(1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
