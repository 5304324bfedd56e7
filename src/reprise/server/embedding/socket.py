"""The one-line protocol of earlier embedding services: one JSON object in, one out, over a Unix socket of our user's own.

``action`` is ``embed`` (the default), ``health``, ``status`` or ``flush``; ``request_id`` comes back with the answer.
"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool

from reprise.errors import RepriseError, UsageError
from reprise.server.embedding import answers
from reprise.server.listening import listening
from reprise.server.routes.embedding import AudioFile, StatusQuestion

if TYPE_CHECKING:
    from reprise.app import App
    from reprise.server.house import House

MOST_BYTES = 64 << 20
"""Of one line."""
READ_SECONDS = 30.0
"""How long a client may take to send its line."""
ACTIONS = ("embed", "health", "status", "flush")


class EmbedSocket:
    """A ``Service``: answers on the socket that the setting ``embed_socket`` names, many clients at once."""

    name = "embed socket"

    def __init__(self, house: House) -> None:
        self._house = house
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._over: asyncio.Event | None = None
        self._failure: BaseException | None = None

    def start(self) -> None:
        if not self._house.app.settings.text("embed_socket"):
            return
        self._thread = threading.Thread(target=self._run, name="embed socket")
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure

    def stop(self) -> None:
        if self._loop is None or self._over is None or self._thread is None:
            return
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def trouble(self) -> str:
        return ""

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except RepriseError as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        with listening("", 0, self._house.app.settings.text("embed_socket")) as place:
            server = await asyncio.start_unix_server(self._client, sock=place.sockets[0], limit=MOST_BYTES)
            async with server:
                self._ready.set()
                await self._over.wait()

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = await self._answer_to(reader)
        if answer is not None:
            writer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
            await _drained(writer)
        writer.close()

    async def _answer_to(self, reader: asyncio.StreamReader) -> dict[str, Any] | None:
        """Nothing for a client that leaves without a word."""
        try:
            line = await asyncio.wait_for(reader.readline(), READ_SECONDS)
        except TimeoutError:
            return _error(f"no line came within {READ_SECONDS:g} s")
        except (ValueError, ConnectionError) as error:
            return _error(f"the line is too long, or broken: {error}")
        if not line:
            return None
        try:
            asked = json.loads(line)
        except ValueError:
            return _error("that is no JSON object on one line")
        if not isinstance(asked, dict):
            return _error("that is no JSON object on one line")
        answer = await self._answer(asked)
        return answer | ({"request_id": asked["request_id"]} if "request_id" in asked else {})

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            return await self._act(asked.get("action") or "embed", asked)
        except RepriseError as error:
            return _error(error.message) | {"code": error.code, "cure": error.cure}
        except ValidationError as error:
            first = error.errors()[0]
            return _error(f"{'.'.join(map(str, first['loc']))}: {first['msg']}")

    async def _act(self, action: object, asked: dict[str, Any]) -> dict[str, Any]:
        app = self._app()
        if action == "embed":
            file = AudioFile.model_validate(asked)
            return await answers.embed(self._house, app, file.music_file, file.name, file.received())
        if action == "status":
            question = StatusQuestion.model_validate(asked)
            return await run_in_threadpool(
                answers.status, app, question.name, question.track_id, question.names()
            )
        if action == "health":
            return await run_in_threadpool(answers.health, self._house, app)
        if action == "flush":
            return {
                "status": "ok",
                "message": "nothing waits to be flushed: every request is worked on at once",
            }
        raise UsageError(f"there is no action {action!r}", cure=f"one of: {', '.join(ACTIONS)}")

    def _app(self) -> App:
        settings = self._house.app.settings
        return self._house.of(settings.text("compat_owner") or settings.text("owner"))


async def _drained(writer: asyncio.StreamWriter) -> None:
    try:
        await writer.drain()
    except ConnectionError:
        return  # the client has left; what was done stays done


def _error(message: str) -> dict[str, Any]:
    return {"status": "error", "message": message}
