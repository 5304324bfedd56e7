"""How programs come in: API tokens, and JSON web tokens signed with the secret of the settings."""

from __future__ import annotations

import base64
import json
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from fastapi.testclient import TestClient

from reprise.core.accounts import Role
from reprise.errors import BadSetting
from reprise.server.api import create_api
from reprise.server.house import House
from tests.server.conftest import PASSWORD, TEST_HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.harness import Home

ME = "/api/v1/auth/me"
TOKENS = "/api/v1/auth/tokens"
SECRET = "s" * 32


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_opens_what_its_user_may_until_it_is_taken_back(
    signed_in: Callable[..., TestClient], client: TestClient
) -> None:
    ada = signed_in("ada", Role.ADMIN)
    made = ada.post(TOKENS, json={"name": "player"})
    assert made.status_code == 201
    token = made.json()
    assert token["token"].startswith("rpr_")
    assert token["expires_at"] is None
    assert client.get("/api/v1/users", headers=bearer(token["token"])).status_code == 200
    assert client.get(ME, headers=bearer(token["token"])).json()["name"] == "ada"

    (listed,) = ada.get(TOKENS).json()["items"]
    assert listed["name"] == "player"
    assert listed["last_used_at"] >= listed["created_at"]
    assert "token" not in listed
    assert ada.delete(f"{TOKENS}/{token['id']}").status_code == 204
    assert client.get(ME, headers=bearer(token["token"])).status_code == 401
    assert ada.delete(f"{TOKENS}/{token['id']}").status_code == 404


def test_a_program_needs_no_origin_for_what_it_writes(
    signed_in: Callable[..., TestClient], client: TestClient
) -> None:
    token = signed_in("ada").post(TOKENS, json={"name": "player"}).json()["token"]
    kept = client.put("/api/v1/auth/preferences", json={"a": 1}, headers=bearer(token))
    assert kept.status_code == 200


def test_tokens_of_others_are_not_there(signed_in: Callable[..., TestClient]) -> None:
    ada, bob = signed_in("ada"), signed_in("bob")
    token = ada.post(TOKENS, json={"name": "player"}).json()
    assert bob.get(TOKENS).json() == {"items": []}
    assert bob.delete(f"{TOKENS}/{token['id']}").status_code == 404
    assert len(ada.get(TOKENS).json()["items"]) == 1


def test_a_token_expires(
    signed_in: Callable[..., TestClient], client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed_in("ada").post(TOKENS, json={"name": "player", "days": 2}).json()
    now = time.time()
    assert token["expires_at"] == pytest.approx(now + 2 * 86_400, abs=600)
    assert client.get(ME, headers=bearer(token["token"])).status_code == 200
    monkeypatch.setattr(time, "time", lambda: now + 2 * 86_400 + 600)
    assert client.get(ME, headers=bearer(token["token"])).status_code == 401


def test_when_a_token_was_used_is_written_once_a_minute(
    house: House, signed_in: Callable[..., TestClient], client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = signed_in("ada")
    token = ada.post(TOKENS, json={"name": "player"}).json()["token"]
    written: list[float] = []
    real = type(house.accounts.people).use_token

    def noted(people: Any, token_id: str, at: float) -> None:
        written.append(at)
        real(people, token_id, at)

    monkeypatch.setattr(type(house.accounts.people), "use_token", noted)
    now = time.time()
    for later in (0, 1, 59, 61, 62):
        monkeypatch.setattr(time, "time", lambda at=now + later: at)
        assert client.get(ME, headers=bearer(token)).status_code == 200
    assert written == [now, now + 61]


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "a", "days": 0}, {"name": "a", "days": 1e300}, {"name": "a", "x": 1}]
)
def test_odd_tokens_are_not_made(signed_in: Callable[..., TestClient], body: dict[str, Any]) -> None:
    assert signed_in("ada").post(TOKENS, json=body).status_code == 422


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Bearer rpr_", "Basic YTpi", "rpr_x", "é"]
)
def test_what_is_no_token_is_nobody(client: TestClient, header: str) -> None:
    answer = client.get(ME, headers={b"Authorization": header.encode()})
    assert answer.status_code == 401
    assert answer.json()["cure"]


def test_a_wrong_token_is_not_mended_by_a_cookie(signed_in: Callable[..., TestClient]) -> None:
    assert signed_in("ada").get(ME, headers=bearer("rpr_wrong")).status_code == 401


def test_a_proxys_own_password_does_not_hide_the_cookie(signed_in: Callable[..., TestClient]) -> None:
    assert signed_in("ada").get(ME, headers={"Authorization": "Basic YTpi"}).status_code == 200


# JSON web tokens


@pytest.fixture
def asked(home: Home) -> Iterator[Callable[[str], int]]:
    """The status that a JWT gets at a server that takes them; there is a user ``ada`` and an ``eve`` who must change."""
    with home.app(allowed_hosts=TEST_HOST, jwt_secret=SECRET) as app:
        app.catalogue(create=True)
        house = House(app)
        house.accounts.add("ada", Role.ADMIN, "default", PASSWORD)
        house.accounts.add("eve", Role.USER, "default")
        client = TestClient(create_api(house))
        yield lambda token: client.get("/api/v1/users", headers=bearer(token)).status_code
        client.close()


def claims(**others: Any) -> dict[str, Any]:
    return {"sub": "ada", "exp": time.time() + 60, **others}


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def test_a_signed_token_names_its_user(asked: Callable[[str], int]) -> None:
    assert asked(jwt.encode(claims(), SECRET, "HS256")) == 200
    assert asked(jwt.encode(claims(sub="eve"), SECRET, "HS256")) == 403
    assert asked(jwt.encode(claims(sub="nobody"), SECRET, "HS256")) == 401


def test_only_hs256_with_our_secret_is_believed(asked: Callable[[str], int]) -> None:
    whole = jwt.encode(claims(), SECRET, "HS256")
    header, payload, signature = whole.split(".")
    refused = [
        jwt.encode(claims(), "t" * 32, "HS256"),
        jwt.encode(claims(), SECRET * 2, "HS512"),
        jwt.encode(claims(), None, "none"),
        f"{part({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
        f"{part({'alg': 'RS256', 'typ': 'JWT'})}.{payload}.{signature}",
        f"{part({'alg': ['HS256']})}.{payload}.{signature}",
        f"{header}.{part(claims(sub='eve'))}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        whole + "x" * 5000,
    ]
    assert [asked(token) for token in refused] == [401] * len(refused)


def test_a_token_that_is_old_or_never_ends_is_refused(asked: Callable[[str], int]) -> None:
    now = time.time()
    refused: list[dict[str, Any]] = [
        {"sub": "ada", "exp": now - 1},
        {"sub": "ada"},
        {"exp": now + 60},
        claims(exp=None),
        claims(exp="soon"),
        claims(exp=float("inf")),
        claims(exp=1e400),
        claims(nbf=now + 600),
        claims(sub="\ud800"),
        claims(sub=""),
        claims(sub=7),
        claims(sub={"name": "ada"}),
    ]
    assert [asked(sign(payload)) for payload in refused] == [401] * len(refused)


def sign(payload: dict[str, Any]) -> str:
    """Without the checks of the library: programs may sign anything."""
    from jwt.api_jws import PyJWS

    return PyJWS().encode(json.dumps(payload).encode(), SECRET, "HS256")


def test_brackets_a_thousand_deep_are_no_token(asked: Callable[[str], int]) -> None:
    deep = base64.urlsafe_b64encode(b"[" * 2900).decode().rstrip("=")
    assert asked(f"{deep}.{deep}.x") == 401


def test_without_a_secret_no_signed_token_is_taken(client: TestClient, house: House) -> None:
    house.accounts.add("ada", Role.ADMIN, "default", PASSWORD)
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        forged = jwt.encode(claims(), "x", "HS256")
    assert client.get(ME, headers=bearer(forged)).status_code == 401


def test_a_secret_that_can_be_guessed_is_refused(home: Home) -> None:
    with pytest.raises(BadSetting, match="too short") as refused, home.app(jwt_secret="s3cret" * 5):
        pass
    assert "32 characters" in refused.value.cure
    assert "s3cret" not in str(refused.value)
