"""Captions of tracks from a server that speaks the chat completions of OpenAI and listens."""

from __future__ import annotations

import base64
import http.client
import io
import json
import time
import urllib.error
import urllib.request
import wave
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from reprise.errors import EndpointFailed, EndpointLost, ModelLoadFailed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROMPT = (
    "Describe this music for somebody who searches a music library by words, in one paragraph of at most 150 words. "
    "Say what you hear of: genre, tempo, key, instruments, voice and what it sings about, rhythm, production, mood, "
    "and the occasion it suits. Do not guess artist or title, and do not mention that this is an excerpt."
)

PROMPT_VERSION = 1
"""Raised with every change of the prompt or of how the sound is sent: captions of two prompts do not compare."""

MOST_TOKENS = 512

MOST_CHARACTERS = 4096

RESPONSE_BYTES = 1 << 20

REFUSALS = {401, 402, 403, 404, 405, 410}
"""HTTP statuses that say nothing of the track: wrong key, no money, wrong address, no such model."""

LATER = {408, 409, 425, 429}
"""HTTP statuses, beside all from 500 on, after which the same request may succeed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds.

    ``request``: for one answer, or until a connection stands. ``item``: for a track's caption with all attempts.
    ``first_pause`` before the second attempt, twice as long before each further one. ``failures``: so many tracks in
    a row without a caption mean that the server is lost.
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


class Captioner:
    """Asks one server.

    Raises ``ModelLoadFailed`` for an address that is none, a key that no header takes, or when no model is named.
    """

    def __init__(self, endpoint: str, model: str, key: str, patience: Patience) -> None:
        self._url = completions_url(endpoint)
        if not model:
            raise ModelLoadFailed(
                "the setting endpoint_model is empty", cure="name the model that the endpoint is to use"
            )
        self._model = model
        self._key = key.strip()
        if not (self._key.isascii() and self._key.isprintable()):
            raise ModelLoadFailed(
                "the setting endpoint_key holds characters that no key has", cure="set it anew"
            )
        self._patience = patience
        self._failures = 0
        self._opener = urllib.request.build_opener(_NoRedirects)

    def caption(self, samples: NDArray[np.float32], sample_rate: int) -> str:
        """What the server says of mono ``samples``, shape (n,), nominal range -1 to 1.

        Raises ``EndpointFailed``, and ``EndpointLost`` when no other track would fare better.
        """
        body = request_body(self._model, wav_bytes(samples, sample_rate))
        try:
            caption = self._persist(body, time.monotonic() + self._patience.item)
        except EndpointFailed as error:
            self._failures += 1
            if self._failures < self._patience.failures:
                raise
            raise EndpointLost(f"{self._failures} tracks in a row got no caption: {error.message}") from error
        self._failures = 0
        return caption

    def _persist(self, body: bytes, deadline: float, attempt: int = 1) -> str:
        try:
            return caption_of(self._ask(body, deadline))
        except _TryLater as refused:
            patience = self._patience
            wait = patience.first_pause * 2 ** (attempt - 1) if refused.after is None else refused.after
            if attempt == patience.attempts or time.monotonic() + wait > deadline:
                asked = f", and asks to wait {refused.after:.0f} s" if refused.after else ""
                raise EndpointFailed(f"{refused}{asked} (attempt {attempt})") from refused
        time.sleep(wait)
        return self._persist(body, deadline, attempt + 1)

    def _ask(self, body: bytes, deadline: float) -> bytes:
        """One request; returns what was answered."""
        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 - see completions_url
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
        answer = b""
        while block := response.read1(65_536):
            answer += block
            if time.monotonic() > until:
                raise TimeoutError
            if len(answer) > RESPONSE_BYTES:
                raise EndpointFailed(f"{self._host} answers more than {RESPONSE_BYTES >> 20} MiB")
        if response.length:  # bytes that were announced and did not come
            raise http.client.IncompleteRead(answer, response.length)
        return answer

    def _refused(self, error: urllib.error.HTTPError) -> Exception:
        reason = f"{self._host} answers {error.code}{self._words(error)}"
        if error.code in REFUSALS:
            return EndpointLost(reason, cure="check the settings endpoint, endpoint_model and endpoint_key")
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
    """The key and the sound go to the address that was set, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def completions_url(endpoint: str) -> str:
    """The address of chat completions under ``endpoint``: a host, its ``/v1``, or the whole address.

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
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path = f"{path or '/v1'}/chat/completions"
    return parts._replace(path=path, fragment="").geturl()


def wav_bytes(samples: NDArray[np.float32], sample_rate: int) -> bytes:
    """A mono WAV file of 16 bits."""
    import numpy as np

    whole = np.round(np.clip(samples, -1.0, 1.0) * 32_767.0).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(whole.tobytes())
    return file.getvalue()


def request_body(model: str, wav: bytes) -> bytes:
    """Prompt and sound as OpenAI's reference of ``/v1/chat/completions`` describes them, answered without chance."""
    sound = {"data": base64.b64encode(wav).decode("ascii"), "format": "wav"}
    content = [{"type": "text", "text": PROMPT}, {"type": "input_audio", "input_audio": sound}]
    asked = {
        "model": model,
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": MOST_TOKENS,
    }
    return json.dumps(asked).encode()


def caption_of(answer: bytes) -> str:
    """The text of a chat completion. Raises ``EndpointFailed`` when it is none or holds no text."""
    try:
        text = json.loads(answer)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError) as error:
        start = " ".join(answer[:80].decode(errors="replace").split())
        raise EndpointFailed(f"the endpoint's answer is no chat completion: {start!r}") from error
    if not isinstance(text, str) or not text.strip():
        raise EndpointFailed("the endpoint's answer holds no text")
    return text.strip()[:MOST_CHARACTERS]


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
