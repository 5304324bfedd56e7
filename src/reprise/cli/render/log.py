"""Events, and what adapters log, as structured records on standard error; quiet by default."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reprise.core import events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reprise.core.events import Emit, Event

WARNINGS = (events.ItemFailed, events.SpaceHeld, events.BatchResized)
DEBUGGING = (events.Progress, events.ScanProgress, events.RenameProgress)


def make_log(level: str, form: str, besides: Mapping[str, str] | None = None) -> Emit:
    """A sink for events; below ``warning`` nothing is even built. Needs no other program's logging set-up.

    ``besides``: what each record says too.
    """
    threshold = getattr(logging, level.upper())
    if threshold > logging.WARNING:
        return lambda _event: None
    logger = _logger(threshold, form)

    def log(event: Event) -> None:
        facts = {**event.as_dict(), **(besides or {})}
        logger.log(_level(event), facts.pop("event"), **facts)

    return log


SERVER_PARTS = ("uvicorn", "apscheduler", "watchfiles", "apprise", "asyncio", "reprise")
"""Whose records the server's log takes."""


class _Structured(logging.Handler):
    """Gives records of Python's own logging the form of all others."""

    def __init__(self, threshold: int, form: str) -> None:
        super().__init__(threshold)
        self._threshold, self._form = threshold, form

    @cached_property
    def _logger(self) -> Any:
        """Made for the first record: most commands log nothing, and what makes it takes long to import."""
        return _logger(self._threshold, self._form)

    def emit(self, record: logging.LogRecord) -> None:
        self._logger.log(record.levelno, record.getMessage(), source=record.name, exc_info=record.exc_info)


@contextmanager
def adapters_logged(level: str, form: str) -> Iterator[None]:
    """While a command runs, what ``reprise`` modules log goes where the events go, or nowhere below ``level``."""
    threshold = getattr(logging, level.upper())
    ours = logging.getLogger("reprise")
    handler = logging.NullHandler() if threshold > logging.WARNING else _Structured(threshold, form)
    ours.addHandler(handler)
    try:
        yield
    finally:
        ours.removeHandler(handler)


@contextmanager
def server_logged(level: str, form: str) -> Iterator[None]:
    """While a server runs, what it and its libraries log goes where events go, from ``level`` on."""
    threshold = getattr(logging, level.upper())
    handler = _Structured(threshold, form)
    parts = [logging.getLogger(name) for name in SERVER_PARTS]
    before = [(part, part.level, part.propagate, part.handlers) for part in parts]
    for part in parts:
        part.handlers, part.propagate = [handler], False
        part.setLevel(threshold)
    try:
        yield
    finally:
        for part, was, propagated, handlers in before:
            part.handlers, part.propagate = handlers, propagated
            part.setLevel(was)


def _level(event: Event) -> int:
    if isinstance(event, events.JobError):
        return logging.ERROR
    if isinstance(event, WARNINGS) or (isinstance(event, events.ModelFinished) and event.error):
        return logging.WARNING
    return logging.DEBUG if isinstance(event, DEBUGGING) else logging.INFO


def _logger(threshold: int, form: str) -> Any:
    import structlog

    renderer: Any = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.processors.LogfmtRenderer(
            key_order=["timestamp", "level", "event"], bool_as_flag=False
        )
    )
    return structlog.wrap_logger(
        structlog.PrintLogger(sys.stderr),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
    )
