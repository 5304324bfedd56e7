"""A scan by the Subsonic API's own call, as programs of music servers make it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from reprise.core.accounts import Role
from reprise.server.api import create_api
from reprise.server.house import House
from tests.harness import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness import Home


@pytest.fixture
def keys(home: Home) -> Iterator[tuple[TestClient, str, str]]:
    """A client, and the tokens of an administrator and of a user."""
    home.add("one")
    with home.app(allowed_hosts="testserver") as app:
        app.catalogue(create=True)
        app.library_of(home.music)
        house = House(app)
        tokens = []
        for name, role in (("ada", Role.ADMIN), ("bob", Role.USER)):
            house.accounts.add(name, role, "default", "a password for nobody")
            tokens.append(house.accounts.make_token(name, "scans", None)[1])
        with TestClient(create_api(house)) as client:
            yield client, tokens[0], tokens[1]


def test_a_scan_is_started_and_looked_at(keys: tuple[TestClient, str, str], home: Home) -> None:
    client, admin, user = keys

    def status() -> dict[str, object]:
        answer = client.get("/rest/getScanStatus", params={"apiKey": user, "f": "json"}).json()
        return dict(answer["subsonic-response"]["scanStatus"])

    assert status() == {"scanning": False, "count": 0}
    started = client.get("/rest/startScan.view", params={"fullScan": "true", "apiKey": admin, "f": "json"})
    assert started.json()["subsonic-response"]["status"] == "ok"
    wait_for(lambda: status() == {"scanning": False, "count": 1})
    home.add("two")
    client.get("/rest/startScan", headers={"Authorization": f"Bearer {admin}"})
    wait_for(lambda: status()["count"] == 2)


def test_the_answer_is_xml_unless_json_is_asked_for(keys: tuple[TestClient, str, str]) -> None:
    client, admin, _ = keys
    answer = client.get("/rest/getScanStatus", params={"apiKey": admin})
    assert answer.headers["Content-Type"].startswith("application/xml")
    root = ElementTree.fromstring(answer.text)
    assert (root.get("status"), root.get("openSubsonic")) == ("ok", "true")
    assert root[0].attrib == {"scanning": "false", "count": "0"}


def test_who_may_not_is_told_as_subsonic_does(keys: tuple[TestClient, str, str]) -> None:
    client, _, user = keys
    for params, code in (({}, 44), ({"apiKey": "rpr_wrong"}, 44), ({"apiKey": user}, 50)):
        answer = client.get("/rest/startScan", params={**params, "f": "json"})
        assert answer.status_code == 200
        assert answer.json()["subsonic-response"]["status"] == "failed"
        assert answer.json()["subsonic-response"]["error"]["code"] == code
