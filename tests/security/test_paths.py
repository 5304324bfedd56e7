"""No name leads out: of a library, of the panel's files, of what a request brings; nor does a link that somebody put there.

Folders that are asked for by name are in ``tests/server/test_folders.py``, files of odd kinds in ``test_audio.py``, received
names in ``test_embedding.py``, names that templates make in ``tests/rename/test_names.py``.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from reprise.server.media_files import opened
from reprise.server.ui import DIST
from tests.server.shelves import shelve, sound
from tests.video.films import shots, write_film

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.app import App
    from reprise.server.house import House
    from tests.harness import Home
    from tests.security.callers import Callers

WORDS = "words that nobody may read"
OUT = [
    "../secret", "..%2fsecret", "%2e%2e/secret", "%2e%2e%2fsecret", "..%5csecret", "..\\secret", "%252e%252e%252fsecret",
    "....//secret", "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "file:///etc/passwd", "a/../../secret", "..;/secret",
    "%c0%ae%c0%ae/secret", "secret%00.js", "C:\\secret", "~/secret", "a/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
]  # fmt: skip


@pytest.mark.skipif(not DIST.joinpath("index.html").is_file(), reason="the panel is not built here")
@pytest.mark.parametrize("prefix", ["", "assets/"])
def test_nothing_but_the_panels_own_files_is_given(client: TestClient, house: House, prefix: str) -> None:
    house.app.home.joinpath("secret").write_text(WORDS)
    ours = {path.read_bytes() for path in DIST.rglob("*") if path.is_file()}
    for name in (*OUT, "../ui.py", "..%2fui.py", "%2e%2e/routes/auth.py", "../../settings.py"):
        answer = client.request("GET", f"http://testserver/{prefix}{name}")
        assert answer.content in ours or answer.status_code in {400, 404}, (name, answer.text[:200])
        assert "root:" not in answer.text


def test_no_parameter_that_is_a_path_leads_out(
    client: TestClient, callers: Callers, house: House, home: Home
) -> None:
    """Whatever the description calls a folder or a path, with every way to write one that leads out."""
    sound(home.music / "a.mp3")
    (home.folder / "secret").mkdir()
    (home.folder / "secret" / f"{WORDS}.mp3").write_text(WORDS)
    library = shelve(house.app, home.music).id
    admin = dict(callers.named("admin").headers)
    for name in (*OUT, ".", "..", "./", "b64:Li4vc2VjcmV0", "b64:Li4="):
        asked: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", "/folders", {"params": {"library_id": library, "folder": name}}),
            ("GET", "/items", {"params": {"library_id": library, "folder": name}}),
            ("POST", "/rename/context", {"json": {"library_id": library, "folder": name}}),
            (
                "POST",
                "/rename/plans",
                {"json": {"library_id": library, "folder": name, "template": "{title}"}},
            ),
            ("POST", "/jobs/estimate", {"json": {"library_id": library, "models": ["null"], "folder": name}}),
        ]
        for method, path, sent in asked:
            answer = client.request(method, f"/api/v1{path}", headers=admin, **sent)
            assert answer.status_code < 500, (path, name, answer.text)
            assert WORDS not in answer.text, (path, name)
            assert answer.status_code != 200 or not answer.json().get("total_count"), (
                path,
                name,
                answer.text,
            )


# links out of a library


def served(house: House, root: Path, name: str) -> bytes | None:
    """What is given of a file of the library; nothing when it is refused."""
    from reprise.errors import NotFound

    app: App = house.app
    library, _ = app.library_of(root)
    try:
        descriptor = opened(app, library.id, os.fsencode(name))
    except NotFound:
        return None
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


@pytest.fixture
def secrets(house: House, home: Home) -> dict[str, Path]:
    """Files that only the server's user may read, or that nobody should be given by way of a library."""
    state = house.app.home
    state.joinpath("config.toml").write_text(f'endpoint_key = "{WORDS}"')
    key = home.folder / "id_rsa"
    key.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{WORDS}")
    archive = home.folder / "backup"
    archive.write_bytes(b"PK\x03\x04" + WORDS.encode())
    other = sound(state / "received" / "eve" / "private.mp3")
    return {"config": state / "config.toml", "catalogue": state / "catalogue.sqlite", "key": key, "archive": archive,
           "system": home.folder.joinpath("/etc/passwd"), "received": other}  # fmt: skip


def test_a_link_gives_nothing_that_is_no_sound_and_nothing_of_ours(
    client: TestClient, callers: Callers, house: House, home: Home, secrets: dict[str, Path]
) -> None:
    """Who may write into a library, over a share say, may put a link there. It is listed, and not given."""
    for name, target in secrets.items():
        (home.music / f"{name}.mp3").symlink_to(target)
        (home.music / f"{name}.mp4").symlink_to(target)
    (home.music / "state").symlink_to(house.app.home)
    sound(home.folder / "elsewhere" / "song.mp3")
    (home.music / "song.mp3").symlink_to(home.folder / "elsewhere" / "song.mp3")
    (home.music / "near.mp3").symlink_to("song.mp3")
    shelve(house.app, home.music)
    user = dict(callers.named("user").headers)
    shown = client.get("/api/v1/items", params={"limit": 200}, headers=user).json()["items"]
    assert len(shown) > len(secrets)
    for item in shown:
        answer = client.get(f"/api/v1/items/{item['id']}/audio", headers=user)
        good = "song" in item["label"] or "near" in item["label"]
        assert (answer.status_code == 200) is good, (item["label"], answer.text[:200])
        assert WORDS not in answer.text


def test_a_film_may_be_linked_and_a_program_may_not(house: House, home: Home) -> None:
    (home.folder / "far").mkdir()
    film = write_film(home.folder / "far" / "film.mp4", shots(0.4), fps=5)
    for name, content in {
        "clip.ts": b"G" + bytes(187) + b"G" + bytes(187), "clip.m2ts": bytes(4) + b"G" + bytes(191) + b"G" + bytes(99),
        "clip.flv": b"FLV\x01\x05", "clip.mpg": b"\0\0\1\xba!", "clip.mxf": b"\x06\x0e\x2b\x34\x02",
        "program.mp4": b"\x7fELF" + bytes(300), "words.ts": b"GET me out of here, " * 40, "zeros.mpg": bytes(500),
        "empty.mp4": b"", "page.mp3": b"<html>", "key.mp3": bytes(range(128, 256)) * 4,
    }.items():  # fmt: skip
        (home.folder / "far" / name).write_bytes(content)
    for path in sorted((home.folder / "far").iterdir()):
        (home.music / path.name).symlink_to(path)
        given = served(house, home.music, path.name)
        assert (given is not None) is (path == film or path.name.startswith("clip")), path.name
        shutil.copy(path, home.music / f"own-{path.name}")
        assert served(house, home.music, f"own-{path.name}") == path.read_bytes(), (
            "what lies there itself is given"
        )


def test_a_file_that_becomes_a_link_while_it_is_opened_is_not_given(
    house: House, home: Home, secrets: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between look and opening, and between opening and look: what counts is what is open."""
    own = sound(home.music / "own.mp3")
    kept = own.read_bytes()
    assert served(house, home.music, "own.mp3") == kept
    real = os.open

    def swapped(path: Any, *arguments: Any, **options: Any) -> int:
        if os.fsencode(path).endswith(b"own.mp3"):
            own.unlink(missing_ok=True)
            own.symlink_to(secrets["key"])
            descriptor = real(path, *arguments, **options)
            own.unlink()
            own.write_bytes(kept)  # put right again, before anybody looks where it leads
            return descriptor
        return real(path, *arguments, **options)

    monkeypatch.setattr("reprise.server.media_files.os.open", swapped)
    assert served(house, home.music, "own.mp3") is None
