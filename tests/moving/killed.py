"""A move whose process kills itself at its n-th write: ``python -m tests.moving.killed HOME TARGET-HOME URL N``.

With a URL it goes from the embedded HOME to it; with ``-`` from the database of HOME's settings into TARGET-HOME.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import reprise.engine.moving_parts as parts
from reprise.app import App
from reprise.core.moving_places import Asked
from reprise.moving import Moving
from reprise.settings import load_settings


def main() -> int:
    home, target, url, last = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    _count(last)
    for side in ("moving_postgres", "moving_sqlite"):
        importlib.import_module(f"reprise.catalog.{side}").__dict__["PAGE_ROWS"] = 7
    parts.MOST_ROWS = 50
    with App(load_settings({}, {}, home)) as app:
        asked = (
            Asked(catalogue="embedded", store="embedded", home=target)
            if url == "-"
            else Asked(catalogue=url, store="pgvector")
        )
        return (
            0
            if Moving(app, asked, lambda _: None, lambda: False).run().state in {"completed", "complete"}
            else 1
        )


def _count(last: int) -> None:
    """Each call of these counts; the last one happens half, before or after its transaction is through."""
    from reprise.catalog import moving_postgres, moving_sqlite
    from reprise.stores.embedded import EmbeddedStore
    from reprise.stores.pgvector import PgvectorStore

    done = 0

    def counted(method: Any) -> Any:
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal done
            done += 1
            if done == last and last % 2:
                os.kill(os.getpid(), signal.SIGKILL)
            result = method(*arguments, **named)
            if done >= last > 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return call

    watched: list[tuple[Any, str]] = [
        (PgvectorStore, "upsert"),
        (EmbeddedStore, "upsert"),
        *(
            (side, name)
            for side in (moving_postgres._Writer, moving_sqlite._Writer)
            for name in ("put", "execute")
        ),
        *(
            (side, name)
            for side in (moving_postgres.PostgresTarget, moving_sqlite.SqliteTarget)
            for name in ("make", "check", "release")
        ),
    ]
    for owner, name in watched:
        setattr(owner, name, counted(getattr(owner, name)))


if __name__ == "__main__":
    sys.exit(main())
