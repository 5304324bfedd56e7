"""Small HTTP questions with an answer in JSON, no faster than a service wants them."""

from __future__ import annotations

import http.client
import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reprise import __version__
from reprise.errors import BadSetting, RemoteError, RemoteRefused, RemoteUnreachable

if TYPE_CHECKING:
    from collections.abc import Callable

USER_AGENT = f"reprise/{__version__} (a music library's own program, for its own files)"
MOST_BYTES = 4 << 20
_BUSY = (429, 503)


class Pace:
    """Lets one question through in ``seconds``; the next waits for its turn."""

    def __init__(
        self,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds, self._clock, self._sleep = seconds, clock, sleep
        self._next = 0.0

    def wait(self) -> None:
        now = self._clock()
        if self._next > now:
            self._sleep(self._next - now)
        self._next = max(now, self._next) + self._seconds


class Service:
    """One address that is asked. ``seconds`` for a whole exchange."""

    def __init__(self, name: str, url: str, pace: Pace, seconds: float) -> None:
        """Opens nothing. Raises ``BadSetting`` for an address that is none."""
        parts = urlsplit(url.strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise BadSetting(f"{name}_url is no address of a server", cure="like https://musicbrainz.org")
        self._name, self._pace, self._seconds = name, pace, seconds
        self._host, self._port, self._folder = parts.hostname, parts.port, parts.path.rstrip("/")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection

    def ask(self, method: str, target: str, form: str = "") -> dict[str, Any]:
        """The answer as JSON; asked once more when the service is busy.

        Raises ``RemoteUnreachable``, ``RemoteRefused`` and ``RemoteError``.
        """
        status, content = self._exchange(method, target, form)
        if status in _BUSY:
            status, content = self._exchange(method, target, form)
        found = _parsed(content)
        if status >= 400 or found is None:
            error = (found or {}).get("error", "")
            reason = error.get("message", "") if isinstance(error, dict) else str(error)
            kind = RemoteRefused if 400 <= status < 500 else RemoteError
            raise kind(f"{self._name} answers {status}{f': {reason[:200]}' if reason else ''}")
        return found

    def _exchange(self, method: str, target: str, form: str) -> tuple[int, bytes]:
        self._pace.wait()
        connection = self._kind(self._host, self._port, timeout=self._seconds)
        headers = {"User-Agent": USER_AGENT, "Accept": "application/json"}
        if form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        deadline = time.monotonic() + self._seconds
        try:
            connection.request(method, self._folder + target, form.encode() or None, headers)
            with connection.getresponse() as response:
                return response.status, self._read(response, deadline)
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise RemoteUnreachable(
                f"{self._name} cannot be reached: {reason}", cure="is this machine online?"
            ) from error
        finally:
            connection.close()

    def _read(self, response: http.client.HTTPResponse, deadline: float) -> bytes:
        """A socket's own limit begins anew with every piece that drips in, so the clock is looked at too."""
        pieces, size = [], 0
        while piece := response.read1(65_536):
            pieces.append(piece)
            size += len(piece)
            if size > MOST_BYTES:
                raise RemoteError(f"{self._name} sends more than {MOST_BYTES >> 20} MB")
            if time.monotonic() > deadline:
                raise TimeoutError("it did not answer in time")
        return b"".join(pieces)


def _parsed(content: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(content)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
