"""Jobs by the clock: schedules that start them."""

from __future__ import annotations

import datetime
import time
from typing import TYPE_CHECKING

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

from reprise.core.job import JobRequest, Priority
from reprise.core.plan import Selection
from reprise.errors import RepriseError, UsageError

if TYPE_CHECKING:
    from reprise.core.schedules import Schedule
    from reprise.server.house import House

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
LATE_SECONDS = 3600
"""A start that was missed, because the machine slept, is made up for within this time."""


class Clock:
    """A ``Service``: starts the jobs of the schedules."""

    name = "clock"

    def __init__(self, house: House) -> None:
        self._house = house
        self._scheduler = BackgroundScheduler()
        self._trouble = ""

    def start(self) -> None:
        self._scheduler.start()
        self.reload()

    def stop(self) -> None:
        self._scheduler.shutdown()

    def trouble(self) -> str:
        return self._trouble

    def reload(self) -> None:
        """Take over the schedules as the catalogue has them now."""
        self._scheduler.remove_all_jobs()
        for schedule in self._house.app.catalogue().schedules.of_everybody():
            if schedule.enabled:
                self._scheduler.add_job(
                    self.run_now,
                    trigger_of(schedule.cron),
                    args=[schedule.owner, schedule.id],
                    id=str(schedule.id),
                    coalesce=True,
                    misfire_grace_time=LATE_SECONDS,
                )

    def next_at(self, schedule: Schedule) -> float | None:
        """When it starts its next job, in seconds since the epoch; ``None`` when it is switched off."""
        planned = self._scheduler.get_job(str(schedule.id))
        return planned.next_run_time.timestamp() if planned and planned.next_run_time else None

    def run_now(self, owner: str, schedule_id: int) -> None:
        """Start the schedule's job, and write down how that went."""
        app = self._house.of(owner)
        schedules = app.catalogue().schedules
        try:
            schedule = schedules.get(owner, schedule_id)
            request = JobRequest(Selection(owner, schedule.library_id), app.models(schedule.models))
            job = app.enqueue(request, priority=Priority.BACKFILL, asked_by="schedule")
        except RepriseError as error:
            self._trouble = f"schedule {schedule_id}: {error.message}"
            schedules.ran(owner, schedule_id, time.time(), error.message)
            return
        self._trouble = ""
        schedules.ran(owner, schedule_id, time.time(), f"started job {job.id}")


def trigger_of(cron: str) -> CronTrigger:
    """When five fields of cron come true, in local time; unlike in cron, a day must fit both fields of days.

    Raises ``UsageError`` for what is no cron line, or one that never comes true.
    """
    try:
        *fields, weekdays = cron.split()
        trigger = CronTrigger.from_crontab(" ".join([*fields, _named(weekdays)]))
    except ValueError as error:
        raise UsageError(
            f"{cron!r} is no time for a schedule: {error}", cure="five fields as cron has them: 0 2 * * *"
        ) from error
    if trigger.get_next_fire_time(None, datetime.datetime.now().astimezone()) is None:
        raise UsageError(f"{cron!r} never comes", cure="five fields as cron has them: 0 2 * * *")
    return trigger


def _named(weekdays: str) -> str:
    """The days of a week by their names: cron counts from Sunday (0, and 7 again), the library from Monday."""
    return ",".join(_named_part(part) for part in weekdays.lower().split(","))


def _named_part(part: str) -> str:
    span, _, step = part.partition("/")
    first, dash, last = span.partition("-")
    if span != "*" and not first.isdigit():
        return part
    if span == "*":
        if not step:
            return part
        first, last = "0", "6"
    end = int(last if dash or span == "*" else first)
    days = range(int(first), end + 1, int(step or 1))
    if not days or days[-1] > len(DAYS):
        raise ValueError(f"{part!r} is no day of a week")
    return ",".join(DAYS[day % len(DAYS)] for day in days)
