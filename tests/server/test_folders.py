"""The folder browser: below a library's root only, as the disk has it, whatever the names are made of."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.server.house import House
    from tests.harness import Home

URL = "/api/v1/folders"
ODD = b"caf\xe9"


@pytest.fixture
def library(home: Home, house: House) -> int:
    """Two artists, an album, and much that is not to be seen."""
    for name in (
        "b/x",
        "b/y",
        "A/Album 1/01",
        "A/Album 2/01",
        "A/Album 2/02",
        "top",
        ".hidden/z",
        "Samples/kick",
    ):
        home.add(name)
    (home.music / "b" / "cover.jpg").touch()
    os.mkdir(os.path.join(os.fsencode(home.music), ODD))
    os.close(os.open(os.path.join(os.fsencode(home.music), ODD, b"1.MP3"), os.O_CREAT))
    made, _ = house.app.library_of(home.music, ("Samples/",))
    return made.id


def ask(client: TestClient, library: int, folder: str = "", **query: Any) -> Any:
    answer = client.get(URL, params={"library_id": library, "folder": folder, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_root_and_what_is_below_it(user: TestClient, library: int) -> None:
    root = ask(user, library)
    assert (root["folder"], root["parent"], root["tracks"], root["total_count"]) == ("", None, 1, 3)
    assert [(one["name"], one["folders"], one["tracks"]) for one in root["items"]] == [
        ("A", 2, 0), ("b", 0, 2), ("caf\ufffd", 0, 1),
    ]  # fmt: skip
    below = ask(user, library, "A")
    assert (below["name"], below["parent"]) == ("A", "")
    assert [one["folder"] for one in below["items"]] == ["A/Album 1", "A/Album 2"]
    assert ask(user, library, "A/Album 2/")["parent"] == "A"


def test_a_name_that_is_no_text_can_be_asked_for(user: TestClient, library: int) -> None:
    [odd] = [one for one in ask(user, library)["items"] if one["name"] == "caf\ufffd"]
    inside = ask(user, library, odd["folder"])
    assert (inside["folder"], inside["tracks"], inside["parent"]) == (odd["folder"], 1, "")


def test_pages_neither_skip_nor_repeat(user: TestClient, home: Home, house: House) -> None:
    for number in range(25):
        (home.music / f"f{number:02d}").mkdir()
    made, _ = house.app.library_of(home.music)
    pages = [ask(user, made.id, offset=offset, limit=10) for offset in (0, 10, 20, 30)]
    assert [one["name"] for page in pages for one in page["items"]] == [f"f{n:02d}" for n in range(25)]
    assert {page["total_count"] for page in pages} == {25}


@pytest.mark.parametrize(
    "folder",
    ["..", "../x", "A/../..", "/etc", "//", "A//Album 1", ".", "A/.", "b64:###", "b64:Li4", "b64:Li4=", "b64:L2V0Yw==", "b64:AA=="],
)  # fmt: skip
def test_what_leads_out_of_the_library_is_refused(user: TestClient, library: int, folder: str) -> None:
    answer = user.get(URL, params={"library_id": library, "folder": folder})
    assert answer.status_code == 422, answer.text
    assert answer.json()["cure"]


def test_no_link_leads_out_or_round(user: TestClient, library: int, home: Home, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / "secret").mkdir(parents=True)
    (home.music / "out").symlink_to(outside)
    (home.music / "round").symlink_to(home.music)
    (home.music / "A" / "up").symlink_to("..")
    assert [one["name"] for one in ask(user, library)["items"]] == ["A", "b", "caf\ufffd"]
    for folder in ("out", "out/secret", "round", "round/A", "A/up", "A/up/b"):
        assert user.get(URL, params={"library_id": library, "folder": folder}).status_code == 404


@pytest.mark.parametrize(
    "folder", ["nothing", "top.mp3", ".hidden", "Samples", "A/Album 1/01.mp3", "x" * 300]
)
def test_what_is_no_folder_of_it_is_not_there(user: TestClient, library: int, folder: str) -> None:
    answer = user.get(URL, params={"library_id": library, "folder": folder})
    assert answer.status_code == 404, answer.text


def test_a_library_whose_disk_is_away_says_so(user: TestClient, library: int, home: Home) -> None:
    home.music.rename(home.music.with_name("away"))
    answer = user.get(URL, params={"library_id": library})
    assert (answer.status_code, answer.json()["code"]) == (422, "library")


def test_libraries_of_others_are_not_there(stranger: TestClient, library: int) -> None:
    assert stranger.get(URL, params={"library_id": library}).status_code == 404


def test_nobody_sees_folders_without_signing_in(client: TestClient, library: int) -> None:
    assert client.get(URL, params={"library_id": library}).status_code == 401
