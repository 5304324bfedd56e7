"""Events as plain lines on standard error: what a pipe, a cron mail or a test sees instead of a bar."""

from __future__ import annotations

import time

import click

from reprise.cli.render.words import sentence
from reprise.core import events

PROGRESS_SECONDS = 30.0
FAILURES_SHOWN = 10


class Lines:
    """One line per event that a person wants; progress at most every half minute."""

    def __init__(self) -> None:
        self._told_at = time.monotonic()
        self._failures = 0

    def show(self, event: events.Event) -> None:
        if isinstance(event, events.RenameProgress) and event.code:
            self._failure(event)
            return
        if isinstance(event, events.Progress | events.RenameProgress):
            now = time.monotonic()
            if now - self._told_at < PROGRESS_SECONDS:
                return
            self._told_at = now
        if text := sentence(event):
            click.echo(text, err=True)

    def _failure(self, event: events.RenameProgress) -> None:
        """The first are told at once, the others are in the list."""
        self._failures += 1
        if self._failures <= FAILURES_SHOWN:
            click.echo(sentence(event), err=True)
        if self._failures == FAILURES_SHOWN:
            click.echo(
                f"further ones are listed by: reprise rename list {event.session_id} --failed", err=True
            )
