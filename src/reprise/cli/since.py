"""Moments as people type them."""

from __future__ import annotations

import datetime

from reprise.errors import UsageError


def parse_since(text: str | None) -> float | None:
    """An ISO date or time (local unless it names a zone) as seconds since the epoch. Raises ``UsageError``."""
    if text is None:
        return None
    try:
        return datetime.datetime.fromisoformat(text).astimezone().timestamp()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"--since: {text!r} is no date or time", cure="write it like 2026-11-20 or 2026-11-20T18:30"
        ) from error
