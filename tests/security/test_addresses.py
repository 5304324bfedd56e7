"""Addresses of other servers: who names them, which are asked, and that a secret stays with the one it was given for."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from reprise.core.addresses import check_server_address, check_web_address, same_server
from reprise.errors import BadSetting, EndpointLost, RemoteError, RepriseError
from reprise.known_settings import SETTINGS
from reprise.models.endpoint import Endpoint, Patience
from reprise.musicbrainz.asking import Pace, Service
from reprise.server.held_secrets import SECRET_OF
from reprise.settings import load_settings
from reprise.subsonic.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home
    from tests.security.callers import Callers

SETTINGS_URL = "/api/v1/settings"
WEB = ("endpoint", "subsonic_url", "hub", "acoustid_url", "musicbrainz_url")
SERVERS = ("catalogue_url", "store_url", "lexical_url", "broker_url", "notify")
NO_SERVERS = {
    "weights",
    "cache",
    "text_model",
    "transcriber",
    "face_detector",
    "face_embedder",
    "navidrome_database",
}
"""Settings of text that name a file or a folder of this machine."""

METADATA = [
    "169.254.169.254", "169.254.169.254.", "169.254.170.2", "2852039166", "0xA9FEA9FE", "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[fd00:ec2::254]", "[fe80::1%25eth0]", "[fe80::1]",
    "100.100.100.200", "metadata.google.internal", "METADATA.google.internal.", "metadata", "user:word@169.254.169.254",
]  # fmt: skip
FINE = [
    "127.0.0.1",
    "10.0.0.7",
    "192.168.1.2:4533",
    "[fd12:3456::1]",
    "[::1]",
    "nas.local",
    "music.example.org",
    "1.2.3.4",
]


def test_every_setting_that_names_a_server_is_looked_at() -> None:
    """A new one that holds an address must be checked, and named here."""
    checked = {one.name for one in SETTINGS if one.check in {check_web_address, check_server_address}}
    assert checked == {*WEB, *SERVERS}
    named = {one.name for one in SETTINGS if one.name.endswith(("url", "endpoint", "hub", "address"))}
    assert named <= checked


@pytest.mark.parametrize("host", METADATA)
def test_a_clouds_own_services_are_never_asked(home: Home, host: str) -> None:
    for name in (*WEB, *SERVERS):
        scheme = {"catalogue_url": "postgresql", "broker_url": "redis", "notify": "json"}.get(name, "http")
        with pytest.raises(BadSetting, match="cloud"):
            load_settings({name: f"{scheme}://{host}/x"}, home.environment)
    with pytest.raises(BadSetting, match="cloud"):
        load_settings({"notify": f"mailto://ada@example.org json://{host}:80/"}, home.environment)


@pytest.mark.parametrize("host", FINE)
def test_addresses_of_ones_own_network_are_as_good_as_any(home: Home, host: str) -> None:
    for name in WEB:
        load_settings({name: f"https://{host}/v1"}, home.environment)


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "gopher://nas/", "ftp://nas/", "unix:///run/s", "FILE://x/y"]
)
def test_only_http_is_spoken_where_http_is_meant(home: Home, address: str) -> None:
    for name in WEB:
        with pytest.raises(BadSetting, match="neither http nor https"):
            load_settings({name: address}, home.environment)


def test_only_administrators_name_servers(client: TestClient, callers: Callers) -> None:
    """And what is refused in a file is refused over HTTP."""
    for name in ("user", "other owner's user", "nobody"):
        answer = client.patch(
            SETTINGS_URL, json={"endpoint": "http://nas/v1"}, headers=dict(callers.named(name).headers)
        )
        assert answer.status_code in {401, 403}
    admin = dict(callers.named("admin").headers)
    for value in ("http://169.254.169.254/v1", "file:///etc/passwd"):
        answer = client.patch(SETTINGS_URL, json={"endpoint": value}, headers=admin)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_setting")
    assert (
        client.patch(SETTINGS_URL, json={"endpoint": "http://10.0.0.7/v1"}, headers=admin).status_code == 200
    )


# a secret stays with its server


@pytest.mark.parametrize(("one", "other", "same"), [
    ("http://nas", "http://nas:80/v1", True), ("http://NAS/a", "http://nas/b", True),
    ("http://nas", "https://nas", False), ("http://nas", "http://nas:81", False), ("http://nas", "http://nas.evil", False),
    ("http://nas", "http://nas@evil", False), ("", "http://nas", False), ("http://nas:x", "http://nas", False),
    ("http://[", "", True),
])  # fmt: skip
def test_what_is_the_same_server(one: str, other: str, same: bool) -> None:
    assert same_server(one, other) is same


def test_a_secret_is_not_sent_to_another_server(client: TestClient, callers: Callers, house: House) -> None:
    """Who may set addresses must not thereby read what no page shows."""
    for address, secret in SECRET_OF.items():
        _keep_a_secret_with(address, secret, house, client, dict(callers.named("admin").headers))


def _keep_a_secret_with(
    address: str, secret: str, house: House, client: TestClient, admin: dict[str, str]
) -> None:
    def change(**values: object) -> int:
        return client.patch(SETTINGS_URL, json=values, headers=admin).status_code

    ours, theirs = "http://nas.example:1/v1", "http://evil.example:1/v1"
    assert change(**{address: ours, secret: "a key"}) == 200
    for value in (theirs, "", None, "http://nas.example:2/v1", "https://nas.example:1/v1"):
        if value != "" or address != "acoustid_url":  # that one may not be empty
            assert change(**{address: value}) == 409, value
    assert house.app.settings.text(address) == ours
    assert change(**{address: "http://nas.example:1/v2"}) == 200, "the same server"
    assert change(**{address: theirs, secret: "another key"}) == 200
    assert change(**{address: ours, secret: None}) == 200
    assert change(**{address: theirs}) == 200, "there is nothing to send"


def test_a_secret_of_the_environment_stays_with_its_server_too(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprise.errors import SettingHeld
    from reprise.server.house import House

    environment = {**home.environment, "REPRISE_ENDPOINT_KEY": "a key"}
    home.environment = environment
    with home.app() as app:
        house = House(app)
        with pytest.raises(SettingHeld) as refused:
            house.configure({"endpoint": "http://evil.example/v1"})
        assert "REPRISE_ENDPOINT_KEY" in refused.value.cure
        monkeypatch.setenv("HF_TOKEN", "hf_secret")
        with pytest.raises(SettingHeld, match="token for the model hub"):
            house.configure({"hub": "http://evil.example"})


# what another server answers


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that answers so; the headers of what it was asked."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked.append({name.lower(): value for name, value in self.headers.items()})
            answer(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}", asked
        finally:
            listening.shutdown()
            thread.join()


def _ask_endpoint(url: str) -> object:
    patience = Patience(request=5.0, item=5.0, attempts=1, first_pause=0.0, failures=1)
    return Endpoint(url, "model", "a-key", patience).ask({}, bytes)


def _ask_subsonic(url: str) -> object:
    return (
        Connection(url, 5.0)
        .exchange("GET", "/rest/ping?t=a-key", headers={"X-ND-Authorization": "a-key"})
        .status
    )


def _ask_service(url: str) -> object:
    return Service("acoustid", url, Pace(0.0), 5.0).ask("POST", "/v2/lookup", "client=a-key")


@pytest.mark.parametrize("ask", [_ask_endpoint, _ask_subsonic, _ask_service])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_leads_nowhere(ask: Callable[[str], object], status: int) -> None:
    """Neither the key nor the question goes to another host, be it ours inside of the house."""

    def ok(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()

    with server(ok) as (inside, reached):

        def redirect(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Location", f"{inside}/latest/meta-data")
            handler.send_header("Content-Length", "0")
            handler.end_headers()

        with server(redirect) as (outside, asked):
            try:
                answer = ask(outside)
            except (EndpointLost, RemoteError) as error:
                answer = error
        assert answer == status or isinstance(answer, RepriseError)
        assert (len(asked), reached) == (1, [])


@pytest.mark.parametrize("ask", [_ask_endpoint, _ask_service])
def test_what_a_server_answers_is_not_passed_on_whole(ask: Callable[[str], object]) -> None:
    """A page of somebody's router in an error would make us its reader."""

    def page(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(404)
        handler.end_headers()
        handler.wfile.write(b"start " + b"secret\r\n\x1b[31m " * 1000)

    with server(page) as (url, _), pytest.raises(RepriseError) as refused:
        ask(url)
    told = f"{refused.value.message} {refused.value.cure}"
    assert len(told) < 500
    assert told.isprintable()


def test_an_answer_without_an_end_is_not_kept() -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b" " * (1 << 20))
        except OSError:
            return  # hung up

    for ask in (_ask_endpoint, _ask_service):
        with server(endless) as (url, _), pytest.raises(RepriseError, match="more than"):
            ask(url)


def test_a_setting_that_names_a_file_of_ours_reads_nothing_aloud(
    client: TestClient, callers: Callers, tmp_path: Path
) -> None:
    """An administrator of the panel may name files to read as models and databases: what is in others is not told."""
    hidden = tmp_path / "hidden"
    hidden.write_text("root:x:0:0:words that nobody may read\n" * 50)
    admin = dict(callers.named("admin").headers)
    named = dict.fromkeys(NO_SERVERS, str(hidden))
    assert client.patch(SETTINGS_URL, json=named, headers=admin).status_code == 200
    for path in ("/doctor", "/health/ready", "/models", "/pipeline", "/following"):
        answer = client.get(f"/api/v1{path}", headers=admin)
        assert "words that nobody" not in answer.text, path
