"""Ctrl-C and a service manager's end both mean: pause in good order."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprise.core.job import Control

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


class Interruption:
    """Remembers whether a signal asked this process to stop."""

    def __init__(self) -> None:
        self.control = Control.NONE

    def asked(self) -> Control:
        return self.control

    def stops(self) -> bool:
        """Whether a signal asked this process to stop."""
        return self.control is not Control.NONE

    def note(self, number: int, _frame: FrameType | None) -> None:
        """The first signal pauses; a second Ctrl-C ends at once, which is safe as well."""
        if self.control is not Control.NONE and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.control = Control.PAUSE


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Catch SIGINT and SIGTERM inside the block, and put back what was there."""
    interruption = Interruption()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, interruption.note) for number in numbers]
    try:
        yield interruption
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
