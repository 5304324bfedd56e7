"""What every request passes first: its size, its Host, its Origin; and the headers that every answer carries."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from fastapi.exceptions import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, Request

from reprise.errors import RepriseError
from reprise.server.access import COOKIE
from reprise.server.asking import compatible_owner, person_of
from reprise.server.hosts import Hosts
from reprise.server.problems import problem, problem_of
from reprise.server.proxies import Forwarded, is_local, trusted_proxies

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from reprise.server.house import House

log = logging.getLogger(__name__)

MIB = 1 << 20
MOST_BYTES = 1 * MIB
MOST_BYTES_OF = (
    (re.compile(r"/embed/audio"), 64 * MIB),
    (re.compile(r"/api/v1/persons/[0-9]+/photos"), 21 * MIB),  # a picture of 20 MiB, in a form
    (re.compile(r"/api/v1/videos/import"), 64 * MIB),
    (re.compile(r"/api/v1/videos/[0-9]+/transcript"), 16 * MIB),  # hours of words
)
"""A body's size in bytes, and that of routes that take more."""

WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:;"
    " worker-src 'self'; style-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self';"
    " frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Resource-Policy": "same-origin",
}
HSTS = "max-age=31536000"  # a year


def guard(api: FastAPI, house: House) -> None:
    """Add the guards to the application. Raises ``BadSetting`` for hosts and proxies that cannot be any."""
    settings = house.app.settings
    api.add_middleware(Guard, hosts=Hosts(settings))
    if proxies := trusted_proxies(settings):
        api.add_middleware(Forwarded, proxies=proxies)


class Guard:
    """The outermost of our layers. It buffers nothing: bodies and answers stream through."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(send, https=scope["scheme"] == "https")
        refused = self._refusal(scope) or await _refusal_of_much(scope)
        if refused is not None:
            await refused(scope, receive, answer)
            return
        try:
            await self._app(scope, _Body(receive, _most_bytes(scope)), answer)
        except ClientDisconnect:
            return
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            if answer.started:
                raise
            await _internal()(scope, receive, answer)

    def _refusal(self, scope: Scope) -> Response | None:
        """Why the request goes no further; nothing when it does."""
        headers = Headers(scope=scope)
        if not _is_readable(scope):
            return problem(400, "bad_request", "the address is not UTF-8, or holds a NUL", "encode it anew")
        if not is_local(scope) and (refused := self._host_refusal(headers)):
            return refused
        if _length(headers) > _most_bytes(scope):
            most = _most_bytes(scope) // MIB
            return problem(413, "too_large", f"more than {most} MiB was sent", "send less at once")
        if scope["method"] in WRITES and _is_foreign(headers, scope["scheme"]):
            return problem(
                403,
                "foreign_origin",
                "the request comes from another site, or does not say from where",
                "use the panel of this server; programs send Authorization: Bearer TOKEN and no cookie",
            )
        return None

    def _host_refusal(self, headers: Headers) -> Response | None:
        given = headers.getlist("host")
        if len(given) != 1:
            return problem(
                400, "bad_request", "the request names no host, or several", "send one Host header"
            )
        if self._hosts.allows(given[0]):
            return None
        return problem(
            421,
            "host_refused",
            f"this server is not known as {given[0][:100]!r}",
            "add the name to the setting allowed_hosts, or ask by address",
        )


async def _refusal_of_much(scope: Scope) -> Response | None:
    """Why more than ``MOST_BYTES`` is not taken: strangers fill no memory. Routes read a body before they ask who sends it."""
    headers = Headers(scope=scope)
    if _most_bytes(scope) == MOST_BYTES or not (
        _length(headers) > MOST_BYTES or "transfer-encoding" in headers
    ):
        return None
    request = Request(scope)
    try:
        await person_of(request)
    except RepriseError as error:
        return None if compatible_owner(request) else problem_of(error)
    return None


def _internal() -> Response:
    return problem(
        500, "internal", "the server made a mistake", "look into its log; please report what stands there"
    )


def _is_readable(scope: Scope) -> bool:
    raw = unquote_to_bytes(scope.get("raw_path") or scope["path"])
    query = unquote_to_bytes(scope["query_string"])
    try:
        return "\0" not in raw.decode() and "\0" not in query.decode()
    except UnicodeDecodeError:
        return False


def _most_bytes(scope: Scope) -> int:
    path: str = scope["path"]
    return next((most for taken, most in MOST_BYTES_OF if taken.match(path)), MOST_BYTES)


def _length(headers: Headers) -> int:
    """What the body is said to be; how long it is will be seen."""
    given = headers.get("content-length", "0")
    return int(given[:20]) if given.isdecimal() else 0


def _is_foreign(headers: Headers, scheme: str) -> bool:
    """Whether a write may have been caused by a page of another site.

    Who sends our cookie must show that it does not; who sends none, and a token, is no browser.
    """
    origin, site = headers.get("origin"), headers.get("sec-fetch-site")
    has_cookie = f"{COOKIE}=" in headers.get("cookie", "")
    if "authorization" in headers and not has_cookie:
        return False
    if origin is not None and not _is_own(origin, headers.get("host", ""), scheme):
        return True
    if site is not None:
        return site not in {"same-origin", "none"}
    return origin is None and has_cookie


def _is_own(origin: str, host: str, scheme: str) -> bool:
    """Whether the origin is the site that was asked.

    Behind a proxy that is not trusted we see http where the browser sees https; the other way round it is foreign.
    """
    own, _, name = origin.lower().partition("://")
    if own not in {"http", "https"} or (scheme == "https" and own != "https"):
        return False
    port = {"http": ":80", "https": ":443"}[own]
    return bool(name) and name.removesuffix(port) == host.lower().removesuffix(port)


class _Body:
    """Receives the body, and no more of it than is taken."""

    def __init__(self, receive: Receive, most_bytes: int) -> None:
        self._receive = receive
        self._most_bytes = most_bytes
        self._bytes = 0

    async def __call__(self) -> Message:
        message = await self._receive()
        self._bytes += len(message.get("body", b""))
        if self._bytes > self._most_bytes:
            raise HTTPException(413, f"more than {self._most_bytes // MIB} MiB was sent")
        return message


class _Answer:
    """Sends the answer with our headers; one that the route has set itself stays."""

    def __init__(self, send: Send, *, https: bool) -> None:
        self._send = send
        self._headers = {**HEADERS, "Strict-Transport-Security": HSTS} if https else HEADERS
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in self._headers.items():
                headers.setdefault(name, value)
        await self._send(message)
