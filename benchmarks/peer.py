"""Processes that are compared: each loads what it needs, and then does its work once whenever it is asked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.measure import PYTHON, ROOT
from reprise.threads import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.choices import ModelChoices


@dataclass(frozen=True, slots=True)
class Work:
    """What a peer is told: the model, how it runs, and ``copies`` times the track at ``track``.

    ``most_windows``: no more than so many, 0 for all. ``window`` and ``hop`` in seconds, for who cuts by itself.
    ``output``: a folder for what is made.
    """

    model: str
    choices: dict[str, Any]
    track: str
    copies: int
    output: str
    most_windows: int = 0
    window: float = 0.0
    hop: float = 0.0

    @classmethod
    def read(cls) -> Work:
        """From the command line of this process."""
        return cls(**json.loads(sys.argv[1]))

    def model_choices(self) -> ModelChoices:
        from reprise.core.choices import Coverage, ModelChoices

        return ModelChoices(**(self.choices | {"coverage": Coverage(self.choices["coverage"])}))

    def sound(self, sample_rate: int) -> NDArray[np.float32]:
        """The whole track, mono, shape (n,)."""
        import numpy as np

        from reprise.media.decode import AudioFile

        return np.concatenate(list(AudioFile(self.track, sample_rate).blocks()))


def with_threads(count: int) -> dict[str, str]:
    """This process's environment, for a child whose numeric libraries use so many threads."""
    return os.environ | dict.fromkeys(VARIABLES, str(count))


class Peer:
    """A child process that runs ``module`` of the benchmarks. ``loaded`` is what it said when it was ready."""

    def __init__(self, module: str, work: Work, threads: int) -> None:
        self._module = module
        self._process = subprocess.Popen(
            [PYTHON, "-m", f"benchmarks.{module}", json.dumps(asdict(work))],
            cwd=ROOT,
            env=with_threads(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.loaded = self._answer()

    def __enter__(self) -> Peer:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self) -> dict[str, Any]:
        """Have the work done once; what came of it, with ``seconds``."""
        assert self._process.stdin is not None
        self._process.stdin.write("once\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        """Raises ``RuntimeError`` when the process ended instead; its reason is on standard error."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.communicate()
            raise RuntimeError(f"benchmarks.{self._module} ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer


def serve(loaded: dict[str, Any], work: Callable[[], dict[str, Any]]) -> None:
    """The child's side: say what was loaded, then work once for each line that comes in."""
    print(json.dumps(loaded), flush=True)
    for _ in sys.stdin:
        began = time.perf_counter()
        done = work()
        print(json.dumps({"seconds": time.perf_counter() - began} | done), flush=True)


def kept_beside(work: Work, name: str) -> Path:
    """A file in the folder for what is made."""
    from pathlib import Path

    folder = Path(work.output)
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name
