"""Who reads the disk, a backup or the database finds nothing to sign in with; other users of the machine read nothing."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from reprise.drafts import draft_of, private_folder
from tests.harness import wait_for
from tests.server.conftest import PASSWORD as PEOPLES_PASSWORD
from tests.server.running import PASSWORD, administrator, running
from tests.server.shelves import sound

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

    from tests.harness import Home


@contextmanager
def nothing_masked() -> Iterator[None]:
    """As a service manager or a container may start us: with a umask that takes nothing off."""
    before = os.umask(0)
    try:
        yield
    finally:
        os.umask(before)


def readable_by_others(folder: Path) -> list[str]:
    """What in the folder has a right for anybody but its owner; sockets and links count too."""
    return [
        f"{stat.S_IMODE(path.lstat().st_mode):o} {path.relative_to(folder.parent)}"
        for path in (folder, *folder.rglob("*"))
        if not path.is_symlink() and stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


def test_the_state_folder_is_its_users_alone_whatever_the_umask(home: Home, tmp_path: Path) -> None:
    """A whole life: scan, vectors, map, preview, plan of names, settings, accounts, locks, sockets, a received file."""
    sounds = [sound(home.music / f"{number}.mp3", 3.0, pitch=200.0 + 50 * number) for number in range(3)]
    uds, embed = home.state / "web.sock", home.state / "embed.sock"
    with nothing_masked():
        assert home.embed("--model", "null", "--model", "acoustic").code == 0
        with (
            running(home, "--uds", str(uds), REPRISE_EMBED_SOCKET=str(embed)) as server,
            administrator(server) as web,
        ):
            item = web.get("/items").json()["items"][0]["id"]
            library = web.get("/libraries").json()["items"][0]["id"]
            assert web.get(f"/items/{item}/audio", params={"format": "preview"}).status_code == 200
            assert web.patch("/settings", json={"batch_size": 4, "endpoint_key": "a key"}).status_code == 200
            assert web.post("/auth/tokens", json={"name": "t"}).status_code == 201
            plan = web.post("/rename/plans", json={"library_id": library, "template": "{title}"}).json()["id"]
            wait_for(lambda: web.get(f"/rename/plans/{plan}").json()["state"] != "planning")
            wait_for(lambda: web.get("/map").status_code == 200)
            assert stat.S_IMODE(uds.stat().st_mode) == stat.S_IMODE(embed.stat().st_mode) == 0o600
            assert readable_by_others(home.state) == []
            server.end(15)
    assert {"catalogue.sqlite", "config.toml"} <= {path.name for path in home.state.iterdir()}
    assert {"spaces", "maps", "plans", "locks", "cache"} <= {path.name for path in home.state.iterdir()}
    assert readable_by_others(home.state) == []
    assert all(path.stat().st_size for path in sounds)


def test_a_folder_that_is_there_keeps_its_rights_and_new_ones_are_private(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o755)
    with nothing_masked():
        private_folder(tmp_path / "shared" / "a" / "b")
        private_folder(tmp_path / "shared" / "a" / "b")
    assert stat.S_IMODE((tmp_path / "shared").stat().st_mode) == 0o755
    assert readable_by_others(tmp_path / "shared" / "a") == []


def test_a_draft_asks_nobody_for_the_umask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To ask is to set it, for all threads: what another one makes at that moment would be everybody's."""
    before = os.umask(0o027)
    try:
        monkeypatch.setattr(os, "umask", lambda _: pytest_fail())
        with draft_of(tmp_path / "shown") as file:
            file.write(b"x")
        with draft_of(tmp_path / "hidden", private=True) as file:
            file.write(b"x")
    finally:
        monkeypatch.undo()
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "shown").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "hidden").stat().st_mode) == 0o600


def pytest_fail() -> int:
    raise AssertionError("the umask was set")


def test_a_link_in_a_drafts_place_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reprise.drafts.secrets.token_hex", lambda _: "known")
    (tmp_path / "victim").write_text("kept")
    (tmp_path / ".reprise-known.txt").symlink_to(tmp_path / "victim")
    try:
        with draft_of(tmp_path / "a.txt") as file:
            file.write(b"overwritten")
    except FileExistsError:
        pass
    assert (tmp_path / "victim").read_text() == "kept"


def test_the_database_holds_nothing_that_opens(home: Home) -> None:
    """All of it, cell by cell and byte by byte, with its log: no password, session, token or secret of a setting."""
    with running(home, REPRISE_JWT_SECRET="jwt-secret-canary-of-thirty-two-characters") as server:
        with administrator(server) as web:
            session = web.cookies["reprise_session"]
            token = web.post("/auth/tokens", json={"name": "t"}).json()["token"]
            made = web.post("/users", json={"name": "bob", "role": "user"}).json()["password"]
            given = {"name": "eve", "role": "user", "password": PEOPLES_PASSWORD + "!"}
            assert web.post("/users", json=given).status_code == 201
            opens = [
                PASSWORD,
                PEOPLES_PASSWORD + "!",
                made,
                session,
                token,
                token.removeprefix("rpr_"),
                "jwt-secret-canary",
            ]
            home.state.joinpath("config.toml").unlink(missing_ok=True)  # settings are no part of the database
            found = [
                (path.name, secret)
                for path in home.state.rglob("*")
                if path.is_file()
                for secret in opens
                if secret.encode() in path.read_bytes()
            ]
        with closing(
            sqlite3.connect(f"file:{home.state / 'catalogue.sqlite'}?mode=ro", uri=True)
        ) as database:
            dump = "\n".join(database.iterdump())
            hashes = [row[0] for row in database.execute("SELECT password_hash FROM users")]
        server.end(15)
    assert found == []
    assert "bob" in dump, "it was read"
    assert not [secret for secret in opens if secret in dump or secret.encode().hex() in dump.lower()]
    assert all(one.startswith("$argon2id$v=19$m=65536,") for one in hashes)
