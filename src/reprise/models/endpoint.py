"""A server that speaks OpenAI's HTTP API, asked with patience: what passes is waited for, what stays is named."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from reprise.errors import EndpointFailed, EndpointLost, ModelLoadFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    Answer = TypeVar("Answer")

CHAT = "chat/completions"
"""Below the address of the API: where a model is asked to write."""

RESPONSE_BYTES = 1 << 20

REFUSALS = {401, 402, 403, 404, 405, 410}
"""HTTP statuses that say nothing of the item: wrong key, no money, wrong address, no such model."""

LATER = {408, 409, 425, 429}
"""HTTP statuses, beside all from 500 on, after which the same request may succeed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds.

    ``request``: for one answer, or until a connection stands. ``item``: for an item's answer with all attempts.
    ``first_pause`` before the second attempt, twice as long before each further one. ``failures``: so many items in
    a row without an answer mean that the server is lost.
    """

    request: float = 120.0
    item: float = 240.0
    attempts: int = 4
    first_pause: float = 1.0
    failures: int = 3


class _TryLater(Exception):
    """The server did not do it now. ``after``: seconds that it asks to be left alone."""

    def __init__(self, reason: str, after: float | None = None) -> None:
        super().__init__(reason)
        self.after = after


class Endpoint:
    """Asks one server, at one ``path`` of its API, for what the model of one setting can do.

    Raises ``ModelLoadFailed`` for an address that is none, a key that no header takes, or when the setting
    ``model_setting`` names no model. ``most_bytes`` of one answer are read.
    """

    def __init__(
        self,
        address: str,
        model: str,
        key: str,
        patience: Patience,
        *,
        path: str = CHAT,
        model_setting: str = "endpoint_model",
        most_bytes: int = RESPONSE_BYTES,
    ) -> None:
        self._url = api_url(address, path)
        if not model:
            raise ModelLoadFailed(
                f"the setting {model_setting} is empty", cure="name the model that the endpoint is to use"
            )
        self.model = model
        self._model_setting = model_setting
        self._key = key.strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise ModelLoadFailed(
                "the setting endpoint_key holds characters that no key has", cure="set it anew"
            )
        self._patience = patience
        self._most_bytes = most_bytes
        self._failures = 0
        self._opener = urllib.request.build_opener(_NoRedirects)

    def ask(self, asked: dict[str, Any], understood: Callable[[bytes], Answer]) -> Answer:
        """What ``understood`` makes of the answer; it raises ``EndpointFailed`` for one that is no use.

        ``asked``: the request without the model's name. Raises ``EndpointFailed``, and ``EndpointLost`` when no other
        item would fare better.
        """
        body = json.dumps({"model": self.model, **asked}).encode()
        try:
            answer = self._persist(body, understood, time.monotonic() + self._patience.item)
        except EndpointFailed as error:
            self._failures += 1
            if self._failures < self._patience.failures:
                raise
            raise EndpointLost(f"{self._failures} items in a row got no answer: {error.message}") from error
        self._failures = 0
        return answer

    def _persist(
        self, body: bytes, understood: Callable[[bytes], Answer], deadline: float, attempt: int = 1
    ) -> Answer:
        try:
            return understood(self._ask(body, deadline))
        except _TryLater as refused:
            patience = self._patience
            wait = patience.first_pause * 2 ** (attempt - 1) if refused.after is None else refused.after
            if attempt == patience.attempts or time.monotonic() + wait > deadline:
                asked = f", and asks to wait {refused.after:.0f} s" if refused.after else ""
                raise EndpointFailed(f"{refused}{asked} (attempt {attempt})") from refused
        time.sleep(wait)
        return self._persist(body, understood, deadline, attempt + 1)

    def _ask(self, body: bytes, deadline: float) -> bytes:
        """One request; returns what was answered."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 - see api_url
        until = min(deadline, time.monotonic() + self._patience.request)
        try:
            with self._opener.open(request, timeout=max(0.01, until - time.monotonic())) as response:
                return self._read(response, until)
        except urllib.error.HTTPError as error:
            with error:
                raise self._refused(error) from error
        except TimeoutError as error:
            raise self._silent() from error
        except (http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            if isinstance(reason, TimeoutError):
                raise self._silent() from error
            raise _TryLater(f"{self._host} cannot be asked: {reason or type(reason).__name__}") from error

    def _read(self, response: Any, until: float) -> bytes:
        """A server that sends a byte now and then is as silent as one that sends none."""
        answer = bytearray()
        while block := response.read1(65_536):
            answer += block
            if time.monotonic() > until:
                raise TimeoutError
            if len(answer) > self._most_bytes:
                raise EndpointFailed(f"{self._host} answers more than {self._most_bytes >> 20} MiB")
        if response.length:  # bytes that were announced and did not come
            raise http.client.IncompleteRead(bytes(answer), response.length)
        return bytes(answer)

    def _refused(self, error: urllib.error.HTTPError) -> Exception:
        reason = f"{self._host} answers {error.code}{self._words(error)}"
        if error.code in REFUSALS:
            settings = f"endpoint, {self._model_setting} and endpoint_key"
            return EndpointLost(reason, cure=f"check the settings {settings}")
        if 300 <= error.code < 400:
            target = error.headers.get("Location", "nowhere")
            return EndpointLost(f"{reason}: it points to {target}", cure="set endpoint to that address")
        if error.code in LATER or error.code >= 500:
            return _TryLater(reason, retry_after(error.headers.get("Retry-After")))
        return EndpointFailed(reason)

    def _words(self, error: urllib.error.HTTPError) -> str:
        """What the server says beside the status, in one line."""
        try:
            text = error.read(4096).decode(errors="replace")
        except (OSError, http.client.HTTPException):
            return ""
        with suppress(ValueError, KeyError, TypeError):  # not every server wraps its words so
            text = str(json.loads(text)["error"]["message"])
        if self._key:
            text = text.replace(self._key, "…")
        printable = "".join(char if char.isprintable() else " " for char in text)
        line = " ".join(printable.split())[:200]
        return f": {line}" if line else ""

    def _silent(self) -> EndpointFailed:
        """Not tried again at once: the server may still be at work on it."""
        return EndpointFailed(f"{self._host} did not answer within {self._patience.request:g} s")

    @property
    def _host(self) -> str:
        return urlsplit(self._url).netloc.rpartition("@")[2]


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The key and what is shown go to the address that was set, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def api_url(endpoint: str, path: str = CHAT) -> str:
    """The address of ``path`` under ``endpoint``: a host, its ``/v1``, or the whole address of chat completions.

    Raises ``ModelLoadFailed`` for anything but http and https.
    """
    try:
        parts = urlsplit(endpoint.strip())
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number, a bracket that is left open
        parts, usable = urlsplit(""), False
    if not usable:
        raise ModelLoadFailed(
            f"the setting endpoint is no address: {endpoint!r}", cure="write it as http://localhost:8000/v1"
        )
    base = parts.path.rstrip("/").removesuffix(f"/{CHAT}").removesuffix(f"/{path}")
    if not base and parts.path.strip("/") not in {CHAT, path}:
        base = "/v1"
    return parts._replace(path=f"{base}/{path}", fragment="").geturl()


def written(answer: bytes) -> str:
    """The text of a chat completion. Raises ``EndpointFailed`` when it is none or holds no text."""
    try:
        text = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        start = " ".join(answer[:80].decode(errors="replace").split())
        raise EndpointFailed(f"the endpoint's answer is no chat completion: {start!r}") from error
    if not isinstance(text, str) or not text.strip():
        raise EndpointFailed("the endpoint's answer holds no text")
    return text.strip()


def retry_after(header: str | None) -> float | None:
    """Seconds of a ``Retry-After`` header, which holds seconds or a date (RFC 9110); ``None`` for none or another."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
