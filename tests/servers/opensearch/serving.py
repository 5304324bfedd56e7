"""The stand-in's HTTP: finds the call in the table, checks the request against it, and writes down what it refused."""

from __future__ import annotations

import base64
import json
import socket
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.servers.opensearch.node import Node
from tests.servers.opensearch.rules import Refusal
from tests.servers.opensearch.schema import CALLS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from tests.servers.opensearch.schema import Call

    Fault: TypeAlias = "Callable[[str, str], tuple[int, Any] | None]"

_JSON = ("application/json",)
_LINES = ("application/x-ndjson", "application/json")


class StandIn:
    """A running stand-in. ``refused``: what it was asked that the manual does not allow. ``asked``: every call.

    ``fault``: given method and path of each request, an answer (status, body) to give instead, or ``None``.
    """

    def __init__(
        self,
        node: Node,
        user: str = "",
        password: str = "",
        secured: ssl.SSLContext | None = None,
        port: int = 0,
    ) -> None:
        self.node = node
        self.refused: list[str] = []
        self.asked: list[tuple[str, str]] = []
        self.fault: Fault | None = None
        self._basic = base64.b64encode(f"{user}:{password}".encode()).decode() if user else ""
        self._http = _Server(("127.0.0.1", port), _Handler)
        self._http.stand_in = self
        if secured is not None:
            self._http.socket = secured.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02})

    @property
    def port(self) -> int:
        return int(self._http.server_address[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """As a server that dies: connections that are kept open break off."""
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
        self._http.break_off()

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(target)
        self.asked.append((method, parts.path))
        if self.fault is not None and (instead := self.fault(method, parts.path)) is not None:
            return instead
        if self._basic and headers.get("Authorization") != f"Basic {self._basic}":
            return 401, "Unauthorized"
        try:
            with self.node.lock:
                return self._answered(method, parts.path, parts.query, headers, body)
        except Refusal as refusal:
            if not refusal.expected:
                self.refused.append(f"{method} {target}: {refusal.kind}: {refusal.reason}")
            return refusal.status, refusal.body()

    def _answered(self, method: str, path: str, query: str, headers: Any, body: bytes) -> tuple[int, Any]:
        call, parts = _call(method, path)
        params = _params(call, path, query)
        sent = _body(call, headers, body)
        todo: Callable[..., tuple[int, Any]] = getattr(self.node, _method_name(call))
        return todo(params, sent, **parts)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stand_in: StandIn

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self._open: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def break_off(self) -> None:
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body of an answer leave together
    timeout = 30

    def _serve(self) -> None:
        stand_in = self.server.stand_in  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, answer = stand_in.answer(self.command, self.path, self.headers, body)
        plain = isinstance(answer, str)
        told = answer.encode() if plain else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain" if plain else "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing: the tests look at ``refused``."""


def _call(method: str, path: str) -> tuple[Call, dict[str, str]]:
    asked = path.strip("/").split("/")
    for call in CALLS:
        wanted = call.path.strip("/").split("/")
        if call.method == method and len(wanted) == len(asked) and _fits(wanted, asked):
            named = zip(wanted, asked, strict=True)
            return call, {name[1:-1]: unquote(part) for name, part in named if name.startswith("{")}
    raise Refusal(
        400, "illegal_argument_exception", f"no handler found for uri [{path}] and method [{method}]"
    )


def _fits(wanted: list[str], asked: list[str]) -> bool:
    """Names of indices and ids do not begin with an underscore."""
    return all(
        (part and not part.startswith("_")) if name.startswith("{") else name == part
        for name, part in zip(wanted, asked, strict=True)
    )


def _params(call: Call, path: str, query: str) -> dict[str, str]:
    params = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(set(params) - set(call.params)):
        reason = f"request [{path}] contains unrecognized parameter: [{unknown[0]}]"
        raise Refusal(400, "illegal_argument_exception", reason)
    if missing := sorted(set(call.needed) - set(params)):
        raise Refusal(400, "action_request_validation_exception", f"[{missing[0]}] is not set")
    for name, value in params.items():
        call.params[name](value, name)
    return params


def _body(call: Call, headers: Any, body: bytes) -> Any:
    if call.body is None:
        if body:
            raise Refusal(
                400, "illegal_argument_exception", f"request [{call.method} {call.path}] has no body"
            )
        return None
    kind = headers.get("Content-Type", "").partition(";")[0]
    if kind not in (_LINES if call.body == "lines" else _JSON):
        raise Refusal(406, "media_type_header_exception", f"Content-Type header [{kind}] is not supported")
    if isinstance(call.body, str):
        return body
    try:
        sent = json.loads(body)
    except ValueError as error:
        raise Refusal(400, "json_parse_exception", str(error)) from error
    call.body(sent, "body")
    return sent


def _method_name(call: Call) -> str:
    """``POST /{index}/_search`` is answered by ``post_search``, ``GET /{index}`` by ``get_index``."""
    words = [part for part in call.path.strip("/").split("/") if part.startswith("_")]
    last = words[-1].lstrip("_") if words else ("index" if call.path != "/" else "root")
    return f"{call.method.lower()}_{'point_in_time' if call.path.endswith('point_in_time') else last}"


@contextmanager
def running(
    node: Node | None = None,
    *,
    user: str = "",
    password: str = "",
    secured: ssl.SSLContext | None = None,
    port: int = 0,
) -> Iterator[StandIn]:
    """A stand-in, on a free port unless one is given, for as long as the body runs."""
    stand_in = StandIn(node or Node(), user, password, secured, port)
    stand_in.start()
    try:
        yield stand_in
    finally:
        stand_in.stop()
