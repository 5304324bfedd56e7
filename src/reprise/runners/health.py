"""A few pages over HTTP for those who watch over a process: no framework, no sign-in, nothing that changes anything."""

from __future__ import annotations

import json
import logging
import socket
import threading
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from reprise.core.health import DEGRADED, OK
from reprise.errors import BadSetting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reprise.core.health import Component

    Page = Callable[[], "Answer"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page holds."""

    status: int
    body: bytes
    kind: str = "application/json"


def as_json(facts: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, json.dumps(facts, ensure_ascii=False).encode())


def readiness(components: Sequence[Component]) -> Answer:
    """503 as long as anything is not well."""
    well = all(one.status == OK for one in components)
    facts = {"status": OK if well else DEGRADED, "components": [asdict(one) for one in components]}
    return as_json(facts, 200 if well else 503)


@contextmanager
def answering(host: str, port: int, pages: Mapping[str, Page]) -> Iterator[str]:
    """Inside the block the pages are answered at that address, which is given; port 0: any that is free.

    Raises ``BadSetting`` for an address that cannot be had.
    """

    class Handler(_Handler):
        known = pages

    class Server(ThreadingHTTPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    try:
        server = Server((host, port), Handler)
    except (OSError, OverflowError) as error:
        raise BadSetting(
            f"health cannot be told at {host}:{port}: {error}", cure="choose another --health-port"
        ) from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="health", daemon=True)
    thread.start()
    try:
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """``known``: pages by path."""

    known: Mapping[str, Page]
    server_version, sys_version = "reprise", ""
    timeout = 10.0
    """Seconds for a whole request: somebody who says nothing holds no thread."""

    def do_GET(self) -> None:
        page = self.known.get(self.path.partition("?")[0])
        answer = (
            page() if page else as_json({"error": "there is no such page", "pages": list(self.known)}, 404)
        )
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 (the base's name)
        """Not to standard error: somebody asks every few seconds."""
        log.debug(format, *arguments)
