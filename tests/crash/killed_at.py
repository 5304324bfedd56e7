"""A command of Reprise whose process kills itself at a named point.

``python -m tests.crash.killed_at POINT NTH before|after|never NOTE ARGUMENT...``: the process gets SIGKILL right before or after
its NTH call of the POINT, and says so in the file NOTE first, for whoever counts kills.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.cli.main import main as reprise
from tests.crash.points import SMALLER, Kind, named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.crash.points import Point


class Fate:
    """Counts calls, and ends the process at the one that was named."""

    def __init__(self, nth: int, moment: str, note: Path) -> None:
        self._nth = nth
        self._moment = moment
        self._note = note
        self._calls = 0
        self._lock = threading.Lock()

    def begin(self) -> int:
        """The number of a call that begins."""
        with self._lock:
            self._calls += 1
            number = self._calls
        self._meet(number, "before")
        return number

    def end(self, number: int) -> None:
        self._meet(number, "after")

    def _meet(self, number: int, moment: str) -> None:
        if (number, moment) == (self._nth, self._moment):
            self._note.write_text(f"{moment} call {number}")
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    name, nth, moment, note, *arguments = sys.argv[1:]
    for module, sizes in SMALLER.items():
        importlib.import_module(module).__dict__.update(sizes)
    _watch(named(name), Fate(int(nth), moment, Path(note)))
    sys.argv = ["reprise", *arguments]
    reprise()


def _watch(point: Point, fate: Fate) -> None:
    owner: Any = importlib.import_module(point.module)
    *path, last = point.attribute.split(".")
    for part in path:
        owner = getattr(owner, part)
    there = owner.__dict__[last]
    method = isinstance(there, classmethod)
    function = there.__func__ if method else there
    watched = {Kind.CALL: _call, Kind.BLOCK: _block, Kind.MAKER: _maker}[point.kind](function, fate)
    setattr(owner, last, classmethod(watched) if method else watched)


def _call(function: Callable[..., Any], fate: Fate) -> Callable[..., Any]:
    def call(*arguments: Any, **named: Any) -> Any:
        number = fate.begin()
        result = function(*arguments, **named)
        fate.end(number)
        return result

    return call


def _block(function: Callable[..., Any], fate: Fate) -> Callable[..., Any]:
    """``before``: the body is through and nothing is committed. ``after``: it is."""

    @contextmanager
    def block(*arguments: Any, **named: Any) -> Iterator[Any]:
        with function(*arguments, **named) as inside:
            yield inside
            number = fate.begin()
        fate.end(number)

    return block


def _maker(function: Callable[..., Any], fate: Fate) -> Callable[..., Any]:
    def make(*arguments: Any, **named: Any) -> Any:
        return _call(function(*arguments, **named), fate)

    return make


if __name__ == "__main__":
    main()
