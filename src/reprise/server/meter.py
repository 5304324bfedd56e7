"""How many requests there were and how long they took, counted by route. What a path holds beside is not kept."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reprise.server.figures import Figures
    from reprise.server.house import House

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper ends in seconds; what takes longer is counted behind the last."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER = "other"


@dataclass(slots=True)
class Times:
    """Of one route: how many answers fell into each bucket, and their seconds together."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0


class Meter:
    """Counts since the start. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._times: defaultdict[tuple[str, str], Times] = defaultdict(Times)

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        with self._lock:
            self._requests[method, route, status] += 1
            times = self._times[method, route]
            times.counts[bisect_left(BUCKETS, seconds)] += 1
            times.seconds += seconds

    def read(self) -> tuple[dict[tuple[str, str, int], int], dict[tuple[str, str], Times]]:
        """Requests by method, route and status; times by method and route."""
        with self._lock:
            times = {key: Times(list(one.counts), one.seconds) for key, one in self._times.items()}
            return dict(self._requests), times


class Measured:
    """Notes each request when its answer begins: a stream may go on for hours."""

    def __init__(self, app: ASGIApp, meter: Meter) -> None:
        self._app = app
        self._meter = meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in METHODS else OTHER
                seconds = time.perf_counter() - began
                self._meter.note(method, _route(scope), message["status"], seconds)
            await send(message)

        await self._app(scope, receive, noted)


class Metrics:
    """The meter with the figures of the installation. What writes them is imported when somebody asks."""

    def __init__(self, house: House, meter: Meter) -> None:
        self._house = house
        self._meter = meter

    @cached_property
    def _figures(self) -> Figures:
        from reprise.server.figures import Figures

        return Figures(self._house, self._meter)

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return self._figures.text()


def measure(api: FastAPI, house: House) -> None:
    """Count every request, those too that the guards refuse."""
    meter = Meter()
    api.state.metrics = Metrics(house, meter)
    api.add_middleware(Measured, meter=meter)


def _route(scope: Scope) -> str:
    """The route as it is declared; whatever matches none is one."""
    path = getattr(scope.get("route"), "path", OTHER)
    return path if isinstance(path, str) else OTHER
