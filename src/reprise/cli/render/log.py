"""Events, and what adapters log, as structured records on standard error; quiet by default."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any

from reprise.core import events
from reprise.log_facts import in_words, said_now

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, MutableMapping

    from reprise.core.events import Emit, Event
    from reprise.log_facts import Fact

WARNINGS = (events.ItemFailed, events.SpaceHeld, events.BatchResized)
DEBUGGING = (events.Progress, events.ScanProgress, events.RenameProgress)


def make_log(level: str, form: str, besides: Mapping[str, str] | None = None) -> Emit:
    """A sink for events; below ``warning`` nothing is even built. Needs no other program's logging set-up.

    ``besides``: what each record says too, over what holds where it is logged (``log_facts``).
    """
    threshold = getattr(logging, level.upper())
    if threshold > logging.WARNING:
        return lambda _event: None
    logger = _logger(threshold, form, said_now())

    def log(event: Event) -> None:
        facts = {**event.as_dict(), **(besides or {})}
        logger.log(_level(event), facts.pop("event"), **facts)

    return log


SERVER_PARTS = ("uvicorn", "apscheduler", "watchfiles", "apprise", "asyncio", "dramatiq", "pika", "reprise")
"""Whose records the server's log takes."""


LEAST_LEVEL_OF = {"apprise": logging.INFO}
"""Below that it writes the addresses that it tells, whose paths are keys: those of web hooks, say."""


class _Structured(logging.Handler):
    """Gives records of Python's own logging the form of all others."""

    def __init__(self, threshold: int, form: str) -> None:
        super().__init__(threshold)
        self._threshold, self._form = threshold, form
        self._facts = said_now()

    @cached_property
    def _logger(self) -> Any:
        """Made for the first record: most commands log nothing, and what makes it takes long to import."""
        return _logger(self._threshold, self._form, self._facts)

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
        part.setLevel(max(threshold, LEAST_LEVEL_OF.get(part.name, logging.DEBUG)))
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


def _one_line(_logger: object, _method: str, rendered: object) -> str:
    """A record as one line, for terminals too: what cannot be printed is written as JSON writes it.

    Names of files and words of users stand in records; none may end the line, or tell a terminal what to do.
    """
    record = str(rendered)
    if record.isprintable():
        return record
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in record)


def _logger(threshold: int, form: str, everywhere: Mapping[str, Fact]) -> Any:
    """``everywhere``: the facts that records of all threads say, unless their own say otherwise."""
    import structlog

    from reprise.cli.render.masking import mask_secrets

    def say_facts(
        _logger: object, _method: str, record: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        for name, fact in in_words({**everywhere, **said_now()}).items():
            record.setdefault(name, fact)
        return record

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
            say_facts,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            mask_secrets,
            renderer,
            _one_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
    )
