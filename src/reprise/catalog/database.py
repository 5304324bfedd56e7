"""The seam between our SQL and a driver. All SQL is written with ``?`` and in the part both databases share."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeAlias, TypeVar

from reprise.errors import CatalogueLocked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from reprise.catalog.dialects import Dialect

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

Row: TypeAlias = "tuple[Any, ...]"

SCHEMA_VERSION = "0006"
"""The newest migration. A database with another version is migrated (older) or refused (unknown)."""


MOST_TRIES = 5
"""How often a transaction is tried when others are in its way; each time one of those in the way gets through."""


class Deadlock(CatalogueLocked):
    """The database took this transaction back, because it and another one waited for each other."""


def tried_again(method: Callable[Asked, Answer]) -> Callable[Asked, Answer]:
    """For what is one transaction and takes nothing that can be read only once: after a deadlock it is done again."""

    @wraps(method)
    def trying(*args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
        for _ in range(MOST_TRIES - 1):
            try:
                return method(*args, **kwargs)
            except Deadlock:
                continue
        return method(*args, **kwargs)

    return trying


class Transaction(Protocol):
    """Statements that happen wholly or not at all."""

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; returns how many rows it touched."""

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> int:
        """Run one statement for each row; returns how many rows all of them touched."""

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]: ...

    @property
    def skip_locked(self) -> str:
        """What a ``SELECT`` of rows that are about to be taken ends with, so that none waits for another's."""

    @property
    def locked(self) -> str:
        """What a ``SELECT`` ends with whose rows nobody else is to change until the end of this transaction."""

    def alone(self, name: str) -> None:
        """Until the end of this transaction no other one is behind the same call with that name."""


class Database(Protocol):
    """One database. Errors of the driver arrive as ``CatalogueError`` kinds or ``DiskFull``."""

    @property
    def dialect(self) -> Dialect: ...

    def transaction(self, *, durable: bool = False) -> AbstractContextManager[Transaction]:
        """A write transaction: commits at the end, rolls back on any exception.

        ``durable``: no power cut takes it back, nor what was committed before it.
        """

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]: ...

    def stream(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[Row]:
        """Rows in constant memory, from one consistent view of the database."""

    def now(self) -> float:
        """Seconds since the epoch by the clock that all who share the database go by."""

    def close(self) -> None: ...
