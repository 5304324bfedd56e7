"""All kinds of work there are, by name, and what they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.crash.copying import Migrating, MovingHome, MovingToServer
from tests.crash.embedding import CuttingOver, Embedding, FirstScan, Scanning
from tests.crash.points import BY_WORK
from tests.crash.renaming import Applying, Undoing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.crash.killing import Work
    from tests.crash.points import Point


@dataclass(frozen=True, slots=True)
class Site:
    """Where work is done. ``filled``: an installation with rows in every table, only to be copied. ``database`` makes
    a new database of PostgreSQL with a catalogue's tables; ``None`` where there is no server."""

    base: Path
    environment: Mapping[str, str]
    filled: Path
    database: Callable[[], str] | None = None

    def make(self, name: str) -> Work:
        """New work of that name on an installation of its own. Raises ``KeyError`` for one that there is not."""
        folder = self.base / name.replace(" ", "-")
        if name == MovingToServer.name and self.database is not None:
            return MovingToServer(folder, self.environment, self.filled, self.database)
        if name == MovingHome.name:
            return MovingHome(folder, self.environment, self.filled)
        return _WORKS[name](folder, self.environment)

    @property
    def names(self) -> list[str]:
        """What can be done here."""
        return [name for name in BY_WORK if name != MovingToServer.name or self.database is not None]


_WORKS: dict[str, Callable[[Path, Mapping[str, str]], Work]] = {
    work.name: work for work in (FirstScan, Scanning, Embedding, CuttingOver, Applying, Undoing, Migrating)
}


def first_met(name: str) -> list[Point]:
    """The points of this work that no work before it passes: every point is of one work so."""
    before: set[Point] = set()
    for other, points in BY_WORK.items():
        if other == name:
            return [point for point in points if point not in before]
        before.update(points)
    raise KeyError(name)
