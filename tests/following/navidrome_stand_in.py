"""A stand-in for Navidrome: the database, the native API with its events, and the Subsonic calls that are followed.

No Navidrome can be installed where the tests run. This is written from its source (as of 0.63, see docs/navidrome.md)
and shares no code with what is tested; it scans nothing, a test says what its library holds.
"""

from __future__ import annotations

import hashlib
import json
import queue
import sqlite3
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

USER, PASSWORD = "ada", "päss wörd&="
SCHEMA = """
CREATE TABLE library (id INTEGER PRIMARY KEY, name TEXT, path TEXT, last_scan_at DATETIME,
    last_scan_started_at DATETIME, full_scan_in_progress BOOL, total_songs INTEGER);
CREATE TABLE property (id TEXT PRIMARY KEY, value TEXT);
CREATE TABLE media_file (id TEXT PRIMARY KEY, pid TEXT, library_id INTEGER, folder_id TEXT, path TEXT, title TEXT,
    album TEXT, artist TEXT, artist_id TEXT, album_artist TEXT, album_id TEXT, track_number INTEGER,
    disc_number INTEGER, year INTEGER, genre TEXT, compilation BOOL, size INTEGER, suffix TEXT, duration REAL,
    bit_rate INTEGER, sample_rate INTEGER, channels INTEGER, bpm INTEGER, mbz_recording_id TEXT,
    missing BOOL DEFAULT FALSE, tags TEXT, participants TEXT, created_at DATETIME, updated_at DATETIME);
"""


@dataclass
class StandIn:
    """What it knows, and how it behaves."""

    root: str
    """The library's path as this server knows it."""
    songs: list[dict[str, Any]] = field(default_factory=list)
    gives_events: bool = True
    speaks_native: bool = True
    token: str = "token-1"
    last_scan: int = 0
    logins: int = 0
    asked: list[str] = field(default_factory=list)
    scans_wanted: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    _streams: list[queue.Queue[str | None]] = field(default_factory=list)

    def add(self, song_id: str, path: str, size: int = 1, *, missing: bool = False) -> dict[str, Any]:
        song = {
            "id": song_id,
            "path": path,
            "size": size,
            "missing": missing,
            "updatedAt": "2026-01-01T00:00:00Z",
        }
        self.songs.append(song)
        return song

    def write_database(self, file: Path) -> None:
        """The same songs as a database, in WAL mode as the real one."""
        with closing(sqlite3.connect(file)) as database, database:
            database.execute("PRAGMA journal_mode = WAL")
            database.executescript(SCHEMA)
            database.execute("INSERT INTO library (id, name, path) VALUES (1, 'Music', ?)", (self.root,))
            database.executemany(
                "INSERT INTO media_file (id, library_id, path, size, missing, updated_at) VALUES (?, 1, ?, ?, ?, ?)",
                [(s["id"], s["path"], s["size"], s["missing"], s["updatedAt"]) for s in self.songs],
            )

    def scanned(self) -> None:
        """A scan has been there and found something."""
        self.last_scan += 1
        self.tell("scanStatus", {"scanning": True, "count": 0})
        self.tell("scanStatus", {"scanning": False, "count": len(self.songs)})
        self.tell("refreshResource", {"*": "*"})

    def tell(self, name: str, content: Any) -> None:
        for stream in list(self._streams):
            stream.put(f"event: {name}\ndata: {json.dumps(content)}\n\n")

    def hang_up(self) -> None:
        """All connections for events are lost."""
        for stream in list(self._streams):
            stream.put(None)

    @property
    def listeners(self) -> int:
        return len(self._streams)

    @contextmanager
    def stream(self) -> Iterator[queue.Queue[str | None]]:
        waiting: queue.Queue[str | None] = queue.Queue()
        self._streams.append(waiting)
        try:
            yield waiting
        finally:
            self._streams.remove(waiting)


class Handler(BaseHTTPRequestHandler):
    """HTTP around a ``StandIn``."""

    music: StandIn

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/auth/login" or not self.music.speaks_native:
            self.answer(404, {"error": "not found"})
        elif (body["username"], body["password"]) != (USER, PASSWORD):
            self.answer(401, {"error": "Invalid username or password"})
        else:
            self.music.logins += 1
            self.answer(200, {"token": self.music.token, "id": "u1"})

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        given = parse_qs(parts.query)
        self.music.asked.append(parts.path)
        if parts.path.startswith("/rest/"):
            self.subsonic(parts.path.removeprefix("/rest/"), given)
        elif not self.music.speaks_native:
            self.answer(404, {"error": "not found"})
        elif self.headers.get("X-ND-Authorization") != f"Bearer {self.music.token}":
            self.answer(401, {"error": "Not authenticated"})
        elif parts.path == "/api/song":
            self.native_songs(int(given["_start"][0]), int(given["_end"][0]))
        elif parts.path == "/api/events" and self.music.gives_events:
            self.events()
        else:
            self.answer(404, {"error": "not found"})

    def subsonic(self, method: str, given: dict[str, list[str]]) -> None:
        salted = hashlib.md5((PASSWORD + given["s"][0]).encode()).hexdigest()
        if given["u"] != [USER] or given["t"] != [salted]:
            self.answer(
                200, {"subsonic-response": {"status": "failed", "error": {"code": 40, "message": "no"}}}
            )
            return
        if method == "startScan":
            self.music.scans_wanted.append(given["fullScan"][0])
        status = {
            "scanning": False,
            "count": len(self.music.songs),
            "lastScan": f"2026-01-01T00:00:{self.music.last_scan:02}Z",
        }
        self.answer(200, {"subsonic-response": {"status": "ok", "scanStatus": status}})

    def native_songs(self, start: int, end: int) -> None:
        page = sorted(self.music.songs, key=lambda song: str(song["id"]))[start:end]
        facts = {"libraryId": 1, "libraryPath": self.music.root}
        self.answer(200, [{**song, **facts} for song in page])

    def events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        with self.music.stream() as waiting:
            while not self.music.over.is_set():
                try:
                    text = waiting.get(timeout=0.1)
                except queue.Empty:
                    text = ": still here\n"
                if text is None:
                    return
                try:
                    self.wfile.write(text.encode())
                    self.wfile.flush()
                except OSError:
                    return

    def answer(self, status: int, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests are read by what they check."""


@contextmanager
def running(music: StandIn) -> Iterator[str]:
    """Run it on a free port; gives its address."""
    handler = type("OurHandler", (Handler,), {"music": music})
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}"
    finally:
        music.over.set()
        http.shutdown()
        http.server_close()
        thread.join()
