"""What several processes and machines that work on one installation share: locks with a lease, and who is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """A worker process. ``job_id``: what it is at, if anything; times in seconds since the epoch by the catalogue's clock."""

    id: str
    host: str
    pid: int
    device: str
    release: str
    spec_version: str
    job_id: str | None
    started_at: float
    seen_at: float


class LockRows(Protocol):
    """Locks that lapse when their holder is not heard of: a process that dies with its machine lets go as well.

    Several may hold a lock as ``shared``; alone is who holds it otherwise. Times are the catalogue's own.
    """

    def take(self, name: str, holder: str, seconds: float, *, shared: bool) -> bool:
        """Whether the lock is ours now, for so many seconds. Whoever holds it already may take it again."""

    def renew(self, holder: str, seconds: float) -> list[str]:
        """All locks of the holder hold for so many seconds from now; returns their names."""

    def release(self, name: str, holder: str) -> None: ...

    def holders(self, name: str) -> list[str]:
        """Who holds the lock now, alone or with others."""


class Workers(Protocol):
    """The workers that are there."""

    def beat(self, worker: WorkerFacts) -> None:
        """The worker is there now, whatever times its facts say."""

    def leave(self, worker_id: str) -> None: ...

    def all(self, within: float) -> Sequence[WorkerFacts]:
        """Those that were heard of within so many seconds, the longest there first; older ones are forgotten."""
