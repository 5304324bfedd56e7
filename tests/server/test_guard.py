"""What no request gets past: foreign names, foreign sites, bodies without end; and what every answer carries."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from reprise.core.accounts import Role
from reprise.errors import BadSetting
from reprise.server.api import create_api
from reprise.server.guard import HEADERS, MIB, MOST_BYTES, Guard
from reprise.server.hosts import Hosts
from reprise.server.house import House
from tests.harness import read_until
from tests.server.conftest import ORIGIN, PASSWORD, TEST_HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi import FastAPI

    from tests.harness import Home

ME = "/api/v1/auth/me"
PREFERENCES = "/api/v1/auth/preferences"
LOGIN = "/api/v1/auth/login"
JSON = {"Content-Type": "application/json"}
SCOPE = {
    "type": "http",
    "asgi": {"version": "3.0", "spec_version": "2.4"},
    "method": "GET",
    "scheme": "http",
    "path": "/",
    "raw_path": b"/",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
    "server": ("127.0.0.1", 7744),
}


# the name that is asked for


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:7744",
        "LOCALHOST.:1",
        "reprise.localhost",
        "127.0.0.1:7744",
        "127.8.9.10",
        "[::1]:7744",
        "[::1]",
        "192.0.2.5",
        "testserver:80",
    ],
)
def test_the_servers_own_names_and_addresses_are_served(client: TestClient, host: str) -> None:
    assert client.get(ME, headers={"Host": host}).status_code == 401


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:7744",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "notlocalhost",
        "localhost@evil.example",
        "localhost/evil",
        "localhost:port",
        "::1",
        "0x7f.1",
        "",
        "é",
        "*",
        ".",
    ],
)
def test_a_foreign_name_is_refused_whoever_asks(client: TestClient, host: str) -> None:
    answer = client.get(ME, headers={b"Host": host.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (421, "host_refused")
    assert "allowed_hosts" in answer.json()["cure"]
    assert answer.headers["content-security-policy"]


def test_the_settings_allow_more_names(home: Home) -> None:
    def hosts(**settings: str) -> Hosts:
        with home.app(**settings) as app:
            return Hosts(app.settings)

    named = hosts(allowed_hosts="music.example.org, nas:8443", host="studio.example")
    assert [named.allows(host) for host in ("Music.Example.ORG", "nas", "studio.example:7744")] == [True] * 3
    assert not named.allows("example.org")
    assert hosts(allowed_hosts="*").allows("whatever.example:1")
    assert not hosts(allowed_hosts="*").allows("no host")
    with pytest.raises(BadSetting, match="https://music"):
        hosts(allowed_hosts="https://music.example.org/")


# the site that a request comes from


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        ({"Origin": ORIGIN}, True),
        ({"Origin": f"{ORIGIN}:80"}, True),
        ({"Origin": f"https://{TEST_HOST}"}, True),  # a proxy in front speaks https
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "none"}, True),
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": f"{ORIGIN}.evil.example"}, False),
        ({"Origin": f"{ORIGIN}:8080"}, False),
        ({"Origin": f"https://{TEST_HOST}:80"}, False),
        ({"Origin": f"chrome-extension://{TEST_HOST}"}, False),
        ({"Origin": TEST_HOST}, False),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Authorization": "Bearer x"}, False),  # with the cookie it may be a browser
    ],
)
def test_what_writes_with_a_cookie_must_come_from_our_own_pages(
    signed_in: Callable[..., TestClient], sent: dict[str, str], taken: bool
) -> None:
    ada = signed_in("ada")
    del ada.headers["Origin"]
    answer = ada.put(PREFERENCES, json={"theme": "dark"}, headers=sent)
    assert answer.status_code == (200 if taken else 403)
    if not taken:
        assert answer.json()["code"] == "foreign_origin"
        assert ada.get(ME).json()["preferences"] == {}, "reading needs no origin, and nothing was written"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_every_way_to_write_is_guarded(signed_in: Callable[..., TestClient], method: str) -> None:
    ada = signed_in("ada")
    answer = ada.request(method, "/api/v1/nothing", headers={"Origin": "https://evil.example"})
    assert answer.json()["code"] == "foreign_origin"


def test_over_https_an_http_page_of_the_same_name_is_foreign(browser: Callable[..., TestClient]) -> None:
    secure = browser(base_url=f"https://{TEST_HOST}")
    assert secure.post("/api/v1/auth/logout").status_code == 403
    own = {"Origin": f"https://{TEST_HOST}"}
    assert secure.post("/api/v1/auth/logout", headers=own).status_code == 204


# bodies and addresses


def test_a_body_that_is_said_to_be_too_large_is_not_even_read(client: TestClient) -> None:
    said = {**JSON, "Content-Length": str(MOST_BYTES + 1)}
    answer = client.post(LOGIN, content=b"{}", headers=said)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert client.get("/api/v1/nothing", headers={"Content-Length": "9" * 5000}).status_code == 413


def test_a_body_in_pieces_is_read_up_to_the_limit(client: TestClient) -> None:
    pieces = (b" " * MIB for _ in range(64))
    answer = client.post(LOGIN, content=pieces, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.json()["cure"]
    just = (b" " * (MIB // 2) for _ in range(2))
    assert client.post(LOGIN, content=just, headers=JSON).status_code == 422


def test_sound_may_be_larger(api: FastAPI, client: TestClient, signed_in: Callable[..., TestClient]) -> None:
    @api.post("/embed/audio/test")
    async def taken(body: dict[str, Any]) -> int:
        return len(body["a"])

    api.router.routes.insert(0, api.router.routes.pop())  # before the answer to unknown paths
    sound = b'{"a": "' + b"x" * (2 * MIB) + b'"}'
    assert signed_in("ada").post("/embed/audio/test", content=sound, headers=JSON).json() == 2 * MIB
    said = {**JSON, "Content-Length": str(64 * MIB + 1)}
    assert client.post("/embed/audio/test", content=b"{}", headers=said).status_code == 413


@pytest.mark.parametrize(
    "path", ["/api/v1/%00", "/api/v1/items/%ff", "/%c3%28", ME + "?q=%00", ME + "?q=%ff"]
)
def test_addresses_that_are_no_text_are_refused(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", LOGIN, "POST"),
        ("OPTIONS", "/api/v1/users", "GET, POST"),
        ("POST", "/api/v1/users/ada", "DELETE, PATCH"),
        ("GET", "/api/v1/auth/tokens/x", "DELETE"),
        ("TRACE", ME, "GET"),
    ],
)
def test_a_known_address_says_what_can_be_done_with_it(
    client: TestClient, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


# answers


@pytest.mark.parametrize("path", [ME, "/", "/api/v1/openapi.json", "/api/v1/nothing", "/assets/nothing.js"])
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    answer = client.get(path)
    for name in HEADERS:
        assert answer.headers[name]
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "strict-transport-security" not in answer.headers


def test_https_is_remembered_only_over_https(browser: Callable[..., TestClient]) -> None:
    assert "strict-transport-security" in browser(base_url=f"https://{TEST_HOST}").get(ME).headers


def test_a_mistake_of_ours_tells_nothing_but_the_log(
    api: FastAPI, client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    @api.get("/broken")
    def broken() -> None:
        raise RuntimeError("the inside of the house")

    api.router.routes.insert(0, api.router.routes.pop())
    answer = client.get("/broken?token=hidden")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "house" not in answer.text
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "the inside of the house" in caplog.text
    assert "Traceback" in caplog.text
    assert "hidden" not in caplog.text


def test_an_answer_is_passed_on_piece_by_piece(house: House) -> None:
    sent: list[dict[str, Any]] = []
    seen: list[int] = []

    async def pieces() -> Any:
        for number in range(3):
            yield f"{number}\n"
            seen.append(len(sent))

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError("nobody leaves")

    guarded = Guard(StreamingResponse(pieces()), Hosts(house.app.settings))
    asyncio.run(guarded(dict(SCOPE), receive, send))
    assert seen == [2, 3, 4], "each piece was sent before the next one was made"


# proxies


@pytest.fixture
def proxied(home: Home) -> Iterator[Callable[[str], TestClient]]:
    """A client that asks from an address, of a server that believes 192.0.2.1 and the network 10.0.0.0/8."""
    with home.app(allowed_hosts=TEST_HOST, trusted_proxies="192.0.2.1, 10.0.0.0/8") as app:
        app.catalogue(create=True)
        house = House(app)
        house.accounts.add("ada", Role.USER, "default", PASSWORD)
        api = create_api(house)
        opened: list[TestClient] = []

        def ask_from(address: str) -> TestClient:
            opened.append(TestClient(api, client=(address, 1), headers={"X-Forwarded-Proto": "https"}))
            return opened[-1]

        yield ask_from
        for client in opened:
            client.close()


def test_only_a_trusted_proxy_says_that_it_is_https(proxied: Callable[[str], TestClient]) -> None:
    credentials = {"name": "ada", "password": PASSWORD}
    for address, believed in (("192.0.2.1", True), ("10.1.2.3", True), ("192.0.2.2", False)):
        answer = proxied(address).post(LOGIN, json=credentials)
        assert answer.status_code == 200
        assert ("Secure" in answer.headers["set-cookie"]) is believed
        assert ("strict-transport-security" in answer.headers) is believed


def test_only_a_trusted_proxy_says_who_asks(proxied: Callable[[str], TestClient]) -> None:
    def codes(address: str) -> set[int]:
        client = proxied(address)
        return {
            client.post(
                LOGIN,
                json={"name": f"{address} {number}", "password": "x"},
                headers={"X-Forwarded-For": f"203.0.113.9, 198.51.100.{number}"},
            ).status_code
            for number in range(12)
        }

    assert codes("192.0.2.1") == {401}, "twelve people"
    assert codes("192.0.2.2") == {401, 429}, "one who says to be twelve"


@pytest.mark.parametrize(("proxies", "believed"), [("unix", True), ("192.0.2.1", False)])
def test_a_proxy_on_the_unix_socket_may_be_trusted(home: Home, proxies: str, believed: bool) -> None:
    with home.app(trusted_proxies=proxies) as app:
        app.catalogue(create=True)
        api = create_api(House(app))
        headers = [(b"host", b"music.example.org"), (b"x-forwarded-proto", b"https")]
        scope = {**SCOPE, "path": ME, "raw_path": ME.encode(), "headers": headers, "server": ("/run/s", None)}
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b""}

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(api({**scope, "client": None}, receive, send))
        assert sent[0]["status"] == 401
        assert (b"strict-transport-security" in dict(sent[0]["headers"])) is believed


@pytest.mark.parametrize("proxies", ["proxy.example", "10.0.0.0/99", "10.0.0.1/8"])
def test_proxies_that_are_no_addresses_are_refused(home: Home, proxies: str) -> None:
    with home.app(trusted_proxies=proxies) as app, pytest.raises(BadSetting, match="trusted_proxies"):
        create_api(House(app))


# a server of its own


def test_the_first_start_over_a_unix_socket(home: Home, tmp_path: Path) -> None:
    """No client address, no port: the one-time password opens, is changed, and bodies without end are refused."""
    socket = tmp_path / "s"
    process = home.start("serve", "--port", "0", "--uds", str(socket))
    try:
        made = read_until(process, "admin_created")
        read_until(process, "listening")
        transport = httpx2.HTTPTransport(uds=str(socket))
        here = {"Origin": "http://anything"}
        with httpx2.Client(transport=transport, base_url="http://anything", headers=here, timeout=60) as web:
            body = (b" " * MIB for _ in range(64))
            too_large = web.post(LOGIN, content=body, headers=JSON)
            assert too_large.status_code == 413
            assert web.get("/api/v1/items/%ff").status_code == 400
            me = web.post(LOGIN, json={"name": made["name"], "password": made["password"]}).json()
            assert (me["name"], me["role"], me["must_change"]) == ("admin", "admin", True)
            assert web.get("/api/v1/users").json()["code"] == "password_change_needed"
            change = {"old": made["password"], "new": PASSWORD}
            assert web.post("/api/v1/auth/password", json=change).status_code == 204
            assert web.get("/api/v1/users").json()["items"][0]["name"] == "admin"
    finally:
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)
    assert made["password"] not in log
    assert process.returncode == 0
