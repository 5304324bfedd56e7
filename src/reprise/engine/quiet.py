"""Quiet hours as jobs keep them, whoever runs them."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

from reprise.core.job import Purpose
from reprise.core.quiet import parse_quiet_hours
from reprise.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.core.job import Job


class QuietGate:
    """Whether a job may run now. What is new is embedded at any time; what somebody asked for waits for the end of quiet.

    ``hours`` gives the setting ``quiet_hours`` as it is now.
    """

    def __init__(self, hours: Callable[[], str]) -> None:
        self._hours = hours

    def quiet_until(self, job: Job) -> float | None:
        """When the quiet ends that this job has to keep, in seconds since the epoch; ``None``: it may run.

        Quiet hours that cannot be read keep nobody from working; the health page says so.
        """
        if job.request.purpose is Purpose.ARRIVALS:
            return None
        try:
            hours = parse_quiet_hours(self._hours())
        except BadSetting:
            return None
        until = hours.until(datetime.datetime.now().astimezone())
        return until.timestamp() if until else None
