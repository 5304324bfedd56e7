"""A process that dies at a drawn point, without a process: from then on it writes nothing any more, wherever it is."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Died(BaseException):
    """The process is gone. No ``except Exception`` of the product is to survive it."""


class Death:
    """Counts what a process does to the world, and lets it do no more from step ``at`` on (0: it lives).

    Steps are the moments before a transaction, before its commit and after it, before and after each write of vectors
    and each renaming of a file.
    """

    def __init__(self) -> None:
        self.at = 0
        self.taken = 0

    def threaten(self, at: int) -> None:
        self.at, self.taken = at, 0

    @property
    def dead(self) -> bool:
        return 0 < self.at <= self.taken

    def step(self) -> None:
        """Raises ``Died``: also to whatever tidies up behind the first one, for the dead do not tidy up."""
        self.taken += 1
        if self.dead:
            raise Died

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            self.step()
            result = function(*arguments, **named)
            self.step()
            return result

        return call

    def transactions(
        self, transaction: Callable[..., Any], on_commit: Callable[[], None]
    ) -> Callable[..., Any]:
        """The same for what begins a transaction: between ``BEGIN`` and ``COMMIT`` a death takes all of it back.

        ``on_commit`` is called as soon as one is committed.
        """

        @contextmanager
        def perilous(**named: Any) -> Iterator[Any]:
            self.step()
            with transaction(**named) as begun:
                yield begun
                self.step()
            on_commit()
            self.step()

        return perilous


class MortalStore:
    """A vector store at each of whose writes the process may die."""

    WRITES = ("create", "upsert", "delete", "drop")

    def __init__(self, store: Any, death: Death) -> None:
        self._store = store
        self._death = death

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        return self._death.around(found) if name in self.WRITES else found
