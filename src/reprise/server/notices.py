"""Notices: says by mail or message that a job has ended, through Apprise."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

from reprise.errors import RepriseError

if TYPE_CHECKING:
    from reprise.core.feed import FeedRow
    from reprise.core.job import Job
    from reprise.server.house import House

LOOK_SECONDS = 1.0
ENDED = "job_finished"
TOLD = "job_told"
"""Written to the feed when the notice of a job is out, so that a restart neither forgets nor repeats one."""
STALE_SECONDS = 3600.0
"""A job that ended longer ago is no news: it ended while no server ran."""

TRIES = 5
TRY_SECONDS = 20.0
WORDS = {
    "completed": "is done",
    "completed_with_errors": "is done, with errors",
    "failed": "has failed",
    "cancelled": "was cancelled",
}


class Notices:
    """A ``Service``: looks into the feed for jobs that ended, and tells whoever the setting ``notify`` names."""

    name = "notices"

    def __init__(self, house: House) -> None:
        self._house = house
        self._thread = threading.Thread(target=self._run, name="notices", daemon=True)
        self._stop = threading.Event()
        self._trouble = ""

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def trouble(self) -> str:
        return self._trouble

    def _run(self) -> None:
        while not self._stop.wait(LOOK_SECONDS):
            try:
                self._look()
            except RepriseError as error:
                self._trouble = error.message

    def _look(self) -> None:
        for row in self._house.app.catalogue().feed.untold(ENDED, TOLD):
            app = self._house.of(row.owner)
            job = app.catalogue().jobs.get(row.owner, row.job_id or "")
            if self._worth_telling(job, row) and not self._tell(job, row):
                return
            app.catalogue().feed.add(row.owner, row.job_id, TOLD, "{}", time.time())

    def _worth_telling(self, job: Job, row: FeedRow) -> bool:
        """Long ones, and those that went wrong, if somebody wants to know; a pause is no end."""
        settings = self._house.app.settings
        if not settings.text("notify") or not job.state.ended or time.time() - row.at > STALE_SECONDS:
            return False
        seconds = (job.finished_at or 0.0) - job.created_at
        wrong = job.state in {"failed", "completed_with_errors"}
        return wrong or seconds >= settings.number("notify_minutes") * 60

    def _tell(self, job: Job, row: FeedRow) -> bool:
        """Whether it is settled: told, or given up after so many tries."""
        title, body = notice(job, json.loads(row.data))
        for _ in range(TRIES):
            if send(self._house.app.settings.text("notify"), title, body):
                self._trouble = ""
                return True
            self._trouble = "a notice could not be sent: is the setting notify right, and the service there?"
            if self._stop.wait(TRY_SECONDS):
                return False
        return True


def notice(job: Job, ended: dict[str, object]) -> tuple[str, str]:
    """Title and body for people."""
    counters = job.counters
    title = f"Reprise: job {job.id} {WORDS.get(job.state, job.state)}"
    lines = [
        f"Models: {', '.join(job.request.models)}",
        f"Of {counters.total:,} operations {counters.done:,} done, {counters.skipped:,} skipped, {counters.failed:,} failed",
        f"Took {float(str(ended.get('seconds', 0))) / 60:.1f} minutes; spec {job.spec_version}",
    ]
    if job.error:
        lines.append(f"Why: {job.error}")
    if counters.failed:
        lines.append("What failed and why: the panel's page Admin, or: reprise errors")
    return title, "\n".join(lines)


def send(addresses: str, title: str, body: str) -> bool:
    """Whether all of the services took it. Addresses are Apprise's, with spaces between; they are never logged."""
    from apprise import Apprise

    apprise = Apprise()
    known = [apprise.add(address) for address in addresses.split()]
    return all(known) and bool(apprise.notify(body=body, title=title))
