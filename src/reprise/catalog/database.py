"""The seam between our SQL and a driver. All SQL is written with ``?`` and in the part both databases share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager

Row: TypeAlias = "tuple[Any, ...]"

SCHEMA_VERSION = "0006"
"""The newest migration. A database with another version is migrated (older) or refused (unknown)."""


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

    def alone(self, name: str) -> None:
        """Until the end of this transaction no other one is behind the same call with that name."""


class Database(Protocol):
    """One database. Errors of the driver arrive as ``CatalogueError`` kinds or ``DiskFull``."""

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
