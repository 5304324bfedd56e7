"""Load and soak: a large library from scan to search and once more, while two hundred clients read and check answers.

``python -m benchmarks.proof_soak [--quick] [--tracks N] [--clients N] [--minutes M]``. A real server, real jobs, real
files that are really decoded; only the model is cheap. Ends by itself: the clients go once everything was done and the
minutes are over; when it takes two fifths longer than that, the soak has failed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.servers.ports import free_port

from benchmarks.measure import DISTINCT_FILES, PYTHON, ROOT, Row, make_library, report
from benchmarks.served import PASSWORD, PATIENCE_SECONDS, Served
from benchmarks.soak_clients import COMPLETE
from benchmarks.soak_models import EPOCH_FILE, install
from benchmarks.soak_rows import details, rows_of
from benchmarks.soak_watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

OTHERS_TRACKS = 40
MODEL, READER = "soak", "soak-text"


@dataclass(frozen=True, slots=True)
class Scale:
    """How much, how many, how long. ``distinct``: real files, which the tracks are links to; ``pause``: seconds between
    two questions of one client; ``workers``: as in the settings."""

    tracks: int
    distinct: int
    clients: int
    minutes: float
    pause: float
    look_seconds: float
    workers: int = 0

    @property
    def latest(self) -> float:
        """Seconds after which the clients go whatever is not done yet."""
        return max(300.0, 84 * self.minutes)


FULL = Scale(100_000, DISTINCT_FILES, 200, 10.0, 1.5, 3.0)
QUICK = Scale(300, 20, 5, 0.02, 0.1, 0.1, workers=1)


def main(arguments: Sequence[str] = ()) -> list[Row]:
    """Run, print, return the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few hundred tracks, five clients")
    parser.add_argument("--tracks", type=int)
    parser.add_argument("--clients", type=int)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--json", action="store_true")
    options, _ = parser.parse_known_args(arguments)
    base = QUICK if options.quick else FULL
    scale = replace(
        base,
        tracks=options.tracks or base.tracks,
        clients=options.clients or base.clients,
        minutes=base.minutes if options.minutes is None else options.minutes,
    )
    with tempfile.TemporaryDirectory(prefix="reprise-soak-") as folder:
        outcome = soak(Path(folder), scale)
    rows = rows_of(outcome)
    report(rows, arguments)
    for line in details(outcome):
        print(line, file=sys.stderr)
    return rows


@dataclass
class Outcome:
    """What happened. ``jobs``: the facts of the large jobs, in their order; ``clients``: what these found.

    ``spaces``: which space answered before and after the second large job; ``whole_at``: when every track had its vector,
    on the monotonic clock. Until then the library grows, afterwards only the run goes on.
    """

    scale: Scale
    watch: Watch
    jobs: list[dict[str, Any]]
    clients: dict[str, Any]
    spaces: tuple[str, str]
    whole_at: float
    seconds: float
    making_seconds: float


def soak(folder: Path, scale: Scale) -> Outcome:
    """The whole soak in ``folder``."""
    began = time.monotonic()
    mine = make_library(folder / "mine", scale.tracks, scale.distinct)
    others = _foreign(folder / "others", min(OTHERS_TRACKS, scale.distinct // 2))
    epoch = folder / "epoch"
    epoch.write_text("1")
    made = time.monotonic()
    variables = {
        "PYTHONPATH": os.pathsep.join(
            (str(ROOT), str(install(folder / "plugins")), os.environ.get("PYTHONPATH", ""))
        ).rstrip(os.pathsep),
        "REPRISE_WATCH": "no",
        "REPRISE_WORKERS": str(scale.workers),
        EPOCH_FILE: str(epoch),
    }
    with _logged_server(folder / "home", folder / "log", variables) as server:
        other_token = _let_in(server, "other")
        run = _Run(server, scale, mine)
        run.prepare(others)
        watch = Watch(
            server.process.pid, folder / "home", folder / "log", scale.look_seconds, run.operations_done
        )
        try:
            with _clients(server, other_token, scale) as clients:
                spaces = run.everything(epoch, clients)
                found = _leave(clients)
        finally:
            watch.close()
    return Outcome(scale, watch, run.jobs, found, spaces, run.whole_at, time.monotonic() - made, made - began)


class _Run:
    """What the server is asked to do."""

    def __init__(self, server: Served, scale: Scale, music: Path) -> None:
        self._server, self._scale, self._music = server, scale, music
        self._current = ""
        self._few = 0
        self._began = self.whole_at = time.monotonic()
        self.jobs: list[dict[str, Any]] = []

    def prepare(self, others: Path) -> None:
        """A small library of each owner's, so that there is something to find from the beginning."""
        self._few = self._server.post("/libraries", {"path": str(self._music.parent / "originals")})["id"]
        foreign = self._server.post("/libraries", {"path": str(others), "owner": "other"})["id"]
        self._until_done(self._start(self._few, [MODEL]))
        self._until_done(self._start(foreign, [MODEL, READER], owner="other"), owner="other")

    def everything(self, epoch: Path, clients: subprocess.Popen[str]) -> tuple[str, str]:
        """Scan, embed, scan again, embed anew under a new spec, and wait for the end of the time."""
        self._began = time.monotonic()
        library = self._server.post("/libraries", {"path": str(self._music)})["id"]
        self._large(library)
        self.whole_at = time.monotonic()
        assert clients.stdin is not None
        clients.stdin.write(f"{COMPLETE}\n")
        clients.stdin.flush()
        self._rescan(library)
        before = self._space()
        epoch.write_text("2")
        self._until_done(self._start(self._few, [MODEL]))  # all that is served now must be in the new space
        self._large(library)
        after = self._space()
        time.sleep(max(0.0, 60 * self._scale.minutes - (time.monotonic() - self._began)))
        return before, after

    def operations_done(self) -> tuple[str, int] | None:
        """The large job that runs, and how far it is."""
        if not (job := self._current):
            return None
        operations = self._server.get(f"/jobs/{job}")["operations"]
        return job, int(operations["done"])

    def _large(self, library: int) -> None:
        job = self._start(library, [MODEL])
        self._current = job
        self.jobs.append(self._until_done(job))
        self._current = ""

    def _start(self, library: int, models: list[str], owner: str | None = None) -> str:
        body = {"library_id": library, "models": models, "wanted": "missing", "owner": owner}
        return str(self._server.post("/jobs", body)["id"])

    def _until_done(self, job: str, owner: str = "default") -> dict[str, Any]:
        while True:
            facts: dict[str, Any] = self._server.get(f"/jobs/{job}", owner=owner)
            if facts["finished_at"] is not None:
                return facts
            self._in_time(f"job {job}: {facts['state']}, {facts['operations']}")
            time.sleep(0.2)

    def _rescan(self, library: int) -> None:
        """Have the library looked at again, in the server's own process."""
        before = self._server.get(f"/libraries/{library}")["scanned_at"]
        self._server.post(f"/libraries/{library}/scan", {})
        while self._server.get(f"/libraries/{library}")["scanned_at"] == before:
            self._in_time("the scan")
            time.sleep(0.2)

    def _space(self) -> str:
        item = self._server.get("/items", limit=1)["items"][0]["id"]
        return str(self._server.get("/similar", item_id=item, model=MODEL, limit=1)["space"])

    def _in_time(self, what: str) -> None:
        if time.monotonic() - self._began > self._scale.latest:
            raise TimeoutError(f"not done after {self._scale.latest:.0f} s: {what}")


@contextmanager
def _logged_server(home: Path, log: Path, variables: dict[str, str]) -> Iterator[Served]:
    """Like ``served``, with its log in a file."""
    environment = {**os.environ, "REPRISE_HOME": str(home), "REPRISE_ADMIN_PASSWORD": PASSWORD, **variables}
    port = free_port()
    command = [PYTHON, "-m", "reprise", "serve", "--port", str(port)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=file, text=True)
    try:
        server = Served(process, f"http://127.0.0.1:{port}", time.perf_counter())
        try:
            yield server
        finally:
            server.client.close()
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


@contextmanager
def _clients(server: Served, other_token: str, scale: Scale) -> Iterator[subprocess.Popen[str]]:
    host, _, port = server.url.removeprefix("http://").partition(":")
    task = {
        "host": host,
        "port": port,
        "token": server.token,
        "other_token": other_token,
        "password": PASSWORD,
        "clients": scale.clients,
        "pause": scale.pause,
        "alike": min(10, scale.tracks // scale.distinct),
    }
    process = subprocess.Popen(
        [PYTHON, "-m", "benchmarks.soak_clients"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        text=True,
    )
    with process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        try:
            yield process
        except BaseException:
            process.kill()
            raise


def _leave(clients: subprocess.Popen[str]) -> dict[str, Any]:
    """Have the clients go; what they found."""
    said, _ = clients.communicate(timeout=PATIENCE_SECONDS)
    found: dict[str, Any] = json.loads(said)
    return found


def _let_in(server: Served, name: str) -> str:
    """A user with an owner of their own; their token."""
    import httpx2

    server.post("/users", {"name": name, "role": "user", "password": PASSWORD})
    with httpx2.Client(base_url=f"{server.url}/api/v1", headers={"Origin": server.url}) as client:
        client.post("/auth/login", json={"name": name, "password": PASSWORD}).raise_for_status()
        made = client.post("/auth/tokens", json={"name": "soak"}).raise_for_status()
        return str(made.json()["token"])


def _foreign(folder: Path, tracks: int) -> Path:
    """Somebody else's files: they sound like the first ones of the large library, and are called otherwise."""
    from importlib import import_module

    id3: Any = import_module("mutagen.id3")  # it has no types
    music = make_library(folder, tracks, tracks)
    for number in range(tracks):
        tags = id3.ID3(folder / "originals" / f"{number}.mp3")
        tags.setall("TIT2", [id3.TIT2(encoding=3, text=f"Foreign {number}")])
        tags.save()
    return music


if __name__ == "__main__":
    main(sys.argv[1:])
