"""The device's one place for a heavy model, as two lock files: who holds it, and which search waits for it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprise.core.job import never
from reprise.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reprise.runners.locks import FileLocks

HELD = "device"
WANTED = "device-wanted"
LOOK_SECONDS = 0.1


class FileSlot:
    """Implements ``engine.turn.DeviceSlot`` for all processes of one installation on one device."""

    def __init__(self, locks: FileLocks, device: str = "auto") -> None:
        self._locks = locks
        kind, _, number = device.partition(":")
        place = f"-{kind}-{number}" if number.strip("0") else ""  # without a number it is the first card
        self._held, self._wanted = HELD + place, WANTED + place

    def wanted(self) -> bool:
        return self._locks.held(self._wanted)

    @contextmanager
    def held(self, stop: Callable[[], object]) -> Iterator[bool]:
        """For a job: waits as long as a search or another job needs the device, or until ``stop``."""
        while not stop():
            if self.wanted():
                time.sleep(LOOK_SECONDS)
                continue
            with self._locks.try_lock(self._held) as ours:
                if ours:
                    yield True
                    return
            time.sleep(LOOK_SECONDS)
        yield False

    @contextmanager
    def first(self, patience: float, stop: Callable[[], object] = never) -> Iterator[None]:
        """For a search: the job that holds the slot gives way.

        Raises ``ModelError`` after ``patience`` seconds, or when it is to ``stop``.
        """
        deadline = time.monotonic() + patience
        with self._locked(self._wanted, deadline, stop), self._locked(self._held, deadline, stop):
            yield

    @contextmanager
    def _locked(self, name: str, deadline: float, stop: Callable[[], object]) -> Iterator[None]:
        while time.monotonic() < deadline and not stop():
            with self._locks.try_lock(name) as ours:
                if ours:
                    yield
                    return
            time.sleep(LOOK_SECONDS)
        raise ModelError("the device is busy with another search", cure="try again in a moment")
