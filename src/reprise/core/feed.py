"""The feed: what happened, in rows that every process writes and every process can read from any point on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

KEPT_ROWS = 10_000
"""The newest rows, which stand whole: who has seen one of them can be told all that came after it."""


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One event. ``seq`` ascends over all owners, processes and restarts; ``at`` in seconds since the epoch.

    ``data``: a JSON object as text, as :meth:`reprise.core.events.Event.as_dict` gives it. ``job_id``: the job that was
    under way in the process that wrote it, if there was one.
    """

    seq: int
    owner: str
    job_id: str | None
    at: float
    name: str
    data: str


class Feed(Protocol):
    """Rows are seen by readers in the order of ``seq``: a reader that is at one never misses an earlier one."""

    def add(self, owner: str, job_id: str | None, name: str, data: str, at: float) -> None: ...

    def newest(self) -> int:
        """The ``seq`` of the newest row that was ever written; 0 when none was."""

    def after(self, owner: str | None, seq: int, limit: int) -> list[FeedRow]:
        """Up to ``limit`` rows behind ``seq``, the oldest first; ``None``: of all owners, for who runs them all."""

    def of_job(self, owner: str, job_id: str, seq: int, limit: int) -> list[FeedRow]:
        """The same for one job."""

    def latest(self, owner: str, job_id: str, names: Collection[str]) -> FeedRow | None:
        """The job's newest row of one of these names."""

    def untold(self, name: str, told: str) -> Sequence[FeedRow]:
        """Of all owners: rows of one name after which none of the name ``told`` was written for the same job."""

    def prune(self, keep: int = KEPT_ROWS) -> int:
        """Delete what is older than the newest ``keep`` rows; returns how many rows it were.

        Of a job that has not ended only rows go of which there are many: progress and failed items.
        """


def is_whole_after(seq: int, newest: int) -> bool:
    """Whether all rows behind ``seq`` are still there, so that who has seen it need not begin anew."""
    return newest - KEPT_ROWS <= seq <= newest
