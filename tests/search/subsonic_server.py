"""A Subsonic server for tests, over real HTTP: it checks tokens, searches, keeps playlists, and can misbehave.

No music server can be installed where the tests run. This one is written from the documentation of the API
(https://opensubsonic.netlify.app/docs/) and shares no code with the client.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_URL = 4000


class Refusal(Exception):
    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message


@dataclass
class Playlist:
    id: str
    name: str
    owner: str
    songs: list[str]
    public: bool = False


@dataclass
class MusicServer:
    """What the server has, and how it behaves."""

    users: dict[str, str] = field(default_factory=lambda: {"ada": "päss wörd&=", "bob": "secret"})
    songs: list[dict[str, Any]] = field(default_factory=list)
    playlists: dict[str, Playlist] = field(default_factory=dict)
    folder: str = ""
    takes_forms: bool = True
    lone_objects: bool = False
    """A list of one is given as the one, as some servers do in JSON."""
    tells_new_playlists: bool = True
    """Since version 1.14 of the API."""
    forgets: bool = False
    """Says ok and keeps half of the songs."""
    behaviour: str = "well"
    asked: list[tuple[str, str]] = field(default_factory=list)
    """HTTP method and API method of each request."""
    salts: set[str] = field(default_factory=set)
    addresses: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    """Addresses and forms, as they came."""
    parameters: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)

    def add(self, title: str, artist: str = "", **facts: Any) -> str:
        song = {"id": f"s{len(self.songs):04d}", "isDir": False, "title": title, "artist": artist, **facts}
        self.songs.append(song)
        return str(song["id"])

    def answer(self, method: str, given: dict[str, list[str]]) -> dict[str, Any]:
        user = self.authenticated(given)
        handler = getattr(self, f"on_{method}", None)
        if handler is None:
            raise Refusal(0, f"no such method: {method}")
        found: dict[str, Any] = handler(user, given)
        return found

    def authenticated(self, given: dict[str, list[str]]) -> str:
        for name in ("u", "t", "s", "v", "c", "f"):
            if name not in given:
                raise Refusal(10, f"Required parameter {name!r} is missing")
        user, salt = given["u"][0], given["s"][0]
        if len(salt) < 6 or salt in self.salts:
            raise Refusal(40, "the salt is too short or was used before")
        self.salts.add(salt)
        expected = hashlib.md5(f"{self.users.get(user, '?')}{salt}".encode()).hexdigest()
        if user not in self.users or given["t"][0] != expected:
            raise Refusal(40, "Wrong username or password")
        if self.behaviour == "no tokens":
            raise Refusal(41, "Token authentication not supported for LDAP users")
        return user

    def several(self, found: list[Any]) -> Any:
        return found[0] if self.lone_objects and len(found) == 1 else found

    def on_ping(self, user: str, given: dict[str, list[str]]) -> dict[str, Any]:
        return {}

    def on_getOpenSubsonicExtensions(self, user: str, given: dict[str, list[str]]) -> dict[str, Any]:  # noqa: N802
        if not self.takes_forms:
            raise Refusal(0, "not implemented")
        return {"openSubsonicExtensions": [{"name": "formPost", "versions": [1]}]}

    def on_search3(self, user: str, given: dict[str, list[str]]) -> dict[str, Any]:
        words = given["query"][0].casefold().split()
        count, offset = (int(given.get(name, ["20"])[0]) for name in ("songCount", "songOffset"))
        found = [s for s in self.songs if all(w in f"{s['artist']} {s['title']}".casefold() for w in words)]
        page = found[offset : offset + count]
        return {"searchResult3": {"song": self.several(page)} if page else {}}

    def on_getPlaylists(self, user: str, given: dict[str, list[str]]) -> dict[str, Any]:  # noqa: N802
        seen = [p for p in self.playlists.values() if p.owner == user or p.public]
        told = [{"id": p.id, "name": p.name, "owner": p.owner, "songCount": len(p.songs)} for p in seen]
        return {"playlists": {"playlist": self.several(told)} if told else {}}

    def on_getPlaylist(self, user: str, given: dict[str, list[str]]) -> dict[str, Any]:  # noqa: N802
        return {"playlist": self.whole(self.playlists[given["id"][0]])}

    def on_createPlaylist(self, user: str, given: dict[str, list[str]]) -> dict[str, Any]:  # noqa: N802
        songs = given.get("songId", [])
        self.check_songs(songs)
        if "playlistId" in given:
            playlist = self.own(user, given["playlistId"][0])
            playlist.songs = songs
        else:
            playlist = Playlist(f"p{len(self.playlists)}", given["name"][0], user, songs)
            self.playlists[playlist.id] = playlist
        if self.forgets:
            playlist.songs = playlist.songs[::2]
        return {"playlist": self.whole(playlist)} if self.tells_new_playlists else {}

    def on_updatePlaylist(self, user: str, given: dict[str, list[str]]) -> dict[str, Any]:  # noqa: N802
        songs = given.get("songIdToAdd", [])
        self.check_songs(songs)
        self.own(user, given["playlistId"][0]).songs += songs
        return {}

    def own(self, user: str, playlist_id: str) -> Playlist:
        if self.playlists[playlist_id].owner != user or self.behaviour == "read only":
            raise Refusal(50, "User is not authorized for the given operation")
        return self.playlists[playlist_id]

    def check_songs(self, songs: list[str]) -> None:
        known = {song["id"] for song in self.songs}
        if unknown := [song for song in songs if song not in known]:
            raise Refusal(70, f"no such songs: {unknown}")

    def whole(self, playlist: Playlist) -> dict[str, Any]:
        by_id = {song["id"]: song for song in self.songs}
        entries = [by_id[song] for song in playlist.songs]
        return {
            "id": playlist.id,
            "name": playlist.name,
            "owner": playlist.owner,
            "entry": self.several(entries),
        }


class Handler(BaseHTTPRequestHandler):
    """HTTP around a ``MusicServer``."""

    protocol_version = "HTTP/1.1"
    music: MusicServer

    def do_GET(self) -> None:
        self.reply("GET", parse_qs(urlsplit(self.path).query, keep_blank_values=True))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.music.texts.append(body)
        given = parse_qs(body, keep_blank_values=True) if self.music.takes_forms else {}
        self.reply("POST", given | parse_qs(urlsplit(self.path).query))

    def reply(self, verb: str, given: dict[str, list[str]]) -> None:
        path = urlsplit(self.path).path
        self.music.addresses.append(self.path)
        self.music.texts.append(self.path)
        self.music.parameters |= given.keys()
        if len(self.path) > LONGEST_URL:
            self.send(414, "text/plain", b"URI too long")
        elif misbehave(self, self.music):
            self.close_connection = True
        elif not path.startswith(f"{self.music.folder}/rest/"):
            self.send(404, "text/html", b"<html>not here</html>")
        else:
            method = path.rpartition("/")[2].removesuffix(".view")
            self.music.asked.append((verb, method))
            self.send(200, "application/json", self.content(method, given))

    def content(self, method: str, given: dict[str, list[str]]) -> bytes:
        try:
            content = {"status": "ok", **self.music.answer(method, given)}
        except Refusal as refusal:
            error = {"code": refusal.code, "message": refusal.message}
            content = {"status": "failed", "error": error}
        return json.dumps({"subsonic-response": {"version": "1.16.1", **content}}).encode()

    def send(self, status: int, kind: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests are read by what they check."""


@contextmanager
def serving(server: MusicServer) -> Iterator[str]:
    """Run it on a free port; gives its address."""
    handler = type("OurHandler", (Handler,), {"music": server})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}{server.folder}"
    finally:
        server.over.set()
        http.shutdown()
        http.server_close()
        thread.join()


def misbehave(handler: Any, server: MusicServer) -> bool:
    """Answer as no good server does; whether it did."""
    kind = server.behaviour
    if kind == "hangs":
        server.over.wait(60)
    elif kind == "drips":
        drip(handler, server, b"HTTP/1.1 200 OK\r\nX-Filler: " + b"x" * 10_000)
    elif kind == "drips its body":
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        drip(handler, server, b'{"subsonic-response": {"status": "ok"}}' + b" " * 10_000)
    elif kind == "hangs up":
        handler.connection.close()
    elif kind == "page":
        handler.send(200, "text/html", b"<html>Welcome to my router</html>")
    elif kind == "list":
        handler.send(200, "application/json", b"[1, 2]")
    elif kind == "redirects":
        handler.send(301, "text/html", b"", Location="https://music.example.org/new/rest/ping?u=ada")
    elif kind == "broken":
        handler.send(502, "text/html", b"bad gateway")
    elif kind == "endless":
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        endless(handler)
    else:
        return False
    return True


def drip(handler: Any, server: MusicServer, content: bytes) -> None:
    """A byte now and then: each comes well within any limit on a single read."""
    for place in range(len(content)):
        if server.over.is_set():
            return
        try:
            handler.wfile.write(content[place : place + 1])
        except OSError:
            return
        time.sleep(0.05)


def endless(handler: Any) -> None:
    block = b" " * (1 << 20)
    try:
        for _ in range(100):
            handler.wfile.write(block)
    except OSError:
        return
