"""Words of users and of files stay words: in headers, in lines of streams, in lines of the log.

Names of playlists are in ``tests/server/test_playlists.py::test_no_name_breaks_the_header``.
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from reprise.cli.render.log import make_log, server_logged
from reprise.core.events import ItemFailed
from reprise.server.api import create_api
from reprise.server.telling import block
from tests.security.routes import place_of, routes_of

if TYPE_CHECKING:
    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.security.callers import Callers

FORGED = (
    "song\r\n2026-11-22T00:00:00Z [error] event=forged\n\nevent: forged\ndata: {}\n\x1b[31m\x85\u2028 end\x00"
)
LINE_ENDS = "\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def failed(name: str) -> ItemFailed:
    return ItemFailed(
        job_id="j", model="m", item_id=1, path=name, code="unreadable", reason=name, cure="", will_retry=False
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_name_makes_a_line_of_the_log(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """One record is one line, whatever reads it: nobody writes a record of ours by naming a file so."""
    make_log("info", form)(failed(FORGED))
    with server_logged("info", form):
        logging.getLogger("reprise.server").warning("GET %s failed", f"/{FORGED}")
        try:
            int(FORGED)
        except ValueError:
            logging.getLogger("reprise.server").exception("%s went wrong", FORGED)
    written = capsys.readouterr().err
    lines = written.removesuffix("\n").split("\n")
    assert len(lines) == 3
    assert not set(written.replace("\n", "")) & {"\r", "\x1b", "\x00", "\x85", "\u2028"}
    assert all(line.startswith(("{", "timestamp=")) for line in lines)


def test_no_name_makes_an_event_of_a_stream() -> None:
    said = block("job", {"name": FORGED, "path": FORGED * 3}, 7).decode()
    lines = said.removesuffix("\n\n").split("\n")
    assert len(lines) == 3, "id, event and data, one line each"
    assert not set(said) & {"\r", "\x00"}
    data = next(line for line in lines if line.startswith("data: "))
    assert json.loads(data.removeprefix("data: "))["name"] == FORGED


def test_no_address_makes_a_header(client: TestClient, callers: Callers, house: House) -> None:
    """What is asked for is not written into the answer's head; of what is, each value is one line."""
    sent = dict(callers.named("admin").headers)
    for route in routes_of(create_api(house)):
        if route.path.endswith(("/events", "/doctor", "/docs", "/openapi.json")) or route.method != "GET":
            continue
        ids = dict.fromkeys(
            ("path:path", "name", "job_id", "plan_id", "run_id", "session_id"), "x%0d%0aSet-Cookie:%20a=b"
        )
        place = place_of(route, ids) + "?x=%0d%0aSet-Cookie:%20c=d&f=%0d%0aX-Evil:%201"
        answer = client.get(place, headers=sent)
        assert "x-evil" not in answer.headers, route
        assert "a=b" not in answer.headers.get("set-cookie", ""), route
        for name, value in answer.headers.items():
            assert not set(value) & set(LINE_ENDS), (route, name)


def test_a_name_with_odd_characters_is_a_name(client: TestClient, callers: Callers) -> None:
    """Persons and libraries may be called anything that can be shown; what cannot is refused and no 500."""
    admin = dict(callers.named("admin").headers)
    for name in (
        "a\r\nb",
        "a\nSet-Cookie: x=y",
        '"; filename="evil.exe',
        "Søren ♫",
        "<script>alert(1)</script>",
        "a\x00b",
    ):
        answer = client.post("/api/v1/persons", json={"name": name}, headers=admin)
        assert answer.status_code in {201, 422}, answer.text
        assert answer.headers["content-type"].startswith("application/json")
        if answer.status_code == 201:
            assert not set(answer.json()["name"]) & set("\r\n\x00")
