"""The recorder: writes what happens into the feed, never more of it than a reader can follow."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING, Any

from reprise.core.events import ItemFailed, JobFinished, Progress, RenameProgress, ScanProgress
from reprise.errors import CatalogueError, DiskFull

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.core.events import Event
    from reprise.core.feed import Feed

ROWS_BETWEEN_PRUNINGS = 1000

LEAST_SECONDS = {
    Progress.name: 1 / 3,
    ItemFailed.name: 1.0,
    ScanProgress.name: 1 / 3,
    RenameProgress.name: 1 / 3,
}
"""Between two rows of one kind; a job that embeds writes four a second at most.

Of these kinds the latest is worth telling; those in between are left out, and ``left_out`` says how many they were.
"""

log = logging.getLogger(__name__)


class Recorder:
    """An ``Emit`` that writes events of one owner, of one job if there is one, into the feed.

    A frequent event that comes too soon is kept until the next event of any kind; whatever else happens, the last one
    of each kind stands before it. A feed that cannot be written stops nobody: what keeps the job from going on
    will say so itself.
    """

    def __init__(
        self, feed: Feed, owner: str, job_id: str | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._feed = feed
        self._owner = owner
        self._job_id = job_id
        self._clock = clock
        self._kept: dict[str, Event] = {}
        self._left_out: dict[str, int] = {}
        self._written_at: dict[str, float] = {}
        self._rows = 0

    def __call__(self, event: Event) -> None:
        if event.name in LEAST_SECONDS:
            self._keep(event)
            return
        self.flush()
        self._write(event, event.as_dict())
        if isinstance(event, JobFinished):
            self._prune()

    def flush(self) -> None:
        """Write what is kept."""
        for name in list(self._kept):
            self._write_kept(name)

    def _keep(self, event: Event) -> None:
        if event.name in self._kept:
            self._left_out[event.name] = self._left_out.get(event.name, 0) + 1
        self._kept[event.name] = event
        for name in list(self._kept):
            if self._clock() - self._written_at.get(name, float("-inf")) >= LEAST_SECONDS[name]:
                self._write_kept(name)

    def _write_kept(self, name: str) -> None:
        event = self._kept.pop(name)
        left_out = self._left_out.pop(name, 0)
        self._written_at[name] = self._clock()
        self._write(event, event.as_dict() | ({"left_out": left_out} if left_out else {}))

    def _write(self, event: Event, facts: dict[str, Any]) -> None:
        try:
            self._feed.add(self._owner, self._job_id, event.name, json.dumps(facts), time.time())
        except (CatalogueError, DiskFull) as error:
            log.warning("an event is not in the feed: %s", error.message)
            return
        self._rows += 1
        if self._rows % ROWS_BETWEEN_PRUNINGS == 0:
            self._prune()

    def _prune(self) -> None:
        try:
            self._feed.prune()
        except (CatalogueError, DiskFull) as error:
            log.warning("the feed is not pruned: %s", error.message)
