"""SubRip and WebVTT, as they should be and as they are found. The content decides which one it is, not the suffix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reprise.media.subtitles.cues import Cue, plain_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIME = r"(-?)(?:(\d{1,6}):)?(\d{1,6}):(\d{1,6})(?:[.,:]\s?(\d{1,9}))?"
_TIMES = re.compile(rf"\s*{_TIME}\s*-{{1,2}}>\s*{_TIME}(?!\d)")
_LONGEST_TIMES = 300
"""Characters of a line with times, with what WebVTT says after them about places."""


def parsed(text: str) -> list[Cue]:
    """The cues in their order; an empty list when no line holds times.

    Numbers may be missing, hours may be any number or missing, minutes above 59 count as what they are, and
    milliseconds follow a comma, a point or a colon. A cue of SubRip goes on until the next line of times, for there are
    empty lines in some; one of WebVTT ends at an empty line, so that what is said beside cues (``NOTE``, ``STYLE``,
    names of cues) is left out.
    """
    lines = text.lstrip("\ufeff").splitlines()
    is_webvtt = bool(lines) and lines[0].startswith("WEBVTT")
    starts = [(index, times) for index, line in enumerate(lines) if (times := _times(line))]
    ends = [index for index, _ in starts] + [len(lines)]
    return [
        Cue(start, end, plain_lines("\n".join(_body(lines, index + 1, last, is_webvtt=is_webvtt))))
        for (index, (start, end)), last in zip(starts, ends[1:], strict=True)
    ]


def _times(line: str) -> tuple[float, float] | None:
    """Seconds from and to."""
    if "->" not in line or len(line) > _LONGEST_TIMES:
        return None
    found = _TIMES.match(line)
    if found is None:
        return None
    parts = found.groups()
    return _seconds(parts[:5]), _seconds(parts[5:])


def _seconds(parts: Sequence[str | None]) -> float:
    sign, hours, minutes, seconds, fraction = (part or "" for part in parts)
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    value = whole + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)
    return -value if sign else value


def _body(lines: Sequence[str], first: int, last: int, *, is_webvtt: bool) -> Iterator[str]:
    """The lines of a cue: from ``first`` to before ``last``, where the next line of times is."""
    for index in range(first, last):
        line = lines[index].strip()
        if is_webvtt and not line:
            return
        following_is_times = index + 1 == last < len(lines)
        if following_is_times and line.isdecimal():  # the number of the next cue
            return
        yield line
