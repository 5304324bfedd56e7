"""A connection that is not waited for without end: a server whose host hangs answers nothing, and its connection stands.

The server itself ends a statement that takes too long (statement_timeout). What lies here is for when it cannot.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import psycopg
from psycopg import errors

if TYPE_CHECKING:
    from typing import TypeVar

    from psycopg.abc import PQGen

    T = TypeVar("T")

GRACE = 2.0
"""Seconds that the server has to say by itself that a statement took too long."""


class GuardedConnection(psycopg.Connection[tuple[Any, ...]]):
    """Ends itself when an answer takes longer than ``limit`` seconds and ``GRACE``."""

    limit: ClassVar[float]

    @classmethod
    def within(cls, seconds: float) -> type[GuardedConnection]:
        """The kind of connection with that limit."""
        return type(cls.__name__, (cls,), {"limit": seconds})

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """As the driver's own, with an end."""
        try:
            return super().wait(gen, interval, self.limit + GRACE if timeout is None else timeout)
        except errors._WaitTimeout:  # noqa: SLF001  # the driver has no public name for it
            if timeout is not None:
                raise
            self.close()
            raise psycopg.OperationalError(
                f"no answer within {self.limit:g} s, not even that it takes longer"
            ) from None
