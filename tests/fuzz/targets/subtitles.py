"""Subtitles: any bytes give cues, segments in order within the video, and cues that are written as SubRip are read again."""

from __future__ import annotations

import html
import math

from reprise.media.subtitles.cues import LONGEST_CUE, Cue, segments
from reprise.media.subtitles.encodings import decoded
from reprise.media.subtitles.parsing import parsed

_VIDEO_SECONDS = 100.0
_LONGEST_HOURS = 999_999
_ESCAPED = str.maketrans({"{": "&#123;", "\\": "&#92;"})
_TOLERANCE = 1e-5
"""Seconds: of eleven years there are no more digits in a float."""


def one(data: bytes) -> None:
    if data[:1] == b"\x80":  # the encoding is guessed, which takes a hundred times as long: now and then
        decoded(data[1:])
    text = data.decode("utf-8", "replace")
    cues = parsed(text)
    for seconds in (0.0, _VIDEO_SECONDS):
        before = 0.0
        for segment in segments(cues, seconds):
            assert before <= segment.start <= segment.end < math.inf
            assert not seconds or segment.end <= seconds
            assert segment.text == segment.text.strip() != ""
            assert len(segment.text.splitlines()) == 1
            before = segment.start
    _check_written(cues)


def _check_written(cues: list[Cue]) -> None:
    bodies = [[html.escape(line, quote=False).translate(_ESCAPED) for line in cue.lines] for cue in cues]
    times = [time for cue in cues for time in cue[:2]]
    if any(sum(map(len, body)) + len(body) > LONGEST_CUE for body in bodies):
        return
    if any(abs(time) >= _LONGEST_HOURS * 3600 for time in times):
        return
    blocks = [
        "\n".join([str(number), f"{_time(cue.start)} --> {_time(cue.end)}", *body, ""])
        for number, (cue, body) in enumerate(zip(cues, bodies, strict=True), 1)
    ]
    again = parsed("\n".join(blocks))
    assert [cue.lines for cue in again] == [cue.lines for cue in cues]
    for cue, other in zip(cues, again, strict=True):
        assert math.isclose(cue.start, other.start, abs_tol=_TOLERANCE)
        assert math.isclose(cue.end, other.end, abs_tol=_TOLERANCE)


def _time(seconds: float) -> str:
    whole, nanoseconds = divmod(round(abs(seconds) * 1e9), 10**9)
    sign = "-" if seconds < 0 else ""
    return f"{sign}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02},{nanoseconds:09}"
