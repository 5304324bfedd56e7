"""The sound of items over HTTP: whole, in parts, cut out of a longer file, and for browsers that cannot play it."""

from __future__ import annotations

import io
import os
import socket
import wave
from typing import TYPE_CHECKING, Any

import av
import pytest

from reprise.core.items import Tags
from reprise.core.ports import FoundFile
from reprise.core.records import ScanBatch
from reprise.server import previews
from tests.harness import Home, wait_for
from tests.server.shelves import list_all, shelve, sound
from tests.server.test_items import real_server

if TYPE_CHECKING:
    from pathlib import Path

    from fastapi.testclient import TestClient

    from reprise.app import App
    from reprise.server.house import House


def item_of(app: App, name: str) -> str:
    """The address of the sound of the item with that path."""
    for library in app.catalogue().libraries.all(app.owner):
        for item in (
            app.catalogue()
            .items.get(app.owner, app.catalogue().libraries.item_ids(app.owner, library.id))
            .values()
        ):
            if item.display_path == name:
                return f"/api/v1/items/{item.id}/audio"
    raise AssertionError(name)


@pytest.fixture
def song(home: Home, house: House) -> tuple[str, bytes]:
    """An address, and the bytes that are there."""
    file = sound(home.music / "song.flac", 2.0)
    shelve(house.app, home.music)
    return item_of(house.app, "song.flac"), file.read_bytes()


def test_a_whole_file(user: TestClient, song: tuple[str, bytes]) -> None:
    url, content = song
    answer = user.get(url)
    assert answer.status_code == 200
    assert answer.content == content
    assert answer.headers["content-type"] == "audio/flac"
    assert answer.headers["accept-ranges"] == "bytes"
    head = user.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(content))
    assert head.headers["etag"] == answer.headers["etag"]
    assert user.get(url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("bytes=0-99", 0, 99), ("bytes=100-", 100, None), ("bytes=-10", -10, None), ("bytes=5-5", 5, 5),
     ("bytes=0-99999999", 0, None), ("bytes=-99999999", 0, None), ("Bytes = 1-2", 1, 2)],
)  # fmt: skip
def test_one_part(
    user: TestClient, song: tuple[str, bytes], asked: str, first: int, last: int | None
) -> None:
    url, content = song
    answer = user.get(url, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == content[first : None if last is None else last + 1]
    start = first % len(content)
    assert (
        answer.headers["content-range"] == f"bytes {start}-{start + len(answer.content) - 1}/{len(content)}"
    )
    assert user.head(url, headers={"Range": asked}).headers["content-length"] == str(len(answer.content))


@pytest.mark.parametrize("asked", ["bytes=999999999-", "bytes=-0", f"bytes={10**18}-{10**18}"])
def test_a_part_that_is_not_there(user: TestClient, song: tuple[str, bytes], asked: str) -> None:
    answer = user.get(song[0], headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(song[1])}"
    assert answer.json()["cure"]


@pytest.mark.parametrize(
    "asked", ["bytes=5-2", "bytes=a-b", "bytes=-", "lines=1-2", "bytes=0-1,4-5", f"bytes={'9' * 40}-", ""]
)
def test_what_is_no_range_gives_the_whole(user: TestClient, song: tuple[str, bytes], asked: str) -> None:
    answer = user.get(song[0], headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, song[1])


def test_a_part_only_of_the_file_that_is_meant(user: TestClient, home: Home, song: tuple[str, bytes]) -> None:
    url = song[0]
    now = user.head(url).headers
    for condition in (now["etag"], now["last-modified"]):
        assert user.get(url, headers={"Range": "bytes=0-1", "If-Range": condition}).status_code == 206
    for condition in ('"other"', "W/" + now["etag"], "Thu, 01 Jan 1970 00:00:00 GMT", "nonsense"):
        assert user.get(url, headers={"Range": "bytes=0-1", "If-Range": condition}).status_code == 200
    os.utime(home.music / "song.flac", (1, 1))
    assert user.get(url, headers={"Range": "bytes=0-1", "If-Range": now["etag"]}).status_code == 200


def test_files_that_are_not_there_any_more(user: TestClient, home: Home, song: tuple[str, bytes]) -> None:
    url, file = song[0], home.music / "song.flac"
    file.unlink()
    for query in ("", "?format=preview"):
        answer = user.get(url + query)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert answer.json()["cure"]
    os.mkfifo(file)  # opening it must not wait for somebody to write
    assert user.get(url).status_code == 404
    file.unlink()
    file.mkdir()
    assert user.get(url).status_code == 404
    assert user.get("/api/v1/items/999/audio").status_code == 404
    assert user.get(f"/api/v1/items/{2**63}/audio").status_code == 422
    assert user.get(url + "?format=mp3").status_code == 422


def plant(app: App, root: Path, *paths: bytes) -> list[str]:
    """Items with paths that no scan would give; returns the addresses of their sounds."""
    library, _ = app.library_of(root)
    batch = ScanBatch(added=[(FoundFile(path, 1, 1), Tags()) for path in paths])
    app.catalogue().items.apply(app.owner, library.id, batch, 1.0)
    return [f"/api/v1/items/{n}/audio" for n in app.catalogue().libraries.item_ids(app.owner, library.id)]


def test_nothing_outside_the_library_is_given(
    user: TestClient, home: Home, house: House, tmp_path: Path
) -> None:
    (tmp_path / "secret.mp3").write_bytes(b"hidden words")
    for url in plant(
        house.app,
        home.music,
        b"../../secret.mp3",
        os.fsencode(tmp_path / "secret.mp3"),
        b"a/../../../secret.mp3",
        b"",
        b".",
    ):
        answer = user.get(url)
        assert (answer.status_code, b"hidden words" in answer.content) == (404, False)


def test_links_are_followed_as_scans_follow_them(
    home: Home, house: House, user: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside = sound(tmp_path / "outside" / "song.mp3")
    (home.music / "linked").symlink_to(outside.parent)
    (home.music / "file.mp3").symlink_to(outside)
    shelve(house.app, home.music)
    folder, file = item_of(house.app, "linked/song.mp3"), item_of(house.app, "file.mp3")
    assert user.get(folder).content == user.get(file).content == outside.read_bytes()
    monkeypatch.setitem(house.of("default").settings.values, "follow_links", False)
    assert user.get(folder).status_code == 404
    assert user.get(file).content == outside.read_bytes()


def decoded(content: bytes) -> tuple[str, float]:
    """The codec, and how many seconds of sound there are."""
    with av.open(io.BytesIO(content), "r") as container:
        stream = container.streams.audio[0]
        seconds = sum(frame.samples / frame.sample_rate for frame in container.decode(stream))
        return stream.codec_context.name, seconds


@pytest.mark.parametrize(("name", "seconds", "heard"), [("long.wma", 100.0, 30.0), ("short.aiff", 2.0, 2.0)])
def test_thirty_seconds_that_browsers_play(
    user: TestClient, home: Home, house: House, name: str, seconds: float, heard: float
) -> None:
    sound(home.music / name, seconds)
    shelve(house.app, home.music)
    url = item_of(house.app, name) + "?format=preview"
    answer = user.get(url)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "audio/ogg"
    codec, length = decoded(answer.content)
    assert "opus" in codec
    assert length == pytest.approx(heard, abs=0.2)
    assert user.get(url, headers={"Range": "bytes=0-3"}).content == b"OggS"  # kept: made once
    assert len(list((house.app.home / "cache" / "previews").iterdir())) == 1


def test_a_track_of_a_cue_sheet_is_its_part(user: TestClient, home: Home, house: House) -> None:
    sound(home.music / "album.flac", 5.0)
    (home.music / "album.cue").write_text(
        'FILE "album.flac" WAVE\n  TRACK 01 AUDIO\n    TITLE "A"\n    INDEX 01 00:00:00\n'
        '  TRACK 02 AUDIO\n    TITLE "B"\n    INDEX 01 00:02:00\n'
    )
    shelve(house.app, home.music)
    for number, seconds in ((1, 2.0), (2, 3.0)):
        url = item_of(house.app, f"album.flac, track {number}")
        answer = user.get(url)
        assert answer.headers["content-type"] == "audio/wav"
        with wave.open(io.BytesIO(answer.content)) as track:
            assert track.getnframes() / track.getframerate() == pytest.approx(seconds, abs=0.01)
        assert user.get(url, headers={"Range": "bytes=0-3"}).content == b"RIFF"
        assert decoded(user.get(url + "?format=preview").content)[1] == pytest.approx(seconds, abs=0.2)


def test_what_is_no_sound_has_no_preview(user: TestClient, home: Home, house: House) -> None:
    home.add("words")
    shelve(house.app, home.music)
    answer = user.get(item_of(house.app, "words.mp3") + "?format=preview")
    assert (answer.status_code, answer.json()["code"]) == (422, "not_audio")
    assert answer.json()["cure"]
    assert list((house.app.home / "cache" / "previews").iterdir()) == []


def test_a_decoder_that_hangs_is_ended(
    user: TestClient, song: tuple[str, bytes], house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "MOST_SECONDS", 0.0)
    answer = user.get(song[0] + "?format=preview")
    assert (answer.status_code, answer.json()["code"]) == (422, "timed_out")
    assert list((house.app.home / "cache" / "previews").iterdir()) == []


def test_kept_sounds_make_room(
    user: TestClient, home: Home, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "KEPT_BYTES", 1)
    for n in range(3):
        sound(home.music / f"{n}.mp3", 0.5 + n)
    shelve(house.app, home.music)
    for n in range(3):
        assert user.get(item_of(house.app, f"{n}.mp3") + "?format=preview").status_code == 200
    assert len(list((house.app.home / "cache" / "previews").iterdir())) == 1


def test_a_listener_who_leaves_ends_the_reading(
    home: Home, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file far larger than what sockets hold: when the client goes, the file is closed."""
    big = home.music / "big.wav"
    with big.open("wb") as file:
        file.truncate(1 << 30)
    list_all(house.app)
    url = plant(house.app, home.music, b"big.wav")[0]

    def is_open() -> bool:
        links = (f"/proc/self/fd/{name}" for name in os.listdir("/proc/self/fd"))
        return any(os.path.realpath(link) == str(big) for link in links)

    with real_server(house) as port:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"GET {url} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert client.recv(4096).startswith(b"HTTP/1.1 200")
            assert is_open()
        wait_for(lambda: not is_open())


def test_listening_is_for_those_who_are_signed_in(client: Any, song: tuple[str, bytes]) -> None:
    assert client.get(song[0]).status_code == 401
