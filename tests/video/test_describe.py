"""Scenes described by a server that sees: what is asked, what is made of the answer, and what may go wrong."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.ports import Document, TellingModel
from reprise.core.spec import Subject, fingerprint
from reprise.core.video import Description, TextSource
from reprise.errors import (
    EndpointFailed,
    EndpointLost,
    ModelLoadFailed,
    NotAPicture,
    RepriseError,
    Unreadable,
    Vanished,
)
from reprise.models import scene_description
from reprise.models.endpoint import Patience
from reprise.models.scene_description import PROMPT, SceneDescription, description_of
from tests.models.chat_server import ChatServer, Reply, chat_server, completion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "sk-a-secret-of-the-test"

WRITTEN = {
    "description": "A cat sits on a red mat\nin a kitchen.",
    "summary": "A cat on a mat.",
    "tags": ["Cat", "red mat", "kitchen", "cat", "x" * 41, 7, " #indoors "],
}
TOLD = Description(
    "A cat sits on a red mat in a kitchen.", "A cat on a mat.", ("cat", "red mat", "kitchen", "indoors")
)


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server() as serving:
        serving.replies = [Reply(body=completion(json.dumps(WRITTEN)))]
        yield serving


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "keyframe.jpg"
    Image.new("RGB", (640, 360), (200, 30, 30)).save(path)
    return path


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """As patient as ever in the number of tries, but not in seconds."""
    monkeypatch.setattr(
        scene_description, "PATIENCE", Patience(request=5.0, item=10.0, attempts=3, first_pause=0.01)
    )


def model_for(server: ChatServer, **choices: Any) -> SceneDescription:
    model = SceneDescription()
    chosen = {"endpoint": server.address, "description_endpoint_model": "seer", "endpoint_key": KEY}
    model.configure(replace(ModelChoices(), **chosen | choices))
    return model


def tell(server: ChatServer, picture: Path, **choices: Any) -> Description:
    model = model_for(server, **choices)
    model.load()
    return model.tell(Document(file=os.fsencode(picture)))


def test_what_is_asked_and_what_is_told(server: ChatServer, picture: Path) -> None:
    assert tell(server, picture) == TOLD
    assert TOLD.source is TextSource.DESCRIBED
    (asked,) = server.heard
    assert asked.path == "/v1/chat/completions"
    assert asked.headers["Authorization"] == f"Bearer {KEY}"
    assert asked.headers["Content-Type"] == "application/json"
    assert asked.picture() == ("image/jpeg", picture.read_bytes())
    assert asked.body["messages"][0]["content"][0] == {"type": "text", "text": PROMPT}
    assert {name: asked.body[name] for name in ("model", "temperature", "max_tokens")} == {
        "model": "seer",
        "temperature": 0,
        "max_tokens": 512,
    }


def test_without_a_key_none_is_sent_and_png_is_called_png(server: ChatServer, tmp_path: Path) -> None:
    path = tmp_path / "frame.png"
    Image.new("RGB", (8, 8)).save(path)
    assert tell(server, path, endpoint_key="") == TOLD
    assert "Authorization" not in server.heard[0].headers
    assert server.heard[0].picture()[0] == "image/png"


def test_what_the_card_says(server: ChatServer) -> None:
    model = model_for(server)
    card = model.card
    assert isinstance(model, TellingModel)
    assert card.spec.subject == Subject(ItemKind.SCENE, "look")
    assert (card.spec.dimension, card.missing, card.most_processes) == (0, "", 3)
    assert SceneDescription().card.missing == "set endpoint and description_endpoint_model"
    assert model_for(server, description_endpoint_model="").card.missing == "set description_endpoint_model"
    other = model_for(server, description_endpoint_model="other").card
    assert fingerprint(other.spec) != fingerprint(card.spec), "another model describes otherwise"
    moved = model_for(server, endpoint="http://elsewhere/v1", endpoint_key="other").card
    assert fingerprint(moved.spec) == fingerprint(card.spec), "where it runs changes nothing"
    assert KEY not in repr(card)


@pytest.mark.parametrize(
    ("choices", "reason"),
    [
        ({"endpoint": ""}, "setting endpoint is no address"),
        ({"endpoint": "ftp://host"}, "setting endpoint is no address"),
        ({"description_endpoint_model": ""}, "setting description_endpoint_model is empty"),
        ({"endpoint_key": "sk-\n"}, None),
        ({"endpoint_key": "sk-é"}, "characters that no key has"),
    ],
)
def test_settings_that_cannot_be_right(
    server: ChatServer, choices: dict[str, str], reason: str | None
) -> None:
    model = model_for(server, **choices)
    if reason is None:
        model.load()
    else:
        with pytest.raises(ModelLoadFailed, match=reason) as caught:
            model.load()
        assert caught.value.cure
    assert server.heard == [], "nobody is asked before there is a scene"


def test_nothing_is_described_before_loading(server: ChatServer, picture: Path) -> None:
    with pytest.raises(ModelLoadFailed, match="before it is loaded"):
        model_for(server).tell(Document(file=os.fsencode(picture)))


BARE = json.dumps(WRITTEN)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BARE, TOLD),
        (f"```json\n{BARE}\n```", TOLD),
        (f"Sure! Here it is:\n{BARE}\nAnything else?", TOLD),
        ('{"description": "A dog.", "extra": {"a": 1}}', Description("A dog.")),
        ('{"description": null, "summary": 5, "tags": "Dog, Park ,dog,"}', Description(tags=("dog", "park"))),
        ('{"description": "", "summary": "", "tags": []}', Description()),
        ("A plain sentence about a dog.", Description("A plain sentence about a dog.")),
        ("A dog {sic} in a park.", Description("A dog {sic} in a park.")),
        ("한 남자가\n공원에서 달린다.", Description("한 남자가 공원에서 달린다.")),
        ("word " * 5000, Description(("word " * 5000)[:4000])),
        (
            json.dumps({"tags": [f"tag{n}" for n in range(50)]}),
            Description(tags=tuple(f"tag{n}" for n in range(20))),
        ),
    ],
)
def test_what_is_made_of_answers(text: str, told: Description) -> None:
    assert description_of(completion(text)) == told


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (completion('{"description": "A dog that is cut o'), "JSON that cannot be read"),
        (completion("```json\n{\n```"), "JSON that cannot be read"),
        (completion('{"a":' * 5000), "JSON that cannot be read"),
        (completion('{"error": "I cannot see pictures"}'), "says none of description, summary, tags"),
        (completion(""), "holds no text"),
        (completion(None), "holds no text"),
        (b"<html>", "is no chat completion"),
        (b"[" * 100_000, "is no chat completion"),
        (b"\xff\xfe\x00", "is no chat completion"),
        (b" " * ((1 << 20) + 1), "answers more than 1 MiB"),
    ],
)
def test_answers_that_are_of_no_use(server: ChatServer, picture: Path, body: bytes, reason: str) -> None:
    server.replies = [Reply(body=body)]
    with pytest.raises(EndpointFailed, match=reason) as caught:
        tell(server, picture)
    assert caught.value.retryable
    assert len(server.heard) == 1


@pytest.mark.usefixtures("brisk")
@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_three_tries_when_trouble_may_pass(server: ChatServer, picture: Path, status: int) -> None:
    server.replies = [Reply(status=status), Reply(status=status), *server.replies]
    assert tell(server, picture) == TOLD
    assert [one.picture() for one in server.heard] == [("image/jpeg", picture.read_bytes())] * 3
    server.heard.clear()
    server.replies = [Reply(status=status, body=b"busy")]
    with pytest.raises(EndpointFailed, match=rf"answers {status}: busy \(attempt 3\)") as caught:
        tell(server, picture)
    assert caught.value.retryable
    assert len(server.heard) == 3


def test_pauses_double_from_one_second(
    server: ChatServer, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    server.replies = [Reply(status=503)]
    with pytest.raises(EndpointFailed):
        tell(server, picture)
    assert waited == [1.0, 2.0]


def test_the_server_says_how_long_to_wait(server: ChatServer, picture: Path) -> None:
    server.replies = [Reply(status=429, headers={"Retry-After": "1"}), *server.replies]
    began = time.monotonic()
    assert tell(server, picture) == TOLD
    assert time.monotonic() - began >= 1.0


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_no_scene_would_change_ends_the_model(server: ChatServer, picture: Path, status: int) -> None:
    server.replies = [Reply(status=status, body=json.dumps({"error": {"message": f"no {KEY}"}}).encode())]
    with pytest.raises(EndpointLost, match=f"answers {status}: no …") as caught:
        tell(server, picture)
    assert "description_endpoint_model" in caught.value.cure
    assert KEY not in str(caught.value)
    assert len(server.heard) == 1


@pytest.mark.usefixtures("brisk")
def test_a_server_that_is_silent_or_gone(
    server: ChatServer, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scene_description, "PATIENCE", Patience(request=0.3, attempts=3, first_pause=0.01))
    server.replies = [Reply(mood="hang")]
    with pytest.raises(EndpointFailed, match=r"did not answer within 0\.3 s"):
        tell(server, picture)
    with chat_server() as gone:
        pass
    with pytest.raises(EndpointFailed, match=r"cannot be asked: .*refused"):
        tell(gone, picture)


def test_scenes_in_a_row_without_an_answer_mean_that_the_server_is_lost(
    server: ChatServer, picture: Path
) -> None:
    server.replies = [Reply(status=400, body=b"no pictures here")]
    model = model_for(server)
    model.load()
    raised: list[type[RepriseError]] = []
    for _ in range(3):
        with pytest.raises(RepriseError, match="no pictures here") as caught:
            model.tell(Document(file=os.fsencode(picture)))
        raised.append(caught.type)
    assert raised == [EndpointFailed, EndpointFailed, EndpointLost]


def test_pictures_that_cannot_be_sent(server: ChatServer, tmp_path: Path) -> None:
    odd = tmp_path / "odd.jpg"
    odd.write_bytes(b"no picture")
    huge = tmp_path / "huge.jpg"
    huge.write_bytes(b"\xff\xd8\xff" + bytes(20_000_000))
    empty = tmp_path / "empty.jpg"
    empty.touch()
    for path in (odd, huge, empty):
        with pytest.raises(NotAPicture, match="no JPEG or PNG of at most 20 MB"):
            tell(server, path)
    with pytest.raises(Vanished):
        tell(server, tmp_path / "gone.jpg")
    with pytest.raises(Unreadable):
        tell(server, tmp_path)
    assert server.heard == []
