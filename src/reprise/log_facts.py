"""What every record of the log says besides what happened: of which job and slice, by which worker, under which spec."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Fact: TypeAlias = "str | int | Callable[[], str]"

NAMES = ("spec_version", "owner", "job_id", "slice", "worker")
"""In the order in which a record says them."""

_facts: ContextVar[tuple[tuple[str, Fact], ...]] = ContextVar("facts", default=())


@contextmanager
def records_say(**facts: Fact | None) -> Iterator[None]:
    """Until it ends, what this thread logs says these facts too, over those around it; ``None``: nothing new of that.

    Names are those of ``NAMES``. A function is asked when a record is written. A thread that is started meanwhile begins
    without them, unless it runs in a copy of the context; but a log that is set up meanwhile says them of all threads.
    """
    if unknown := facts.keys() - set(NAMES):
        raise TypeError(f"records say nothing of {', '.join(sorted(unknown))}")
    token = _facts.set(tuple({**dict(_facts.get()), **_given(facts)}.items()))
    try:
        yield
    finally:
        _facts.reset(token)


def said_now() -> dict[str, Fact]:
    """The facts that hold in this thread."""
    return dict(_facts.get())


def in_words(facts: Mapping[str, Fact]) -> dict[str, str | int]:
    """The facts as a record says them, in their order; one that is an empty text is left out."""
    asked = {name: facts[name] for name in NAMES if name in facts}
    told = {name: fact() if callable(fact) else fact for name, fact in asked.items()}
    return {name: fact for name, fact in told.items() if fact != ""}


def _given(facts: Mapping[str, Fact | None]) -> dict[str, Fact]:
    return {name: fact for name, fact in facts.items() if fact is not None}
