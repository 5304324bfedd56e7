"""Quiet hours: times of day in which a server runs no job that can wait."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass

from reprise.errors import BadSetting

_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_DAY = 24 * 60
"""Minutes."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Spans of a day as (first, end) in minutes after midnight, the end not in it; one may go over midnight."""

    spans: tuple[tuple[int, int], ...] = ()

    def until(self, now: datetime.datetime) -> datetime.datetime | None:
        """When the quiet that reigns at ``now`` ends, on the same clock; ``None`` when there is none.

        Spans that meet are one quiet. One that fills the whole day never ends: it is given as a day from now.
        """
        moment = now
        while (minutes := self._left(moment)) is not None:
            moment = moment.replace(second=0, microsecond=0) + datetime.timedelta(minutes=minutes)
            if moment - now >= datetime.timedelta(days=1):
                return now + datetime.timedelta(days=1)
        return moment if moment > now else None

    def _left(self, at: datetime.datetime) -> int | None:
        """Minutes to the end of the longest span that holds the moment."""
        minute = at.hour * 60 + at.minute
        left = [
            (end - minute) % _DAY or _DAY
            for first, end in self.spans
            if (minute - first) % _DAY < ((end - first) % _DAY or _DAY)
        ]
        return max(left, default=None)


def parse_quiet_hours(text: str) -> QuietHours:
    """From ``07:00-23:00, 23:30-06:00``; empty: none. Raises ``BadSetting``."""
    return QuietHours(tuple(_span(part) for part in text.split(",") if part.strip()))


def _span(text: str) -> tuple[int, int]:
    cure = "write it as 07:00-23:00, several with commas between"
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise BadSetting(f"{text.strip()!r} is no span of a day", cure=cure)
    hour, minute, end_hour, end_minute = map(int, found.groups())
    first, end = hour * 60 + minute, end_hour * 60 + end_minute
    if minute > 59 or end_minute > 59 or first >= _DAY or end > _DAY:
        raise BadSetting(f"{text.strip()!r} holds a time that no clock shows", cure=cure)
    return first, end % _DAY
