"""Schedules: jobs that start by the clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Schedule:
    """When which models embed what is missing in a library.

    ``cron``: five fields as cron has them, in local time. ``ran_at`` in seconds since the epoch, with its ``outcome``.
    """

    id: int
    owner: str
    library_id: int
    models: tuple[str, ...]
    cron: str
    enabled: bool
    created_at: float
    ran_at: float | None = None
    outcome: str = ""


class Schedules(Protocol):
    def add(self, owner: str, library_id: int, models: Sequence[str], cron: str, at: float) -> Schedule: ...

    def all(self, owner: str) -> list[Schedule]: ...

    def of_everybody(self) -> list[Schedule]:
        """Those of all owners, for whoever runs them."""

    def get(self, owner: str, schedule_id: int) -> Schedule:
        """Raises ``NotFound``."""

    def change(
        self, owner: str, schedule_id: int, models: Sequence[str], cron: str, *, enabled: bool
    ) -> Schedule:
        """Raises ``NotFound``."""

    def ran(self, owner: str, schedule_id: int, at: float, outcome: str) -> None: ...

    def remove(self, owner: str, schedule_id: int) -> None:
        """Raises ``NotFound``."""
