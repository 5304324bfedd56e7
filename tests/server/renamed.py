"""A library of files with tags, and plans of new names for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.harness import wait_for

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2
    from fastapi.testclient import TestClient

    Client = TestClient | httpx2.Client

PLAIN = "{artist} - {title}"
URL = "/rename"


def tagged(path: Path, artist: str | None, title: str | None) -> Path:
    """A file that has the tags of music and a few bytes of something else: names are made of tags."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = {b"TPE1": artist, b"TIT2": title}
    frames = b"".join(_frame(name, text) for name, text in texts.items() if text)
    path.write_bytes(b"ID3\x04\0\0" + _size(len(frames)) + frames + f"sound of {path.name}".encode())
    return path


def _frame(name: bytes, text: str) -> bytes:
    content = b"\x03" + text.encode()
    return name + _size(len(content)) + b"\0\0" + content


def _size(count: int) -> bytes:
    """As ID3v2.4 writes it: seven bits a byte."""
    return bytes(count >> shift & 0x7F for shift in (21, 14, 7, 0))


def many(folder: Path, count: int, artist: str = "Moby") -> None:
    """Files that a plan renames, ``0000.mp3`` and so on: all from one template, so that thousands are made quickly."""
    folder.mkdir(parents=True, exist_ok=True)
    sample = tagged(folder / "sample.mp3", artist, "Title 00000").read_bytes()
    (folder / "sample.mp3").unlink()
    for number in range(count):
        title = f"Title {number:05d}".encode()
        (folder / f"{number:05d}.mp3").write_bytes(sample.replace(b"Title 00000", title))


def planned(
    client: Client, library: int, template: str = PLAIN, prefix: str = "/api/v1", **asked: Any
) -> Any:
    """A plan that is made."""
    body = {"library_id": library, "template": template, **asked}
    answer = client.post(f"{prefix}{URL}/plans", json=body)
    assert answer.status_code == 202, answer.text
    number = answer.json()["id"]

    def ready() -> Any:
        plan = client.get(f"{prefix}{URL}/plans/{number}").json()
        return plan if plan["state"] != "planning" else None

    plan = wait_for(ready)
    assert plan["state"] == "ready", plan
    return plan


def ended(client: Client, session: str, prefix: str = "/api/v1") -> Any:
    """The session, once nobody works on it any more."""

    def done() -> Any:
        facts = client.get(f"{prefix}{URL}/sessions/{session}").json()
        return facts if facts["state"] not in {"running", "undoing"} else None

    return wait_for(done)
