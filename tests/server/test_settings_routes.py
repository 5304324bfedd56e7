"""Settings over HTTP: shown with where they come from, written to the file, secrets kept."""

from __future__ import annotations

import stat
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from reprise.known_settings import SETTINGS
from reprise.settings import load_settings, write_settings

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home

URL = "/api/v1/settings"
SECRETS = [row.name for row in SETTINGS if row.secret]


def rows(client: TestClient) -> dict[str, dict[str, Any]]:
    answer = client.get(URL)
    assert answer.status_code == 200
    return {row["name"]: row for row in answer.json()["items"]}


def test_every_setting_is_shown_with_its_kind_and_where_it_comes_from(admin: TestClient) -> None:
    shown = rows(admin)
    assert list(shown) == [row.name for row in SETTINGS]
    assert shown["workers"]["source"] == "environment"  # the tests' home sets it
    assert shown["port"]["source"] == "default"
    assert shown["port"]["kind"] == "int"
    assert shown["port"]["most"] == 65535
    assert shown["port"]["restart"] is True
    assert shown["batch_size"]["restart"] is False
    assert shown["log_level"]["choices"] == ["debug", "info", "warning", "error"]
    assert shown["follow_links"]["kind"] == "bool"
    assert shown["watch_delay"]["kind"] == "float"


def test_a_change_is_written_and_holds_at_once(admin: TestClient, house: House, home: Home) -> None:
    answer = admin.patch(
        URL, json={"batch_size": 7, "watch_delay": 2, "offline": True, "hub": "http://m.example"}
    )
    assert answer.status_code == 200
    changed = {row["name"]: row for row in answer.json()["items"]}
    assert changed["batch_size"]["value"] == 7
    assert changed["batch_size"]["source"] == "file"
    assert changed == rows(admin)
    assert house.app.settings.whole("batch_size") == 7
    assert house.of("default").settings.text("hub") == "http://m.example"
    assert house.app.installed.settings.flag("offline") is True
    assert load_settings({}, home.environment).number("watch_delay") == 2.0  # as the next command reads it


def test_null_takes_a_value_back(admin: TestClient, home: Home) -> None:
    admin.patch(URL, json={"batch_size": 7, "hub": "http://m.example"})
    admin.patch(URL, json={"batch_size": None})
    assert rows(admin)["batch_size"]["source"] == "default"
    assert tomllib.loads((home.state / "config.toml").read_text()) == {"hub": "http://m.example"}


@pytest.mark.parametrize("name", SECRETS)
def test_secrets_are_taken_and_never_told(admin: TestClient, home: Home, name: str) -> None:
    word = "mailto://correct-horse-battery-staple-correct-horse"
    answer = admin.patch(URL, json={name: word})
    assert answer.status_code == 200
    assert word not in answer.text
    assert word not in admin.get(URL).text
    row = rows(admin)[name]
    assert (row["value"], row["given"], row["secret"]) == (None, True, True)
    assert load_settings({}, home.environment).text(name) == word
    assert stat.S_IMODE((home.state / "config.toml").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"batch_size": -1}, "bad_setting"),
        ({"batch_size": "many"}, "bad_setting"),
        ({"batch_size": 1.5}, "bad_setting"),
        ({"batch_size": "9" * 400}, "bad_setting"),
        ({"min_decoded": 2}, "bad_setting"),
        ({"watch_delay": "inf"}, "bad_setting"),
        ({"log_level": "loud"}, "bad_setting"),
        ({"wrokers": 1}, "bad_setting"),
        ({"host": ""}, "bad_setting"),
        ({"hub": "a\0b"}, "bad_setting"),
        ({"hub": "x" * 20_000}, "unfit"),
        ({"batch_size": 2**63}, "bad_setting"),
        ({"batch_size": 10**400}, "unfit"),
        ({"batch_size": [1]}, "unfit"),
        ({"batch_size": {}}, "unfit"),
        ([1], "unfit"),
        ("x", "unfit"),
    ],
)
def test_what_does_not_fit_changes_nothing(admin: TestClient, home: Home, changes: object, code: str) -> None:
    before = rows(admin)
    both = (
        {"hub": "http://m.example", **changes}
        if isinstance(changes, dict) and "hub" not in changes
        else changes
    )
    answer = admin.patch(URL, json=both)
    assert answer.status_code == 422
    assert answer.json()["code"] == code
    assert answer.json()["message"]
    assert answer.json()["cure"]
    assert rows(admin) == before
    assert not (home.state / "config.toml").exists()


@pytest.mark.parametrize(
    "body", [b"{", b'{"watch_delay": Infinity}', b'{"watch_delay": NaN}', b'{"hub": "\\ud800"}']
)
def test_bodies_that_are_no_values_are_refused(admin: TestClient, home: Home, body: bytes) -> None:
    answer = admin.patch(URL, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert not (home.state / "config.toml").exists()


def test_what_the_environment_sets_is_not_changed_in_the_file(admin: TestClient, home: Home) -> None:
    answer = admin.patch(URL, json={"workers": 1, "hub": "http://m.example"})
    assert answer.status_code == 409
    assert answer.json()["code"] == "setting_held"
    assert "REPRISE_WORKERS" in answer.json()["message"]
    assert not (home.state / "config.toml").exists()


def test_only_administrators_see_and_change_settings(client: TestClient, user: TestClient) -> None:
    assert user.get(URL).status_code == 403
    assert user.patch(URL, json={"batch_size": 1}).status_code == 403


def test_nobody_sees_settings(client: TestClient) -> None:
    assert client.get(URL).status_code == 401


# the file itself


def test_what_else_stands_in_the_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\nworkers = 4  # cores\nhub = 'a'\n\n[other]\nworkers = 9\n")
    write_settings(tmp_path, {"workers": 2, "offline": True, "hub": None})
    text = path.read_text()
    assert text.startswith("# mine\nworkers = 2\n")
    assert tomllib.loads(text) == {"workers": 2, "offline": True, "other": {"workers": 9}}


def test_a_file_that_is_not_one_line_a_value_keeps_its_values(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('hub = """\na\nworkers = 1\n"""\n"batch_size" = 3\n')
    write_settings(tmp_path, {"workers": 2, "batch_size": 4})
    assert tomllib.loads(path.read_text()) == {"hub": "a\nworkers = 1\n", "batch_size": 4, "workers": 2}


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "mine.toml").write_text("workers = 1\n")
    (tmp_path / "config.toml").symlink_to(tmp_path / "real" / "mine.toml")
    write_settings(tmp_path, {"workers": 2})
    assert (tmp_path / "config.toml").is_symlink()
    assert (tmp_path / "real" / "mine.toml").read_text() == "workers = 2\n"
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["mine.toml"]
