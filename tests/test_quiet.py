"""Quiet hours: what counts as quiet, and until when."""

from __future__ import annotations

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprise.core.quiet import parse_quiet_hours
from reprise.errors import BadSetting


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(f"2026-11-21T{text}").replace(tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("hours", "now", "end"),
    [
        ("", "12:00", None),
        ("07:00-23:00", "06:59", None),
        ("07:00-23:00", "07:00", "2026-11-21T23:00"),
        ("07:00-23:00", "22:59:59", "2026-11-21T23:00"),
        ("07:00-23:00", "23:00", None),
        ("22:00-06:00", "23:30", "2026-11-22T06:00"),
        ("22:00-06:00", "05:00", "2026-11-21T06:00"),
        ("22:00-06:00", "12:00", None),
        ("07:00-12:00, 12:00-14:00", "08:00", "2026-11-21T14:00"),
        ("07:00-10:00,08:00-09:00", "08:30", "2026-11-21T10:00"),
        ("18:00-24:00", "18:00", "2026-11-22T00:00"),
        ("00:00-24:00", "18:00", "2026-11-22T18:00"),
        ("7:30-8:00", "07:45", "2026-11-21T08:00"),
    ],
)
def test_quiet_lasts_until(hours: str, now: str, end: str | None) -> None:
    until = parse_quiet_hours(hours).until(at(now))
    assert (until and until.strftime("%Y-%m-%dT%H:%M")) == end


@pytest.mark.parametrize(
    "text", ["7-23", "07:00", "25:00-26:00", "07:60-08:00", "07:00-24:01", "07:00–23:00", "x"]
)
def test_what_is_no_span_is_refused_with_its_cure(text: str) -> None:
    with pytest.raises(BadSetting) as caught:
        parse_quiet_hours(text)
    assert "07:00-23:00" in caught.value.cure


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 1439))
def test_a_moment_is_quiet_exactly_when_its_minute_lies_in_the_span(first: int, end: int, now: int) -> None:
    span = f"{first // 60:02}:{first % 60:02}-{end // 60:02}:{end % 60:02}"
    until = parse_quiet_hours(span).until(at(f"{now // 60:02}:{now % 60:02}"))
    length = (end - first) % 1440 or 1440
    inside = any((first + step) % 1440 == now for step in range(length))
    assert (until is not None) == inside
