"""AcoustID and MusicBrainz are played by a real HTTP server of this test, and ``fpcalc`` by a script: no test asks the
world. What they answer is shaped as the services document it."""

from __future__ import annotations

import json
import os
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest

from reprise.core.file_fields import OnlineFacts
from reprise.core.items import Tags
from reprise.demo.encode import write_audio
from reprise.errors import BadSetting
from reprise.musicbrainz.asking import MOST_BYTES, Pace
from reprise.musicbrainz.chromaprint import NoFingerprint, chromaprint
from reprise.musicbrainz.recognise import GIVE_UP_AFTER, Recogniser
from tests.tags.files import TONE, audio

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harness import Home

RECORDING = "8fbd1d2f-7b1e-4c5e-9f0c-1d2e3f4a5b6c"
LOOKUP = {
    "status": "ok",
    "results": [
        {"id": "x", "score": 0.41, "recordings": [{"id": "wrong"}]},
        {"id": "y", "score": 0.97, "recordings": [{"id": RECORDING}]},
        {"id": "z", "score": 0.99},
    ],
}
KNOWN = {
    "title": "Roygbiv",
    "first-release-date": "1998-04-20",
    "artist-credit": [{"name": "Boards of Canada", "joinphrase": " & "}, {"name": "Friend"}],
    "releases": [
        {"title": "Bootleg", "date": "1990", "status": "Bootleg"},
        {"title": "Best of", "date": "2010-01-01", "status": "Official"},
        {"title": "Music Has the Right to Children", "date": "1998-04-20", "status": "Official"},
    ],
}


@dataclass
class Services:
    """Both services behind one port: what they answer, and what they were asked."""

    address: str = ""
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)
    first: list[tuple[int, Any]] = field(default_factory=list)


@pytest.fixture
def services() -> Iterator[Services]:
    found = Services(answers={"/v2/lookup": (200, LOOKUP), "/ws/2/recording/": (200, KNOWN)})

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer("")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])).decode())

        def _answer(self, form: str) -> None:
            found.asked.append((self.path, self.headers["User-Agent"], parse_qs(form)))
            status, answer = next(
                answer for start, answer in found.answers.items() if self.path.startswith(start)
            )
            if found.first:
                status, answer = found.first.pop(0)
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Handler) as address:
        found.address = address
        yield found


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def fpcalc(tmp_path: Path) -> str:
    program = tmp_path / "fpcalc"
    program.write_text('#!/bin/sh\necho \'{"duration": 151.4, "fingerprint": "AQADtest"}\'\n')
    program.chmod(0o755)
    return str(program)


def recogniser(services: Services, fpcalc: str, key: str = "secret", seconds: float = 20.0) -> Recogniser:
    return Recogniser(
        key,
        acoustid=services.address,
        musicbrainz=services.address,
        seconds=seconds,
        program=fpcalc,
        paces=(0, 0),
    )


def test_a_recording_is_known(services: Services, fpcalc: str) -> None:
    facts, note = recogniser(services, fpcalc).recognise(b"/music/a.mp3")
    assert note == ""
    assert facts == OnlineFacts(
        RECORDING, 0.97, "Boards of Canada & Friend", "Roygbiv", "Music Has the Right to Children", 1998
    )
    (lookup, agent, form), (target, _, _) = services.asked
    assert lookup == "/v2/lookup"
    assert form["fingerprint"] == ["AQADtest"]
    assert form["duration"] == ["151"]
    assert form["client"] == ["secret"]
    assert agent.startswith("reprise/")
    assert target.startswith(f"/ws/2/recording/{RECORDING}?")


@pytest.mark.parametrize(
    "results", [[], [{"id": "x", "score": 0.49, "recordings": [{"id": "y"}]}], [{"id": "x", "score": 0.9}]]
)
def test_one_that_nobody_is_sure_of(results: list[Any], services: Services, fpcalc: str) -> None:
    services.answers["/v2/lookup"] = (200, {"status": "ok", "results": results})
    assert recogniser(services, fpcalc).recognise(b"/a.mp3") == (None, "")
    assert len(services.asked) == 1


@pytest.mark.parametrize(
    ("status", "answer", "word"),
    [
        (400, {"status": "error", "error": {"code": 4, "message": "invalid API key"}}, "invalid API key"),
        (500, b"<html>", "answers 500"),
        (200, b"<html>", "answers 200"),
        (200, [1, 2], "answers 200"),
        (200, {"results": [{"score": "high"}]}, "not understood"),
        (200, {"results": 7}, "not understood"),
        (200, b"x" * (MOST_BYTES + 1), "more than"),
    ],
)
def test_odd_answers_become_notes(
    status: int, answer: Any, word: str, services: Services, fpcalc: str
) -> None:
    services.answers["/v2/lookup"] = (status, answer)
    facts, note = recogniser(services, fpcalc).recognise(b"/a.mp3")
    assert facts is None
    assert word in note
    assert "secret" not in note


def test_a_busy_service_is_asked_once_more(services: Services, fpcalc: str) -> None:
    services.first = [(503, {"error": "slow down"})]
    assert recogniser(services, fpcalc).recognise(b"/a.mp3").facts is not None
    assert len(services.asked) == 3


def test_a_silent_service_costs_only_its_time(fpcalc: str) -> None:
    """What drips in byte by byte never lets a read run out of time."""
    done = threading.Event()

    class Dripping(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not done.wait(0.02):
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return

        def log_message(self, *_: object) -> None:
            pass

    with serving(Dripping) as address:
        facts, note = recogniser(Services(address), fpcalc, seconds=0.3).recognise(b"/a.mp3")
        done.set()
    assert facts is None
    assert "cannot be reached" in note


def test_without_a_network_nobody_is_asked_for_long(fpcalc: str) -> None:
    with serving(BaseHTTPRequestHandler) as address:
        pass  # nobody listens there any more
    asking = recogniser(Services(address), fpcalc)
    notes = [asking.recognise(b"/a.mp3").note for _ in range(GIVE_UP_AFTER + 1)]
    assert all("cannot be reached" in note for note in notes[:-1])
    assert "could not be reached before" in notes[-1]


@pytest.mark.parametrize(
    ("script", "word"),
    [
        (None, "not installed"),
        ("exit 3", "without an answer"),
        ("echo 'ERROR: no stream' >&2; exit 2", "no stream"),
        ("echo '{}'", "without an answer"),
        ("echo '[1]'", "without an answer"),
    ],
)
def test_no_fingerprint(script: str | None, word: str, services: Services, tmp_path: Path) -> None:
    program = tmp_path / "fpcalc"
    if script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    facts, note = recogniser(services, str(program)).recognise(b"/a.mp3")
    assert (facts, services.asked) == (None, [])
    assert word in note


@pytest.mark.skipif(shutil.which("fpcalc") is None, reason="Chromaprint's fpcalc is not installed")
def test_the_real_fpcalc(tmp_path: Path) -> None:
    path = write_audio(tmp_path / "a.mp3", TONE.repeat(8), 44_100)
    found = chromaprint(os.fsencode(path), 60.0)
    assert found.seconds == 8
    assert found.fingerprint.startswith("AQA")
    with pytest.raises(NoFingerprint, match="ERROR"):
        chromaprint(os.fsencode(tmp_path / "gone.mp3"), 60.0)


def test_a_fingerprint_that_takes_too_long(tmp_path: Path) -> None:
    program = tmp_path / "fpcalc"
    program.write_text("#!/bin/sh\nsleep 60\necho late\n")  # what it started keeps its output open
    program.chmod(0o755)
    with pytest.raises(NoFingerprint, match="did not end"):
        chromaprint(b"/a.mp3", 0.2, str(program))


def test_without_a_key_nobody_is_asked(services: Services, fpcalc: str) -> None:
    assert "acoustid_key" in recogniser(services, fpcalc, key="").recognise(b"/a.mp3").note
    assert services.asked == []


def test_addresses_are_checked() -> None:
    for wrong in ("", "ftp://x", "nonsense"):
        with pytest.raises(BadSetting, match="musicbrainz_url"):
            Recogniser("key", musicbrainz=wrong)


def test_questions_keep_their_distance() -> None:
    now, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    pace = Pace(1.0, lambda: now[0], sleep)
    for _ in range(3):
        pace.wait()
    now[0] += 5
    pace.wait()
    assert slept == [1.0, 1.0]


def test_it_is_asked_only_when_switched_on(home: Home, services: Services, fpcalc: str) -> None:
    audio(home.music, ".mp3", Tags(title="Track 01", artist="Unknown Artist"))
    home.run_here("null")
    variables = {
        "PATH": f"{os.path.dirname(fpcalc)}:/usr/bin:/bin",
        "REPRISE_ACOUSTID_KEY": "secret",
        "REPRISE_ACOUSTID_URL": services.address,
        "REPRISE_MUSICBRAINZ_URL": services.address,
    }
    assert "artist" not in home.run("tags", str(home.music), **variables).events[0]["values"]
    assert services.asked == []
    values = home.run("tags", str(home.music), **variables, REPRISE_MUSICBRAINZ="true").events[0]["values"]
    assert values["artist"] == ["Boards of Canada & Friend", "musicbrainz"]
    assert values["title"] == ["Roygbiv", "musicbrainz"]
    assert len(services.asked) == 2
