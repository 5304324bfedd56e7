"""Maps of libraries, drawn in the background by a process of their own that gives way to everything else."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reprise.errors import StoreError
from reprise.search.serving import serving_space

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.app import App
    from reprise.server.house import House

REST_TIMES = 10.0
LEAST_REST_SECONDS = 10.0
"""A map rests ten times as long as drawing it took, so that a job that goes on for hours costs a tenth for its map."""

KEPT_ANSWERS = 8
HEAD_BYTES = 4096


@dataclass(frozen=True, slots=True)
class MapAnswer:
    """A map as it goes out. ``seen``: how many vectors there were when it was drawn."""

    packed: bytes
    mark: str
    seen: int

    @property
    def plain(self) -> bytes:
        return gzip.decompress(self.packed)


@dataclass(slots=True)
class _Drawing:
    """One owner's map of one model: what is wished of it, and what went wrong."""

    anew: bool = False
    wanted: bool = False
    rest_until: float = 0.0
    problem: str = ""


@dataclass(slots=True)
class Maps:
    """A ``Service``: draws one map at a time, of those that somebody asked for."""

    house: House
    name: str = "maps"
    _drawings: OrderedDict[tuple[str, str], _Drawing] = field(default_factory=OrderedDict)
    _answers: OrderedDict[Path, tuple[tuple[int, int], MapAnswer]] = field(default_factory=OrderedDict)
    _change: threading.Condition = field(default_factory=threading.Condition)
    _thread: threading.Thread | None = None
    _process: subprocess.Popen[bytes] | None = None
    _stopping: bool = False

    def start(self) -> None:
        self._thread = threading.Thread(target=self._draw_on, name="maps")
        self._thread.start()

    def stop(self) -> None:
        """A map that is being drawn is left; it is drawn at the next start, when somebody asks for it."""
        with self._change:
            self._stopping = True
            if self._process is not None:
                self._process.terminate()
            self._change.notify_all()
        if self._thread is not None:
            self._thread.join()

    def trouble(self) -> str:
        with self._change:
            return next((drawing.problem for drawing in self._drawings.values() if drawing.problem), "")

    # what routes ask

    def answer(self, app: App, space: str) -> MapAnswer | None:
        """The map of the space as it was last drawn, kept in memory; None while there is none."""
        path = app.map_files().answer_path(space)
        try:
            found = path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            with self._change:
                kept = self._answers.get(path)
            if kept is None or kept[0] != stamp:
                kept = (stamp, _read(path))
        except OSError:
            return None
        with self._change:
            self._answers[path] = kept
            self._answers.move_to_end(path)
            while len(self._answers) > KEPT_ANSWERS:
                self._answers.popitem(last=False)
        return kept[1]

    def refresh_if_stale(self, app: App, model: str, answer: MapAnswer | None) -> None:
        """Have the map drawn when there is none, or when its space holds another number of vectors by now."""
        if answer is None or self._count(app, model) != answer.seen:
            self.want(app.owner, model, anew=False)

    def _count(self, app: App, model: str) -> int:
        try:
            return app.store.count(app.owner, serving_space(app.catalogue(), app.owner, model).name)
        except StoreError:
            return 0

    def want(self, owner: str, model: str, *, anew: bool) -> None:
        """Have the map drawn, now or after its rest; ``anew``: without one, and laid out from nothing."""
        with self._change:
            drawing = self._drawings.setdefault((owner, model), _Drawing())
            drawing.wanted = True
            if anew:
                drawing.anew, drawing.rest_until = True, 0.0
            self._change.notify_all()

    def problem(self, owner: str, model: str) -> str:
        """Why the last drawing of the map failed; empty when it did not."""
        with self._change:
            drawing = self._drawings.get((owner, model))
            return drawing.problem if drawing else ""

    # the thread that draws

    def _draw_on(self) -> None:
        while (turn := self._next()) is not None:
            owner, model, anew = turn
            began = time.monotonic()
            problem = self._draw(owner, model, anew=anew)
            took = time.monotonic() - began
            with self._change:
                drawing = self._drawings[owner, model]
                drawing.problem = problem
                drawing.rest_until = time.monotonic() + max(LEAST_REST_SECONDS, REST_TIMES * took)

    def _next(self) -> tuple[str, str, bool] | None:
        """The next map to draw, once there is one; None when the server stops."""
        with self._change:
            while not self._stopping:
                now = time.monotonic()
                waiting = [(key, drawing) for key, drawing in self._drawings.items() if drawing.wanted]
                for (owner, model), drawing in waiting:
                    if drawing.rest_until <= now:
                        anew, drawing.anew, drawing.wanted = drawing.anew, False, False
                        return owner, model, anew
                soonest = min((drawing.rest_until - now for _, drawing in waiting), default=None)
                self._change.wait(soonest)
            return None

    def _draw(self, owner: str, model: str, *, anew: bool) -> str:
        """Run ``reprise map`` for it; returns what went wrong."""
        command = [sys.executable, "-m", "reprise", "map", "--model", model, "--owner", owner]
        command += ["--home", str(self.house.app.home), *(["--refresh"] if anew else [])]
        with self._change:
            if self._stopping:
                return ""
            self._process = process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        with suppress(OSError):  # it has ended already
            os.setpriority(os.PRIO_PROCESS, process.pid, self.house.app.settings.whole("job_niceness"))
        with process:
            _, errors = process.communicate()
        with self._change:
            self._process = None
        if process.returncode in {0, -signal.SIGTERM}:  # the second: the server stops
            return ""
        lines = errors.decode("utf-8", "replace").strip().splitlines()
        return f"the map of {model}: {lines[0] if lines else f'exit code {process.returncode}'}"


def _read(path: Path) -> MapAnswer:
    """The file with what stands before its columns: reading all of it would take a tenth of a second."""
    packed = path.read_bytes()
    with gzip.open(path) as file:
        begin = file.read(HEAD_BYTES).split(b',"ids":')[0]
    seen = int(json.loads(begin + b"}")["seen"])
    return MapAnswer(packed, hashlib.sha256(packed).hexdigest()[:32], seen)
