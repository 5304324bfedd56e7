"""Renaming as a stream, over a real socket: each file is told of as it is renamed, and who leaves ends it."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.harness import wait_for
from tests.server.renamed import ended, many, planned
from tests.server.running import administrator, events_of, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

    from tests.harness import Home

FILES = 400
STREAM = {"Accept": "text/event-stream"}


@contextmanager
def served(home: Home, files: int = FILES) -> Iterator[tuple[httpx2.Client, int]]:
    """Somebody who is signed in, and a library of that many files."""
    many(home.music, files)
    with running(home) as server, administrator(server) as client:
        library = client.post("/libraries", json={"path": str(home.music)}).raise_for_status().json()["id"]
        yield client, library


def renamed(home: Home) -> int:
    return sum(path.name.startswith("Moby - ") for path in home.music.iterdir())


def test_a_start_then_each_file_then_the_end(home: Home) -> None:
    with served(home) as (client, library):
        plan = planned(client, library, prefix="")["id"]
        with client.stream("POST", f"/rename/plans/{plan}/apply", json={}, headers=STREAM) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert "no-cache" in answer.headers["cache-control"]
            told = list(events_of(answer))
        assert (told[0].name, told[0].data["total"]) == ("start", FILES)
        progress = [event.data for event in told[1:-1]]
        assert {event.name for event in told[1:-1]} == {"progress"}
        assert sorted(event["index"] for event in progress) == list(range(FILES))
        assert {event["result"] for event in progress} == {"moved"}
        assert [event["done"] for event in progress] == list(range(1, FILES + 1))
        assert (told[-1].name, told[-1].data["state"], told[-1].data["done"]) == ("completed", "done", FILES)
        assert renamed(home) == FILES
        session = ended(client, told[0].data["session_id"], "")
        assert (session["state"], session["done"]) == ("done", FILES)


def test_closing_the_stream_ends_the_renaming_within_one_file(home: Home) -> None:
    """The bytes of some events may wait in sockets, so many more files are there than fit into these."""
    files = 6000
    with served(home, files) as (client, library):
        plan = planned(client, library, prefix="")["id"]
        with client.stream("POST", f"/rename/plans/{plan}/apply", json={}, headers=STREAM) as answer:
            events = events_of(answer)
            session = next(events).data["session_id"]
            for _ in range(5):
                assert next(events).name == "progress"
        facts = ended(client, session, "")
        assert facts["state"] == "cancelled"
        assert 5 <= facts["done"] < files
        left = wait_for(lambda: renamed(home))
        assert left == facts["done"]
        assert client.get(f"/rename/sessions/{session}").json()["can_recover"] is True
        client.post(f"/rename/sessions/{session}/recover", json={"finish": False}).raise_for_status()
        assert ended(client, session, "")["done"] == 0
        assert renamed(home) == 0


def test_without_a_stream_it_goes_on_when_nobody_listens(home: Home) -> None:
    """The fallback: the answer comes at once, and how far it is is asked for."""
    with served(home) as (client, library):
        plan = planned(client, library, prefix="")["id"]
        path = f"/rename/plans/{plan}/apply"
        answer = client.post(path, params={"stream": "false"}, json={}, headers=STREAM)
        assert answer.status_code == 202, answer.text
        assert answer.json()["total"] == FILES
        assert ended(client, answer.json()["id"], "")["state"] == "done"
        assert renamed(home) == FILES


def test_what_is_in_the_way_is_said_before_a_stream_begins(home: Home) -> None:
    with served(home, 3) as (client, library):
        plan = planned(client, library, prefix="")["id"]
        client.post(f"/rename/plans/{plan}/apply", json={}, headers=STREAM).raise_for_status()
        answer = client.post(f"/rename/plans/{plan}/apply", json={}, headers=STREAM)
        assert (answer.status_code, answer.json()["code"]) == (409, "rename_conflict")
        assert client.post(f"/rename/plans/{'0' * 16}/apply", json={}, headers=STREAM).status_code == 404


def test_cancel_stops_it_and_the_stream_says_so(home: Home) -> None:
    with served(home, 6000) as (client, library):
        plan = planned(client, library, prefix="")["id"]
        with client.stream("POST", f"/rename/plans/{plan}/apply", json={}, headers=STREAM) as answer:
            events = events_of(answer)
            session = next(events).data["session_id"]
            next(events)
            with administrator_again(client) as other:
                other.post(f"/rename/sessions/{session}/cancel").raise_for_status()
            told = list(events)
        assert told[-1].name in {"cancelled", "completed"}
        assert told[-1].data["done"] == renamed(home)


@contextmanager
def administrator_again(client: httpx2.Client) -> Iterator[httpx2.Client]:
    """The same person on another connection: the first one is busy with the stream."""
    import httpx2

    with httpx2.Client(base_url=client.base_url, headers=client.headers, cookies=client.cookies) as other:
        yield other


def test_a_killed_server_leaves_a_session_that_can_be_finished(home: Home) -> None:
    files = 6000
    many(home.music, files)
    with running(home) as server, administrator(server) as client:
        library = client.post("/libraries", json={"path": str(home.music)}).raise_for_status().json()["id"]
        plan = planned(client, library, prefix="")["id"]
        with client.stream("POST", f"/rename/plans/{plan}/apply", json={}, headers=STREAM) as answer:
            events = events_of(answer)
            session = next(events).data["session_id"]
            next(events)
            server.process.send_signal(signal.SIGKILL)
            server.process.wait()
    assert 1 <= renamed(home) < files
    with running(home) as server, administrator(server) as client:
        facts = client.get(f"/rename/sessions/{session}").json()
        assert (facts["state"], facts["can_recover"]) == ("interrupted", True)
        assert client.get("/rename/sessions").json()["items"][0]["id"] == session
        client.post(f"/rename/sessions/{session}/recover", json={"finish": True}).raise_for_status()
        assert ended(client, session, "")["state"] == "done"
    assert renamed(home) == files
