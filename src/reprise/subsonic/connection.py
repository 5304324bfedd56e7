"""HTTP with a time limit on the whole exchange, not only on each of its pieces."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reprise.errors import BadSetting, RemoteError, RemoteUnreachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reprise.core.following import StopEvent

MOST_BYTES = 64 << 20
"""A longer answer is refused: a thousand songs take about 1 MB."""

LONGEST_LINE = 1 << 20
LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    location: str
    """Where the server sends us instead, if it does."""


class Connection:
    """One exchange at a time with one server, a connection each. ``seconds`` for a whole exchange."""

    def __init__(self, url: str, seconds: float) -> None:
        """Opens nothing. Raises ``BadSetting`` for an address that is none."""
        self.host, self._port, self._secure, self.folder = _parsed(url)
        self._seconds = seconds

    def exchange(
        self,
        method: str,
        target: str,
        form: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        kind: str = "application/x-www-form-urlencoded",
    ) -> Reply:
        """Send and read the whole answer; ``kind``: of what is in ``form``.

        Raises ``RemoteUnreachable``, or ``RemoteError`` for an endless answer.
        """
        body = form.encode() if form else None
        sent = {"Accept": "application/json", "User-Agent": "reprise", **(headers or {})}
        if body is not None:
            sent["Content-Type"] = kind
        with self._limited() as connection:
            connection.request(method, self.folder + target, body, sent)
            with connection.getresponse() as response:
                content = response.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise RemoteError(
                f"{self.host} sends more than {MOST_BYTES >> 20} MB", cure="is it a music server?"
            )
        return Reply(response.status, content, response.getheader("Location", ""))

    @contextmanager
    def stream(
        self, target: str, headers: Mapping[str, str], silence: float, stop: StopEvent
    ) -> Iterator[tuple[int, Iterator[bytes]]]:
        """An answer without end: its status and its lines, as they come.

        It ends when ``stop`` is set, and with ``RemoteUnreachable`` when nothing came for ``silence`` seconds, the
        connection is lost, or the stop came before the answer began.
        """
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self.host, self._port, timeout=self._seconds)
        over = threading.Event()
        answers = False
        try:
            connection.connect()
            opened = connection.sock
            watcher = threading.Thread(target=_hang_up, args=(opened, stop, over), name="stream", daemon=True)
            watcher.start()
            connection.request("GET", self.folder + target, headers={"User-Agent": "reprise", **headers})
            with connection.getresponse() as response:
                opened.settimeout(silence)
                answers = True
                yield response.status, iter(lambda: response.readline(LONGEST_LINE), b"")
        except (OSError, http.client.HTTPException) as error:
            if not (answers and stop.is_set()):
                raise self._unreachable(error) from error
        finally:
            over.set()
            connection.close()

    @contextmanager
    def _limited(self) -> Iterator[http.client.HTTPConnection]:
        """Connect, and hang up when the time is over: a socket's own limit begins anew with every byte that drips in."""
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self.host, self._port, timeout=self._seconds)
        watchdog = _Watchdog(self._seconds)
        try:
            connection.connect()
            watchdog.guard(connection.sock)
            yield connection
        except TimeoutError as error:
            raise self._too_late() from error
        except (OSError, http.client.HTTPException) as error:
            raise (self._too_late() if watchdog.barked else self._unreachable(error)) from error
        finally:
            watchdog.stop()
            connection.close()
        if watchdog.barked:
            raise self._too_late()

    def _too_late(self) -> RemoteUnreachable:
        return RemoteUnreachable(
            f"{self.host} did not answer within {self._seconds:g} s",
            cure="try again later, or raise the setting subsonic_timeout",
        )

    def _unreachable(self, error: Exception) -> RemoteUnreachable:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return RemoteUnreachable(
            f"{self.host} cannot be reached: {reason}",
            cure="is it running, and is the setting subsonic_url right?",
        )


def _hang_up(opened: socket.socket, stop: StopEvent, over: threading.Event) -> None:
    """End the traffic when somebody wants to stop: who waits for a line then gets an end."""
    while not over.is_set():
        if stop.wait(LOOK_SECONDS):
            with suppress(OSError):  # it has ended by itself
                socket.socket.shutdown(opened, socket.SHUT_RDWR)
            return


class _Watchdog:
    """Ends the traffic on a socket after so many seconds; what waits there then gets an end or an error."""

    def __init__(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._bark)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self.barked = False
        self._timer.start()

    def guard(self, opened: socket.socket) -> None:
        """The connection forgets its socket once it hands over the answer, so it is kept here."""
        with self._lock:
            self._socket = opened
            if self.barked:
                raise TimeoutError

    def stop(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._socket = None

    def _bark(self) -> None:
        with self._lock:
            self.barked = True
            if self._socket is not None:
                with suppress(OSError):  # it has ended by itself
                    # Not the method of an encrypted socket, which would take its cipher from under the reader.
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


def _parsed(url: str) -> tuple[str, int | None, bool, str]:
    """Host, port, whether encrypted, and the folder that the API lies in."""
    cure = "like https://music.example.org or http://localhost:4533"
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise BadSetting(f"subsonic_url: {error}", cure=cure) from error
    if parts.scheme not in {"http", "https"} or not host:
        raise BadSetting("subsonic_url is no address of a server", cure=cure)
    if parts.username or parts.password:
        raise BadSetting(
            "subsonic_url holds a name or a password", cure="use subsonic_user and subsonic_password"
        )
    folder = parts.path.rstrip("/").removesuffix("/rest")
    return host, port, parts.scheme == "https", folder
