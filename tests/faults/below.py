"""Faults beneath a process: a small library between it and the C library, and the board from which a test steers it."""

from __future__ import annotations

import errno
import mmap
import os
import shutil
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

SOURCE = Path(__file__).with_name("below.c")
NANOSECONDS = 1_000_000_000
_CLOCK = struct.Struct("=qq")  # how far it is off, how often that was read
_LINE = struct.Struct("=qqq")  # armed, seen, struck
_MOST_RULES = 8
_OBSERVED = -1
_BOARD_BYTES = _CLOCK.size + _MOST_RULES * _LINE.size


def compiled(folder: Path) -> Path:
    """The library, made by the machine's C compiler. Without one the test is skipped, on CI it fails."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        missing("a C compiler: the packages gcc and libc6-dev")
    library = folder / "below.so"
    subprocess.run([str(compiler), "-O1", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def missing(means: str) -> None:
    """CI must not pass without what these tests need."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"there is no way to inject this fault: it needs {means}")
    pytest.skip(f"needs {means}")


@dataclass(frozen=True, slots=True)
class Rule:
    """Calls that fail. ``call``: open, create, read, write, fsync, truncate, rename, link; ``path``: what paths begin with.

    ``error``: the errno, 0 for calls that only take ``seconds``. The first ``skip`` calls after it is armed go through,
    then ``most`` fail, 0: all of them.
    """

    call: str
    path: Path
    error: int = errno.EIO
    skip: int = 0
    most: int = 0
    seconds: float = 0.0
    armed: bool = True

    @property
    def line(self) -> str:
        microseconds = round(self.seconds * 1_000_000)
        return f"{self.call}|{self.path}|{self.error}|{self.skip}|{self.most}|{microseconds}"


def failing(call: str, path: Path, error: int) -> Rule:
    """Counts calls that fail by themselves with that errno; besides the others ``pipe`` and ``lock``."""
    return Rule(call, path, _OBSERVED, skip=error)


class Board:
    """Rules, and what they have done: shared with every process that runs in :attr:`environment`."""

    def __init__(
        self, library: Path, path: Path, rules: Sequence[Rule] = (), pace: Sequence[Rule] = ()
    ) -> None:
        """``pace``: rules that only make the process slow enough for what is to happen in its middle; not counted."""
        self._counted = len(rules)
        rules = [*rules, *pace]
        path.write_bytes(bytes(_BOARD_BYTES))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _BOARD_BYTES)
        for number, rule in enumerate(rules):
            if rule.armed:
                self.arm(number)
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAULTS_BOARD": str(path),
            "FAULTS_RULES": "\n".join(rule.line for rule in rules),
        }

    def __enter__(self) -> Board:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._map.close()

    def arm(self, number: int = 0) -> None:
        """From now on its calls are counted and fail."""
        _LINE.pack_into(self._map, self._place(number), 1, 0, 0)

    def disarm(self) -> None:
        """The faults are removed; what was counted stays."""
        for number in range(self._counted):
            struct.pack_into("=q", self._map, self._place(number), 0)

    @property
    def struck(self) -> int:
        """How many calls have really failed, or waited."""
        return sum(_LINE.unpack_from(self._map, self._place(number))[2] for number in range(self._counted))

    @property
    def seen(self) -> int:
        """How many calls the armed rules were for."""
        return sum(_LINE.unpack_from(self._map, self._place(number))[1] for number in range(self._counted))

    def put_clock(self, seconds: float) -> None:
        """The clock on the wall is off by so much from now on, ahead or behind."""
        struct.pack_into("=q", self._map, 0, round(seconds * NANOSECONDS))

    @property
    def clock_read(self) -> int:
        """How often the wrong time was told."""
        return int(_CLOCK.unpack_from(self._map, 0)[1])

    @staticmethod
    def _place(number: int) -> int:
        return _CLOCK.size + number * _LINE.size
