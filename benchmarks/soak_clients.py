"""Two hundred clients in one process, each a person with a kept-alive line, who check every answer that they get.

``python -m benchmarks.soak_clients`` gets what to do as one JSON object on its standard input, works until that is
closed, and prints what it found as one JSON object. A line ``complete`` meanwhile: every track has its vector now.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import statistics
import sys
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from benchmarks.soak_wire import Answer, Heard, Line, Refused, Stream

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

API = "/api/v1"
EXAMPLES = 12
LISTENERS = 0.12
STRANGERS = 0.15
"""Of the clients so many hear events, and so many belong to another owner."""

AWAY_SECONDS = (5.0, 20.0)
SLOW_SECONDS = 0.5
DOOR_SECONDS = 9.0
"""A password may be tried ten times a minute."""

OK, GONE = 200, 404
COMPLETE = "complete"
NOT_YET = b"is not embedded by"


@dataclass(frozen=True, slots=True)
class Side:
    """One owner's token, and what the titles of that owner's tracks begin with."""

    token: str
    prefix: str
    models: tuple[str, ...]


@dataclass
class Told:
    """What all clients found."""

    milliseconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    errors: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    serving: set[tuple[str, str]] = field(default_factory=set)
    """Owners' models that have answered once: from then on they must."""
    checked: int = 0
    not_yet: int = 0
    """Questions about tracks that were not embedded yet, while the first large job ran."""
    reopened: int = 0
    same: dict[str, list[int]] = field(default_factory=dict)
    alike: int = 0
    """So many of a track's neighbours must be its like, once every track has its vector."""

    def error(self, kind: str, example: str) -> None:
        self.errors[kind] += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(f"{kind}: {example}")

    def expect(self, right: bool, otherwise: str) -> None:
        self.checked += 1
        if not right:
            self.wrong.append(otherwise)


class Client:
    """One person: asks something, looks at it, asks again."""

    def __init__(self, where: tuple[str, int], side: Side, told: Told, seed: int) -> None:
        self._side, self._told, self._dice = side, told, random.Random(seed)
        self._line = Line(*where, {"Authorization": f"Bearer {side.token}"})
        self._titles: dict[int, str] = {}
        self._job = ""
        self._tag = ""
        self._questions: tuple[tuple[Callable[[], Awaitable[None]], int], ...] = (
            (self.page, 30),
            (self.words, 15),
            (self.similar, 35),
            (self.jobs, 10),
            (self.health, 5),
            (self.metrics, 2),
            (self.text, 8 if "soak-text" in side.models else 0),
        )

    async def live(self, pause: float, stop: asyncio.Event) -> None:
        """One question after another, ``pause`` seconds between them on average."""
        asks, weights = zip(*self._questions, strict=True)
        await _wait(stop, self._dice.uniform(0, 2 * pause))
        while not stop.is_set():
            (ask,) = self._dice.choices(asks, weights)
            with suppress(Refused):  # it is noted
                await ask()
            await _wait(stop, self._dice.uniform(0.5, 1.5) * pause)
        self._told.reopened += self._line.reopened
        await self._line.close()

    async def page(self) -> None:
        """A page of the list, all of it one's own."""
        sort = self._dice.choice(("artist", "title", "id", "path", "updated_at"))
        offset = self._dice.randrange(0, 3000)
        found = await self._json("page", f"/items?limit=50&sort={sort}&offset={offset}")
        self._own(found)

    async def words(self) -> None:
        """Tracks by a word of their title."""
        number = self._dice.randrange(400)
        found = await self._json("words", f"/items?limit=20&q={quote(f'{self._side.prefix} {number}')}")
        self._own(found)

    async def similar(self) -> None:
        """What sounds like a track has its title: links to one file."""
        if not self._titles:
            await self.page()
            return
        item, title = self._dice.choice(list(self._titles.items()))
        model = "soak"
        path = f"/similar?item_id={item}&limit=10&model={model}"
        found = await self._json("similar", path, refusable=(self._side.prefix, model))
        if found is None:
            return
        self._own(found, keep=False)
        for one in found["items"]:
            alike = one["title"] == title
            self._told.expect(alike == (one["score"] > 0.999), f"{title}: {one['title']}, {one['score']}")
        if self._side.prefix == "Title":
            like = sum(one["title"] == title for one in found["items"])
            self._told.expect(like >= self._told.alike, f"{title}: {like} alike of {self._told.alike}")

    async def text(self) -> None:
        """A text of a few: the same answer as the last time."""
        words = f"text {self._dice.randrange(20)}"
        path = f"/search?q={quote(words)}&limit=5&model=soak-text"
        found = await self._json("text", path, refusable=(self._side.prefix, "soak-text"))
        if found is None or found["partial"]:
            return
        self._own(found, keep=False)
        ids = [one["id"] for one in found["items"]]
        self._told.expect(self._told.same.setdefault(words, ids) == ids, f"{words}: {ids}")

    async def jobs(self) -> None:
        """How the newest job stands, or what happened in it."""
        if self._side.prefix != "Title":
            await self._json("me", "/auth/me")
            return
        found = await self._json("jobs", "/jobs?limit=5")
        if found and found["items"]:
            job = self._dice.choice(found["items"])["id"]
            await self._json("jobs", f"/jobs/{job}" + self._dice.choice(("", "/events?limit=100")))

    async def health(self) -> None:
        await self._json("health", self._dice.choice(("/health/live", "/health/ready")))

    async def metrics(self) -> None:
        answer = await self._ask("metrics", "GET", "/metrics")
        self._told.expect(b"reprise_" in answer.body, "metrics without a figure")

    async def look_at_map(self) -> None:
        """The points, again only when they have changed."""
        more = {"If-None-Match": self._tag} if self._tag else {}
        answer = await self._ask("map", "GET", f"{API}/map?model=soak", more=more, fine={200, 202, 304})
        self._tag = answer.headers.get("etag", self._tag)

    async def sign_in(self, password: str) -> None:
        body = json.dumps({"name": "admin", "password": password}).encode()
        await self._ask("login", "POST", f"{API}/auth/login", body)

    async def _json(self, kind: str, path: str, *, refusable: tuple[str, str] | None = None) -> Any:
        """What was answered; nothing when a model has not begun to serve yet."""
        yet = refusable is not None and refusable not in self._told.serving
        answer = await self._ask(kind, "GET", API + path, fine={OK, GONE} if refusable else {OK})
        if answer.status == GONE and not yet and (self._told.alike or NOT_YET not in answer.body):
            self._told.error(str(answer.status), f"{path} {answer.body[:300]!r}")
        if answer.status != OK:
            self._told.not_yet += 1
            return None
        if refusable is not None:
            self._told.serving.add(refusable)
        return json.loads(answer.body)

    async def _ask(
        self,
        kind: str,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        more: dict[str, str] | None = None,
        fine: frozenset[int] | set[int] = frozenset({OK}),
    ) -> Answer:
        began = time.perf_counter()
        try:
            answer = await self._line.ask(method, path, body, more)
        except Refused as refused:
            self._told.error("no answer", str(refused))
            raise
        self._told.milliseconds[kind].append(1000 * (time.perf_counter() - began))
        if answer.status not in fine:
            self._told.error(str(answer.status), f"{path} {answer.body[:300]!r}")
            raise Refused(f"{answer.status}: {path}")
        return answer

    def _own(self, found: Any, *, keep: bool = True) -> None:
        """All of it belongs to who asks."""
        items = found["items"]
        strange = [one["title"] for one in items if not (one["title"] or "").startswith(self._side.prefix)]
        self._told.expect(not strange, f"{self._side.prefix} was shown {strange[:3]}")
        if keep and items:
            self._titles = {one["id"]: one["title"] for one in items}


@dataclass
class Listener:
    """One who hears events. ``away``: who leaves now and then and comes back with the last id."""

    stream: Stream
    heard: Heard = field(default_factory=Heard)
    slow: bool = False
    away: bool = False
    returned: int = 0

    async def live(self, told: Told, stop: asyncio.Event, dice: random.Random) -> None:
        while not stop.is_set():
            leaving = asyncio.create_task(stop.wait())
            hearing = asyncio.create_task(self._hear())
            lasting = dice.uniform(*AWAY_SECONDS) if self.away else None
            done, _ = await asyncio.wait(
                {leaving, hearing}, timeout=lasting, return_when=asyncio.FIRST_COMPLETED
            )
            leaving.cancel()
            hearing.cancel()
            with suppress(asyncio.CancelledError):
                try:
                    await hearing
                except Refused as refused:
                    told.error("stream", str(refused))
                    await _wait(stop, 1.0)
            self.returned += hearing not in done and not stop.is_set()

    async def _hear(self) -> None:
        async for block in self.stream.blocks(f"{API}/events", self.heard.last):
            self.heard.take(block)
            if self.slow:
                await asyncio.sleep(SLOW_SECONDS)


async def run(task: dict[str, Any], told: Told, stop: asyncio.Event) -> dict[str, Any]:
    """All clients until ``stop``; what they found."""
    where = (str(task["host"]), int(task["port"]))
    mine = Side(task["token"], "Title", ("soak",))
    other = Side(task["other_token"], "Foreign", ("soak", "soak-text"))
    count = int(task["clients"])
    listeners = _listeners(where, mine, max(3, round(count * LISTENERS)))
    strangers = max(1, round(count * STRANGERS))
    people = [
        Client(where, other if n < strangers else mine, told, n)
        for n in range(max(2, count - len(listeners)))
    ]
    door, artist = Client(where, mine, told, -1), Client(where, mine, told, -2)
    await asyncio.gather(
        *(person.live(float(task["pause"]), stop) for person in people),
        *(one.live(told, stop, random.Random(n)) for n, one in enumerate(listeners)),
        _again(lambda: door.sign_in(task["password"]), DOOR_SECONDS, stop),
        _again(artist.look_at_map, 5.0, stop),
    )
    owed = await _feed(where, mine, min(floor for one in listeners for floor, _ in one.heard.stretches))
    return _facts(told, listeners, owed, len(people) + 2)


def _listeners(where: tuple[str, int], side: Side, count: int) -> list[Listener]:
    """A third of each kind."""
    headers = {"Authorization": f"Bearer {side.token}"}
    return [
        Listener(Stream(*where, headers, narrow=n % 3 == 1), slow=n % 3 == 1, away=n % 3 == 2)
        for n in range(count)
    ]


async def _again(ask: Callable[[], Awaitable[None]], seconds: float, stop: asyncio.Event) -> None:
    while not stop.is_set():
        with suppress(Refused):  # it is noted
            await ask()
        await _wait(stop, seconds)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _feed(where: tuple[str, int], side: Side, after: int) -> list[tuple[int, str]]:
    """What happened since, asked for page by page: what every listener should have heard."""
    line = Line(*where, {"Authorization": f"Bearer {side.token}"})
    told: list[tuple[int, str]] = []
    while True:
        answer = await line.ask("GET", f"{API}/events/recent?after={after}&limit=1000")
        page = json.loads(answer.body)
        told += [(one["seq"], one["name"]) for one in page["items"]]
        if page["reached"] <= after:
            await line.close()
            return told
        after = page["reached"]


def kept_up(heard: Heard, owed: list[tuple[int, str]]) -> tuple[int, int]:
    """How many events a listener missed, and how many came twice or in the wrong order.

    The last row that was heard does not count as missed: the line may have been cut between two events of it.
    """
    missed = doubled = 0
    for floor, events in heard.stretches:
        counted = Counter(events)
        last = events[-1][0] if events else floor
        due = Counter(one for one in owed if floor < one[0] < last)
        missed += sum((due - counted).values())
        doubled += sum((counted - Counter(one for one in owed if floor < one[0] <= last)).values())
        doubled += sum(later[0] < earlier[0] for earlier, later in itertools.pairwise(events))
    return missed, doubled


def _facts(told: Told, listeners: list[Listener], owed: list[tuple[int, str]], people: int) -> dict[str, Any]:
    every = [one for times in told.milliseconds.values() for one in times]
    accounts = [kept_up(one.heard, owed) for one in listeners]
    return {
        "people": people,
        "listeners": len(listeners),
        "answers": len(every),
        "errors": dict(told.errors),
        "examples": told.examples,
        "checked": told.checked,
        "wrong": told.wrong[:EXAMPLES],
        "wrong_count": len(told.wrong),
        "reopened": told.reopened,
        "not_yet": told.not_yet,
        "milliseconds": quantiles(every),
        "by_kind": {kind: quantiles(times) for kind, times in told.milliseconds.items()},
        "events_owed": len(owed),
        "events_heard": sum(len(events) for one in listeners for _, events in one.heard.stretches),
        "events_missed": sum(missed for missed, _ in accounts),
        "events_doubled": sum(doubled for _, doubled in accounts),
        "snapshots": sum(len(one.heard.stretches) for one in listeners),
        "returned": sum(one.returned for one in listeners),
        "serving": sorted(map(list, told.serving)),
    }


def quantiles(times: list[float]) -> dict[str, float]:
    """How many there are, and the 50th, 95th and 99th percentile of them."""
    if len(times) < 2:
        return {"count": len(times), "p50": sum(times), "p95": sum(times), "p99": sum(times)}
    cuts = statistics.quantiles(times, n=100)
    return {"count": len(times), "p50": cuts[49], "p95": cuts[94], "p99": cuts[98]}


async def _until_closed(task: dict[str, Any]) -> dict[str, Any]:
    told, stop, loop = Told(), asyncio.Event(), asyncio.get_running_loop()

    def watch() -> None:
        for line in sys.stdin:
            if line.strip() == COMPLETE:
                told.alike = int(task["alike"])
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch, daemon=True).start()
    return await run(task, told, stop)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_until_closed(json.loads(sys.stdin.readline())))), flush=True)
