"""A server on this machine that listens and speaks OpenAI's chat completions, and the ways in which one fails."""

from __future__ import annotations

import base64
import io
import json
import threading
import wave
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CAPTION = "A slow waltz for accordion and upright bass, in D minor, wistful and dusty."


def completion(text: Any) -> bytes:
    """A whole answer as OpenAI's reference of ``/v1/chat/completions`` shows it."""
    message = {"role": "assistant", "content": text, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    usage = {"prompt_tokens": 300, "completion_tokens": 20, "total_tokens": 320}
    answer = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "listener"}
    return json.dumps(answer | {"choices": [choice], "usage": usage}).encode()


@dataclass
class Reply:
    """``mood``: ``kind``, ``hang`` (no answer at all), ``drip`` (a byte now and then), ``cut`` (half of it)."""

    status: int = 200
    body: bytes = field(default_factory=lambda: completion(CAPTION))
    headers: dict[str, str] = field(default_factory=dict)
    mood: str = "kind"


@dataclass
class Heard:
    """One request."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    def sound(self) -> tuple[int, NDArray[np.float32]]:
        """Rate and samples of the WAV file that was sent."""
        parts = [part for part in self.body["messages"][0]["content"] if part["type"] == "input_audio"]
        assert [part["input_audio"]["format"] for part in parts] == ["wav"]
        content = base64.b64decode(parts[0]["input_audio"]["data"], validate=True)
        with wave.open(io.BytesIO(content)) as reader:
            assert (reader.getnchannels(), reader.getsampwidth()) == (1, 2)
            whole = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")
            samples: NDArray[np.float32] = whole.astype(np.float32) / np.float32(32_767)
            return reader.getframerate(), samples

    def picture(self) -> tuple[str, bytes]:
        """Kind and bytes of the picture that was sent, in a data URL."""
        parts = [part for part in self.body["messages"][0]["content"] if part["type"] == "image_url"]
        assert len(parts) == 1
        kind, _, content = parts[0]["image_url"]["url"].removeprefix("data:").partition(";base64,")
        return kind, base64.b64decode(content, validate=True)


@dataclass
class ChatServer:
    """``replies`` are given in turn, the last one for ever."""

    address: str = ""
    replies: list[Reply] = field(default_factory=lambda: [Reply()])
    heard: list[Heard] = field(default_factory=list)

    def next_reply(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


class _Listening(ThreadingHTTPServer):
    """Knows what to answer, and when to stop hanging."""

    def __init__(self, told: ChatServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told = told
        self.leave = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: _Listening

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.told.heard.append(Heard(self.path, dict(self.headers), json.loads(body)))
        reply = self.server.told.next_reply()
        if reply.mood == "hang":
            self.server.leave.wait()
            return
        self.send_response(reply.status)
        for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # the client has lost its patience
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if reply.mood == "drip":
            for byte in reply.body:
                self.wfile.write(bytes([byte]))
                if self.server.leave.wait(0.05):
                    return
        elif reply.mood == "cut":
            self.wfile.write(reply.body[: len(reply.body) // 2])
        else:
            self.wfile.write(reply.body)

    def log_message(self, *_: Any) -> None:
        """Not into the tests' output."""


@contextmanager
def chat_server() -> Iterator[ChatServer]:
    told = ChatServer()
    http = _Listening(told)
    told.address = f"http://127.0.0.1:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        http.leave.set()
        http.shutdown()
        thread.join()
        http.server_close()
