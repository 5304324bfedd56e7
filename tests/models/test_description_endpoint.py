"""The endpoint that captions: where it is, and the many ways in which it may fail."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from reprise.errors import EndpointFailed, EndpointLost, ModelLoadFailed
from reprise.models.description_captions import Captioner
from reprise.models.endpoint import Patience, api_url, retry_after
from tests.models.chat_server import CAPTION, ChatServer, Reply, chat_server, completion

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "sk-a-secret-of-the-test"
IMPATIENT = Patience(request=0.3, item=5.0, attempts=3, first_pause=0.01)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as serving:
        yield serving


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("http://host:8000", "http://host:8000/v1/chat/completions"),
        ("http://host:8000/", "http://host:8000/v1/chat/completions"),
        ("https://host/v1", "https://host/v1/chat/completions"),
        (" https://host/api/v1/ ", "https://host/api/v1/chat/completions"),
        ("https://host/v1/chat/completions", "https://host/v1/chat/completions"),
        ("https://host/openai?version=2", "https://host/openai/chat/completions?version=2"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_addresses(endpoint: str, url: str) -> None:
    assert api_url(endpoint) == url


@pytest.mark.parametrize(
    "endpoint", ["ftp://host", "file:///etc/passwd", "http://", "http://[", "http://host:x", "host"]
)
def test_addresses_that_are_none(endpoint: str) -> None:
    with pytest.raises(ModelLoadFailed, match="is no address"):
        api_url(endpoint)


def test_how_long_a_server_asks_to_be_left_alone() -> None:
    assert retry_after(None) is None
    assert retry_after("7") == 7.0
    assert retry_after("soon") is None
    assert retry_after(format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)) == 0.0
    later = retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert later is not None
    assert 55 < later <= 60


def ask(server: ChatServer, captioner: Captioner | None = None, **patience: Any) -> str:
    """Let a captioner of little patience describe a second of noise."""
    chosen = Patience(**({name: getattr(IMPATIENT, name) for name in IMPATIENT.__slots__} | patience))
    asking = captioner or Captioner(server.address, "listener", KEY, chosen)
    sound = 0.1 * np.random.default_rng(1).standard_normal(16_000)
    return asking.caption(sound.astype(np.float32), 16_000)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 408])
def test_trouble_that_passes(server: ChatServer, status: int) -> None:
    server.replies = [Reply(status=status, body=b"busy"), Reply(status=status, body=b""), Reply()]
    assert ask(server) == CAPTION
    assert len(server.heard) == 3
    assert server.heard[0].body == server.heard[2].body


def test_retry_after_is_obeyed(server: ChatServer) -> None:
    server.replies = [Reply(status=429, headers={"Retry-After": "1"}), Reply()]
    began = time.monotonic()
    assert ask(server) == CAPTION
    assert 1.0 <= time.monotonic() - began < 4.0


def test_a_pause_longer_than_the_patience_is_not_waited_for(server: ChatServer) -> None:
    server.replies = [Reply(status=429, headers={"Retry-After": "3600"}, body=b"")]
    began = time.monotonic()
    with pytest.raises(EndpointFailed, match=r"answers 429, and asks to wait 3600 s \(attempt 1\)"):
        ask(server)
    assert time.monotonic() - began < 2.0


def test_trouble_that_stays(server: ChatServer) -> None:
    body = json.dumps(
        {"error": {"message": f"out of\n\x1b[31mmemory, key {KEY}\n", "type": "server_error"}}
    ).encode()
    server.replies = [Reply(status=500, body=body)]
    with pytest.raises(
        EndpointFailed, match=r"answers 500: out of \[31mmemory, key … \(attempt 3\)"
    ) as caught:
        ask(server)
    assert caught.value.retryable
    assert len(server.heard) == 3
    assert server.address.removeprefix("http://") in caught.value.message
    assert KEY not in caught.value.message


@pytest.mark.parametrize("mood", ["hang", "drip"])
def test_a_server_that_hangs_costs_what_patience_allows(server: ChatServer, mood: str) -> None:
    server.replies = [Reply(mood=mood)]
    began = time.monotonic()
    with pytest.raises(EndpointFailed, match=r"did not answer within 0\.3 s"):
        ask(server)
    assert time.monotonic() - began < 2.0
    assert len(server.heard) == 1, "it may still be at work on it"


def test_a_server_that_is_not_there() -> None:
    with chat_server() as gone:
        pass
    with pytest.raises(EndpointFailed, match=r"cannot be asked: .*refused.* \(attempt 3\)"):
        ask(gone)


def test_an_answer_that_breaks_off_is_asked_for_again(server: ChatServer) -> None:
    server.replies = [Reply(mood="cut"), Reply()]
    assert ask(server) == CAPTION


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>It works!</html>", "is no chat completion: '<html>It works!</html>'"),
        (b'{"choices": []}', "is no chat completion"),
        (b"[]", "is no chat completion"),
        (b'{"choices": [{"message": null}]}', "is no chat completion"),
        (completion(None), "holds no text"),
        (completion(" \n"), "holds no text"),
        (completion([{"type": "text"}]), "holds no text"),
        (b"\xff\xfe garbage", "is no chat completion"),
        (b" " * ((1 << 20) + 1), "answers more than 1 MiB"),
    ],
)
def test_answers_that_are_none(server: ChatServer, body: bytes, reason: str) -> None:
    server.replies = [Reply(body=body)]
    with pytest.raises(EndpointFailed, match=reason):
        ask(server, request=5.0)
    assert len(server.heard) == 1


def test_a_very_long_caption_is_cut(server: ChatServer) -> None:
    server.replies = [Reply(body=completion(" word" * 5000))]
    assert len(ask(server)) == 4096


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_no_track_would_change_ends_the_model(server: ChatServer, status: int) -> None:
    body = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode()
    server.replies = [Reply(status=status, body=body)]
    with pytest.raises(EndpointLost, match=f"answers {status}: Incorrect API key provided: …") as caught:
        ask(server)
    assert "endpoint_key" in caught.value.cure
    assert len(server.heard) == 1


def test_a_request_that_is_refused_is_this_tracks_trouble(server: ChatServer) -> None:
    server.replies = [Reply(status=400, body=b"audio too long")]
    with pytest.raises(EndpointFailed, match="answers 400: audio too long"):
        ask(server)
    assert len(server.heard) == 1


def test_a_redirect_gets_neither_sound_nor_key(server: ChatServer) -> None:
    with chat_server() as elsewhere:
        for status in (301, 302, 307, 308):
            server.replies = [Reply(status=status, headers={"Location": f"{elsewhere.address}/v1"})]
            with pytest.raises(EndpointLost, match=f"answers {status}.*points to {elsewhere.address}/v1"):
                ask(server)
        assert elsewhere.heard == []


def test_a_server_that_fails_one_track_after_the_other_is_lost(server: ChatServer) -> None:
    server.replies = [Reply(status=400), Reply(), Reply(status=400)]
    captioner = Captioner(server.address, "listener", "", IMPATIENT)
    with pytest.raises(EndpointFailed):
        ask(server, captioner)
    assert ask(server, captioner) == CAPTION
    for _ in range(2):
        with pytest.raises(EndpointFailed):
            ask(server, captioner)
    with pytest.raises(EndpointLost, match=r"3 items in a row got no answer: .* answers 400"):
        ask(server, captioner)
