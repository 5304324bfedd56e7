"""The stream of events: nothing lost, nothing twice, nobody held up, nobody hears what is not theirs."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.feed import KEPT_ROWS
from reprise.core.job import JobRequest
from reprise.core.plan import Selection
from reprise.server.access import Role
from reprise.server.live import KEPT_EVENTS, Live
from reprise.server.machine import Machine, graphics_cards
from reprise.server.telling import tell
from tests.harness import PATIENCE_SECONDS
from tests.server.running import Heard, administrator, events_of, running

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import httpx2
    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home

RECENT = "/api/v1/events/recent"


def write(house: House, name: str, owner: str = "default", job_id: str | None = None, **facts: Any) -> int:
    """One row of the feed, as a run writes it; returns its number."""
    feed = house.app.catalogue().feed
    feed.add(owner, job_id, name, json.dumps({"event": name, **facts}), time.time())
    return feed.newest()


@pytest.fixture
def job_id(house: House, home: Home) -> str:
    library, _ = house.app.library_of(home.music)
    request = JobRequest(Selection("default", library.id), ("null",))
    return house.app.catalogue().jobs.create(request, "2026-11-21", time.time()).id


# rows become events


def test_rows_of_a_run_become_events_of_the_panel(house: House, job_id: str) -> None:
    write(house, "scan_started", job_id=job_id, library="music", root="/secret/place")
    write(house, "progress", job_id=job_id, percent=1.0, eta_seconds=None)
    write(house, "space_switched", job_id=job_id, model="null", space="null-1", previous=None)
    write(house, "space_held", job_id=job_id, model="null", space="null-2", reason="too few")
    write(house, "job_told", job_id="another-that-is-gone")
    told = tell(house, house.app.catalogue().feed.after(None, 0, 100))
    assert [event.name for event in told] == ["library", "job", "space", "space"]
    scanning, job, switched, held = (event.data for event in told)
    assert scanning["scanning"] is True
    assert "/secret/place" not in str(scanning)
    assert job["id"] == job_id
    assert (switched["switched"], held["switched"]) == (True, False)
    assert [event.seq for event in told] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("state", "level"),
    [
        ("completed", "success"),
        ("completed_with_errors", "warning"),
        ("cancelled", "info"),
        ("failed", "error"),
    ],
)
def test_each_end_of_a_job_has_its_notice(house: House, job_id: str, state: str, level: str) -> None:
    operations = {"total": 9, "done": 5, "skipped": 2, "failed": 2}
    write(house, "job_finished", job_id=job_id, state=state, operations=operations, seconds=3.5, error="why")
    job, notice = tell(house, house.app.catalogue().feed.after(None, 0, 100))
    assert (job.name, notice.name) == ("job", "notice")
    assert job.seq == notice.seq
    assert notice.data["level"] == level
    assert notice.data["text_key"] == f"notice.{state}"
    facts = notice.data["facts"]
    assert (facts["job_id"], facts["operations"], facts["errors"], facts["error"]) == (job_id, 5, 2, "why")


def test_a_pause_is_no_end(house: House, job_id: str) -> None:
    write(house, "job_finished", job_id=job_id, state="paused")
    assert [event.name for event in tell(house, house.app.catalogue().feed.after(None, 0, 9))] == ["job"]


# polling


def test_who_begins_gets_a_snapshot_and_then_every_event_once(
    admin: TestClient, house: House, job_id: str
) -> None:
    first = admin.get(RECENT).json()
    assert [event["name"] for event in first["items"]] == ["snapshot"]
    assert [job["id"] for job in first["items"][0]["data"]["jobs"]] == [job_id]
    numbers = [write(house, "progress", job_id=job_id, eta_seconds=None) for _ in range(5)]
    heard: list[int] = []
    reached = first["reached"]
    for _ in range(4):
        page = admin.get(RECENT, params={"after": reached, "limit": 2}).json()
        heard += [event["seq"] for event in page["items"]]
        reached = page["reached"]
    assert heard == numbers


def test_who_is_no_administrator_hears_of_libraries_and_spaces_of_their_own(
    user: TestClient, house: House, job_id: str
) -> None:
    assert user.get(RECENT).json()["items"][0]["data"]["jobs"] == []
    start = write(house, "progress", job_id=job_id, eta_seconds=None)
    mine = write(house, "library", library_id=1, scanning=True)
    write(house, "library", owner="eve", library_id=2, scanning=True)
    last = write(house, "progress", owner="eve", job_id=job_id, eta_seconds=None)
    page = user.get(RECENT, params={"after": start - 1}).json()
    assert [event["seq"] for event in page["items"]] == [mine]
    assert page["reached"] == last  # and asks on behind what is not theirs to hear


@pytest.mark.parametrize("after", [10**6, 2**63 - 1])
def test_an_unknown_id_gets_a_snapshot(admin: TestClient, house: House, after: int) -> None:
    write(house, "library", library_id=1)
    page = admin.get(RECENT, params={"after": after}).json()
    assert [event["name"] for event in page["items"]] == ["snapshot"]
    assert page["reached"] == 1


def test_an_id_whose_later_rows_are_gone_gets_a_snapshot(admin: TestClient, house: House) -> None:
    feed = house.app.catalogue().feed
    for number in range(KEPT_ROWS + 5):
        feed.add("default", None, "library", json.dumps({"library_id": number}), 0.0)
    feed.prune()
    assert admin.get(RECENT, params={"after": 2}).json()["items"][0]["name"] == "snapshot"
    assert admin.get(RECENT, params={"after": 6}).json()["items"][0]["name"] == "library"


@pytest.mark.parametrize(
    "query", ["after=-1", "after=x", f"after={2**63}", "limit=0", "limit=1001", "limit=1e3"]
)
def test_numbers_that_are_none_are_refused(admin: TestClient, query: str) -> None:
    answer = admin.get(f"{RECENT}?{query}")
    assert answer.status_code == 422
    assert answer.json()["cure"]


def test_nobody_hears_nothing(client: TestClient) -> None:
    for path in (RECENT, "/api/v1/events", "/api/v1/machine"):
        assert client.get(path).status_code == 401


# the machine


def test_the_machine_is_for_administrators(admin: TestClient) -> None:
    answer = admin.get("/api/v1/machine")
    assert answer.status_code == 200
    machine = Machine.model_validate(answer.json())
    assert 0 < machine.memory_used_mb < machine.memory_total_mb


def test_the_machine_is_not_for_others(user: TestClient) -> None:
    assert user.get("/api/v1/machine").status_code == 403


def test_graphics_cards_are_read_from_what_the_driver_says(tmp_path: Path) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text("#!/bin/sh\necho 'NVIDIA H200, 512, 143771, 37'\necho 'Odd, Card, 1, 2, [N/A]'\n")
    program.chmod(0o755)
    one, two = graphics_cards(str(program))
    assert (one.name, one.used_mb, one.total_mb, one.percent) == ("NVIDIA H200", 512.0, 143771.0, 37.0)
    assert (two.name, two.percent) == ("Odd, Card", None)


# real streams of a real server


def opened(client: httpx2.Client, last: int | str | None = None) -> Any:
    headers = {} if last is None else {"Last-Event-ID": str(last)}
    return client.stream("GET", "/events", headers=headers)


def up_to(events: Iterator[Heard], stop: Callable[[Heard], bool]) -> list[Heard]:
    """Events until one of them, that one too."""
    found: list[Heard] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    for event in events:
        found.append(event)
        if stop(event):
            return found
        if time.monotonic() > deadline:
            break
    raise AssertionError(f"the stream ended after {[event.name for event in found]}")


def library_event(number: int) -> Callable[[Heard], bool]:
    return lambda event: event.name == "library" and event.data["library_id"] == number


def add(home: Home, *numbers: int, owner: str = "default") -> None:
    """Rows that another process writes."""
    with home.app() as app:
        for number in numbers:
            data = json.dumps({"library_id": number, "scanning": False})
            app.catalogue().feed.add(owner, None, "library", data, time.time())


def numbers_of(events: list[Heard]) -> list[int]:
    return [event.data["library_id"] for event in events if event.name == "library"]


def test_a_cut_connection_and_a_killed_server_lose_nothing_and_tell_nothing_twice(home: Home) -> None:
    with running(home) as server, administrator(server) as client:
        with opened(client) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            events = events_of(answer)
            first = next(events)
            assert first.name == "snapshot"
            assert first.id == first.data["seq"]
            add(home, *range(10))
            heard = up_to(events, library_event(5))
        add(home, *range(10, 20))
        with opened(client, heard[-1].id) as answer:
            heard += up_to(events_of(answer), library_event(15))
        server.end(signal.SIGKILL)
    add(home, *range(20, 30))
    last = next(event.id for event in reversed(heard) if event.id)
    with running(home) as server, administrator(server) as client, opened(client, last) as answer:
        add(home, 30)
        heard += up_to(events_of(answer), library_event(30))
        server.end(signal.SIGTERM)
    assert numbers_of(heard) == list(range(31))
    ids = [event.id for event in heard if event.id]
    assert ids == sorted(set(ids))


@pytest.mark.parametrize("last", ["99999999", "-1", "x", "9" * 30])
def test_a_client_with_an_id_of_elsewhere_is_told_how_things_stand(home: Home, last: str) -> None:
    with running(home) as server, administrator(server) as client:
        with opened(client, last) as answer:
            assert next(events_of(answer)).name == "snapshot"
        with client.stream("GET", f"/events?last_event_id={last}") as answer:
            assert next(events_of(answer)).name == "snapshot"


def test_a_job_is_followed_to_its_end(home: Home) -> None:
    home.add_many(5)
    with running(home) as server, administrator(server) as client, opened(client) as answer:
        events = events_of(answer)
        assert next(events).data["jobs"] == []
        library = client.post("/libraries", json={"path": str(home.music), "watch": False})
        assert library.status_code == 201, library.text
        started = client.post("/jobs", json={"library_id": library.json()["id"], "models": ["null"]})
        assert started.status_code == 202, started.text
        heard = up_to(events, lambda event: event.name == "notice")
        server.end(signal.SIGTERM)
    job = started.json()["id"]
    mine = [event for event in heard if event.name == "job" and event.data["id"] == job]
    assert mine[-1].data["state"] == "completed"
    assert mine[-1].data["percent"] == 100.0
    percents = [event.data["percent"] for event in mine]
    assert percents == sorted(percents)
    assert heard[-1].data["level"] == "success"
    assert {event.name for event in heard} >= {"job", "library", "space", "machine", "notice"}


def test_who_does_not_read_is_told_how_things_stand_and_holds_nobody_up(home: Home) -> None:
    many = 4 * KEPT_EVENTS
    text = "x" * 5000  # more in all than the system's buffers take
    with running(home) as server, administrator(server) as client, opened(client) as slow:
        asleep = events_of(slow)
        assert next(asleep).name == "snapshot"
        with opened(client) as answer:
            events = events_of(answer)
            next(events)
            with home.app() as app, app.catalogue()._database.transaction() as transaction:  # type: ignore[attr-defined]
                transaction.execute_many(
                    "INSERT INTO feed (owner, at, name, data) VALUES ('default', 0, 'library', ?)",
                    [(json.dumps({"library_id": n, "text": text}),) for n in range(many)],
                )
            awake = up_to(events, library_event(many - 1))
        late = up_to(asleep, lambda event: event.name == "snapshot")
        add(home, many)
        late += up_to(asleep, library_event(many))
        server.end(signal.SIGTERM)
    assert numbers_of(awake) == list(range(many)) or "snapshot" in {event.name for event in awake}
    ids = [event.id for event in late if event.id]
    assert ids == sorted(ids)


def test_signing_out_ends_the_stream(
    house: House, signed_in: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    import anyio

    from reprise.server import stream

    monkeypatch.setattr(stream, "SIGNED_IN_SECONDS", 0.0)
    monkeypatch.setattr(stream, "PING_SECONDS", 0.05)
    browser = signed_in("ada", Role.ADMIN)
    live = Live(house)
    live.start()
    house.services.append(live)

    async def listen() -> list[bytes]:
        from reprise.server.access import Person, caller, person

        session = browser.cookies["reprise_session"]

        async def still() -> Person:
            return await person(caller(house, None, session))

        listener = stream.Listener(house, live, Person("ada", Role.ADMIN, "default"), None, still)
        heard = []
        async for data in listener.stream():
            heard.append(data)
            if len(heard) == 3:
                house.accounts.sign_out(session)
        return heard

    with anyio.from_thread.start_blocking_portal() as portal:
        heard = portal.call(listen)
    live.stop()
    house.services.clear()
    assert b"event: snapshot" in heard[0]
    assert any(b"ping" in data for data in heard)


def test_nobody_listens_nothing_is_read(house: House) -> None:
    live = Live(house)
    live.start()
    write(house, "library", library_id=1)
    time.sleep(0.6)
    assert live.head == 0
    assert live.machine == (0, b"")
    live.stop()
    assert live.trouble()  # its threads have ended
