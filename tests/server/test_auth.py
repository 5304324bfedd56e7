"""Signing in and out, the own password, preferences, and what is kept of all that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from reprise.core.accounts import Role
from reprise.server.tries import PER_MINUTE
from tests.server.conftest import ORIGIN, PASSWORD

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.testclient import TestClient

    from reprise.server.house import House

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"
NEW = "another good password"


def sign_in(client: TestClient, name: str, password: str = PASSWORD) -> Any:
    return client.post(LOGIN, json={"name": name, "password": password})


def test_who_signs_in_is_known_until_they_sign_out(signed_in: Callable[..., TestClient]) -> None:
    ada = signed_in("ada", Role.ADMIN, "family")
    me = ada.get(ME).json()
    assert (me["name"], me["role"], me["owner"], me["must_change"]) == ("ada", "admin", "family", False)
    assert me["preferences"] == {}
    assert me["version"]

    kept = dict(ada.cookies)
    assert ada.post("/api/v1/auth/logout").status_code == 204
    assert "reprise_session" not in ada.cookies
    ada.cookies.update(kept)
    assert ada.get(ME).status_code == 401, "the session itself has ended, not only the browser's memory of it"


def test_the_cookie_is_kept_from_scripts_and_other_sites(
    house: House, browser: Callable[..., TestClient]
) -> None:
    house.accounts.add("ada", Role.USER, "default", PASSWORD)
    plain = sign_in(browser(), "ada").headers["set-cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=lax" in plain
    assert "Path=/" in plain
    assert "Secure" not in plain
    secure = sign_in(
        browser(base_url="https://testserver", headers={"Origin": "https://testserver"}), "ada"
    ).headers["set-cookie"]
    assert "Secure" in secure


def test_signing_in_again_ends_the_browsers_earlier_session(signed_in: Callable[..., TestClient]) -> None:
    ada = signed_in("ada")
    before = ada.cookies["reprise_session"]
    sign_in(ada, "ada")
    assert ada.cookies["reprise_session"] != before
    ada.cookies.clear()
    assert ada.get(ME, headers={"Cookie": f"reprise_session={before}"}).status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "a" * 3000, "%00", '"quoted"'])
def test_a_session_that_is_none_is_nobody(browser: Callable[..., TestClient], cookie: str) -> None:
    answer = browser().get(ME, headers={"Cookie": f"reprise_session={cookie}"})
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_signed_in"
    assert answer.headers["www-authenticate"] == "Bearer"


def test_an_unknown_name_costs_what_a_wrong_password_costs(
    house: House, browser: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.accounts.add("ada", Role.USER, "default", PASSWORD)
    asked: list[str] = []
    hasher = PasswordHasher
    hashing, verifying = hasher.hash, hasher.verify

    def hash_noted(self: PasswordHasher, password: str) -> str:
        asked.append("hash")
        return hashing(self, password)

    def verify_noted(self: PasswordHasher, stored: str, password: str) -> bool:
        asked.append("verify")
        return verifying(self, stored, password)

    monkeypatch.setattr(hasher, "hash", hash_noted)
    monkeypatch.setattr(hasher, "verify", verify_noted)
    wrong, unknown = sign_in(browser(), "ada", "wrong"), sign_in(browser(), "nobody", "wrong")
    assert asked == ["verify", "hash"], "one full Argon2 computation each"
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json() == unknown.json(), "the answer does not tell whether there is such a user"


def test_tries_are_limited_for_each_address(browser: Callable[..., TestClient]) -> None:
    client = browser()
    answers = [sign_in(client, f"n{number}", "wrong") for number in range(PER_MINUTE + 1)]
    assert [answer.status_code for answer in answers] == [401] * PER_MINUTE + [429]
    refused = answers[-1]
    assert refused.json()["code"] == "too_many_tries"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    elsewhere = browser(client=("192.0.2.7", 1000))
    assert sign_in(elsewhere, "n0", "wrong").status_code == 401


def test_tries_are_limited_for_each_name_from_wherever_they_come(
    house: House, browser: Callable[..., TestClient]
) -> None:
    house.accounts.add("ada", Role.USER, "default", PASSWORD)
    for number in range(PER_MINUTE):
        assert sign_in(browser(client=(f"192.0.2.{number}", 1)), "ada", "wrong").status_code == 401
    assert sign_in(browser(client=("198.51.100.1", 1)), "ada").status_code == 429
    assert sign_in(browser(client=("198.51.100.1", 1)), "bob", "wrong").status_code == 401


def test_one_ipv6_network_is_one_address(browser: Callable[..., TestClient]) -> None:
    codes = [
        sign_in(browser(client=(f"2001:db8::{number:x}", 1)), f"n{number}", "wrong").status_code
        for number in range(PER_MINUTE + 1)
    ]
    assert codes == [401] * PER_MINUTE + [429]


def test_a_password_for_a_single_use_opens_only_its_own_change(
    house: House, browser: Callable[..., TestClient]
) -> None:
    _, once = house.accounts.add("ada", Role.ADMIN, "default")
    assert once
    ada = browser()
    assert sign_in(ada, "ada", once).json()["must_change"] is True
    assert ada.get(ME).json()["must_change"] is True
    for path in ("/api/v1/auth/tokens", "/api/v1/users"):
        refused = ada.get(path)
        assert (refused.status_code, refused.json()["code"]) == (403, "password_change_needed")
    assert ada.put("/api/v1/auth/preferences", json={}).status_code == 403

    change = {"old": once, "new": NEW}
    assert ada.post("/api/v1/auth/password", json=change).status_code == 204
    assert ada.get("/api/v1/users").status_code == 200
    assert sign_in(browser(), "ada", once).status_code == 401
    assert sign_in(browser(), "ada", NEW).json()["must_change"] is False


def test_a_new_password_ends_all_other_sessions(
    signed_in: Callable[..., TestClient], browser: Callable[..., TestClient]
) -> None:
    here, there = signed_in("ada"), browser()
    sign_in(there, "ada")
    wrong = here.post("/api/v1/auth/password", json={"old": "wrong", "new": NEW})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "forbidden")
    assert there.get(ME).status_code == 200
    assert here.post("/api/v1/auth/password", json={"old": PASSWORD, "new": NEW}).status_code == 204
    assert here.get(ME).status_code == 200
    assert there.get(ME).status_code == 401


def test_who_took_a_session_cannot_try_passwords_with_it(signed_in: Callable[..., TestClient]) -> None:
    ada = signed_in("ada")
    codes = [
        ada.post("/api/v1/auth/password", json={"old": f"guess{n}", "new": NEW}).status_code
        for n in range(PER_MINUTE)
    ]
    assert codes == [403] * (PER_MINUTE - 1) + [429], "signing in was the first try"


@pytest.mark.parametrize("new", ["short", "x" * 257, 12345678, None])
def test_a_new_password_has_8_to_256_characters(signed_in: Callable[..., TestClient], new: Any) -> None:
    answer = signed_in("ada").post("/api/v1/auth/password", json={"old": PASSWORD, "new": new})
    assert answer.status_code == 422
    assert PASSWORD not in answer.text


def test_a_session_expires_and_lives_on_while_it_is_used(
    house: House, signed_in: Callable[..., TestClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, lasts = signed_in("ada"), house.accounts.session_seconds
    assert lasts == 30 * 86_400
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + lasts * 0.9)
    renewed = ada.get(ME)
    assert renewed.status_code == 200
    assert f"Max-Age={lasts:.0f}" in renewed.headers["set-cookie"]
    monkeypatch.setattr(time, "time", lambda: now + lasts * 1.8)
    assert ada.get(ME).status_code == 200
    monkeypatch.setattr(time, "time", lambda: now + lasts * 2.9)
    assert ada.get(ME).status_code == 401


def test_nothing_that_opens_is_kept_or_logged(
    house: House, signed_in: Callable[..., TestClient], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    ada = signed_in("ada")
    session = ada.cookies["reprise_session"]
    token = ada.post("/api/v1/auth/tokens", json={"name": "player"}).json()["token"]
    bodies = [
        {"name": "ada", "password": PASSWORD, "more": 1},
        {"name": ["ada"], "password": PASSWORD},
        {"name": "ada", "password": [PASSWORD]},
        {"name": "nobody", "password": PASSWORD},
    ]
    answers = [ada.post(LOGIN, json=body) for body in bodies]
    assert [answer.status_code for answer in answers] == [422, 422, 422, 401]
    on_disk = b"".join(file.read_bytes() for file in house.app.home.glob("catalogue.sqlite*"))
    assert b"ada" in on_disk
    for secret in (PASSWORD, session, token):
        assert secret.encode() not in on_disk
        assert secret not in caplog.text
        assert not any(secret in answer.text for answer in answers)


def test_a_hash_of_weaker_parameters_is_made_anew_at_the_next_sign_in(
    house: House, browser: Callable[..., TestClient]
) -> None:
    people = house.accounts.people
    house.accounts.add("ada", Role.USER, "default", PASSWORD)
    weak = PasswordHasher.from_parameters(CHEAPEST).hash(PASSWORD)
    people.set_password("ada", weak, must_change=False)
    assert sign_in(browser(), "ada", "wrong").status_code == 401
    assert people.password_hash("ada") == weak
    assert sign_in(browser(), "ada").status_code == 200
    strong = people.password_hash("ada")
    assert strong is not None
    assert strong.startswith("$argon2id$")
    assert not PasswordHasher().check_needs_rehash(strong)
    assert sign_in(browser(), "ada").status_code == 200


def test_preferences_are_any_small_json_object_and_each_users_own(
    signed_in: Callable[..., TestClient],
) -> None:
    ada, bob = signed_in("ada"), signed_in("bob")
    chosen = {"theme": "dark", "columns": ["title", "b♭"], "start": {"models": [], "batch_size": 0.5}}
    assert ada.put("/api/v1/auth/preferences", json=chosen).json() == chosen
    assert ada.get(ME).json()["preferences"] == chosen
    assert bob.get(ME).json()["preferences"] == {}


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b"{",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"[" * 30 + b"]" * 30 + b"}",
        b"[" * 100_000,
        b'{"a": "' + b"x" * 17_000 + b'"}',
        b"\xff",
    ],
    ids=range(10),
)
def test_preferences_that_could_not_be_given_back_are_refused(
    signed_in: Callable[..., TestClient], body: bytes
) -> None:
    ada = signed_in("ada")
    answer = ada.put("/api/v1/auth/preferences", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["message"]
    assert ada.get(ME).json()["preferences"] == {}


@pytest.mark.parametrize(
    "body",
    [b'{"name": "\\ud800", "password": "x"}', b'{"name": "a\\u0000b", "password": "\\u0000"}', b"{}", b"7"],
)
def test_odd_credentials_are_refused(browser: Callable[..., TestClient], body: bytes) -> None:
    answer = browser().post(LOGIN, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {401, 422}
    assert answer.json()["code"]


def test_signing_in_from_another_site_is_refused(house: House, browser: Callable[..., TestClient]) -> None:
    house.accounts.add("ada", Role.USER, "default", PASSWORD)
    elsewhere = browser(headers={"Origin": "https://evil.example"})
    assert sign_in(elsewhere, "ada").status_code == 403
    assert sign_in(browser(headers={"Origin": ORIGIN}), "ada").status_code == 200
