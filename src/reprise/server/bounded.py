"""What one connection may cost before its request can be answered: bytes and seconds.

Bodies are counted by the guard. What comes before them no application sees: lines of a head, and what follows the last
piece of a body in pieces. The parser gathers them without an end, so whoever reaches the port could fill the memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio

MOST_HEAD_BYTES = 64 << 10
"""And what the system hands over at once besides, a quarter of a MiB at most. Browsers' heads have a few KiB."""

HEAD_SECONDS = 30.0
"""From the connection, or from the first byte of a later request, to the end of its head."""

_TOO_LONG = b"the head of the request is too long\n"
_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-type: text/plain; charset=utf-8\r\n"
    b"content-length: %d\r\nconnection: close\r\n\r\n%s" % (len(_TOO_LONG), _TOO_LONG)
)


class BoundedHttp(HttpToolsProtocol):
    """Uvicorn's protocol, which hangs up on a head without an end, in bytes or in time."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._gathered_bytes = 0
        self._went_on = False
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._went_on = False
        super().data_received(data)
        self._gathered_bytes = 0 if self._went_on else self._gathered_bytes + len(data)
        if self._gathered_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_REFUSAL)
            self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._head_timer is None:
            self._expect_head()

    def on_headers_complete(self) -> None:
        self._went_on = True
        self._forget_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._went_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._went_on = True
        super().on_message_complete()

    def _expect_head(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _forget_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
