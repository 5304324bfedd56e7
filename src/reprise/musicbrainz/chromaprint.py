"""Fingerprints as AcoustID knows them, by the program ``fpcalc`` if it is installed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from typing import NamedTuple

_HEARD_SECONDS = 120  # what AcoustID compares


class NoFingerprint(Exception):
    """The program is not there, or has no answer for a file; says why."""


class Chromaprint(NamedTuple):
    """``seconds``: how long the whole track is."""

    seconds: int
    fingerprint: str


def chromaprint(path: bytes, seconds: float, program: str = "fpcalc") -> Chromaprint:
    """The fingerprint of the file at the absolute ``path``; its process is ended after ``seconds``.

    Raises ``NoFingerprint``.
    """
    found = shutil.which(program)
    if found is None:
        raise NoFingerprint("fpcalc is not installed")
    command: list[str | bytes] = [found, "-json", "-length", str(_HEARD_SECONDS), path]
    told, complaint = _run(command, seconds)
    try:  # whatever its exit status is: some builds complain about the end of a file and answer all the same
        answer = json.loads(told)
        return Chromaprint(round(answer["duration"]), str(answer["fingerprint"]))
    except (ValueError, KeyError, TypeError):
        lines = complaint.decode("utf-8", "replace").strip().splitlines()
        raise NoFingerprint(lines[-1][:200] if lines else "fpcalc ended without an answer") from None


def _run(command: list[str | bytes], seconds: float) -> tuple[bytes, bytes]:
    """What it writes to both outputs. It runs in a session of its own, so that what it started ends with it."""
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                return process.communicate(timeout=seconds)
            except BaseException:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                raise
    except subprocess.TimeoutExpired:
        raise NoFingerprint(f"fpcalc did not end within {seconds:g} s") from None
    except OSError as error:
        raise NoFingerprint(f"fpcalc does not run: {error.strerror}") from None
