"""Events as plain lines on standard error: what a pipe, a cron mail or a test sees instead of a bar."""

from __future__ import annotations

import time

import click

from reprise.cli.render.words import sentence
from reprise.core import events

PROGRESS_SECONDS = 30.0


class Lines:
    """One line per event that a person wants; progress at most every half minute."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()

    def show(self, event: events.Event) -> None:
        if isinstance(event, events.Progress):
            now = time.monotonic()
            if now - self._told_at < PROGRESS_SECONDS:
                return
            self._told_at = now
        if text := sentence(event):
            click.echo(text, err=True)
