"""What a scene shows, in words, from a server that speaks the chat completions of OpenAI and sees."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.spec import Execution, ModelCard, ModelSpec, Subject
from reprise.core.video import Description
from reprise.errors import EndpointFailed, ModelLoadFailed, NotAPicture, Unreadable, Vanished
from reprise.models.endpoint import Endpoint, Patience, written
from reprise.models.soundless import soundless_spec

if TYPE_CHECKING:
    from reprise.core.ports import Document

NAME = "scene-description"

PROMPT = (
    "This is one picture of a scene in a video. Describe it for somebody who searches videos by words. Answer with a JSON "
    'object and nothing else: {"description": "two or three sentences: who or what is seen, what happens, where, the '
    'mood, and any writing that can be read", "summary": "one sentence", "tags": ["up to ten short tags in lower case: '
    'persons by what they are, things, places, actions"]}. Do not guess who somebody is. If nothing can be made out, '
    "leave all of them empty."
)

PROMPT_VERSION = 1
"""Raised with every change of the prompt or of how the picture is sent."""

PATIENCE = Patience(request=120.0, item=240.0, attempts=3, first_pause=1.0)
"""Three tries, with a second and two between them, or as long as the server asks for."""

MOST_AT_ONCE = 3
"""Requests under way at once."""

MOST_TOKENS = 512
MOST_CHARACTERS = 4000
MOST_TAGS = 20
LONGEST_TAG = 40

LARGEST_BYTES = 20_000_000
"""Of a picture. Those of scenes have at most 640 pixels in width, and about 50 kB."""

KINDS = ((b"\xff\xd8\xff", "image/jpeg"), (b"\x89PNG\r\n\x1a\n", "image/png"))

FIELDS = ("description", "summary", "tags")


class SceneDescription:
    """``TellingModel`` and ``ChoosableModel``: describes the picture that stands for a scene."""

    def __init__(self) -> None:
        self._choices = ModelChoices()
        self._endpoint: Endpoint | None = None

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    @property
    def card(self) -> ModelCard:
        choices = self._choices
        needed = {
            "endpoint": choices.endpoint,
            "description_endpoint_model": choices.description_endpoint_model,
        }
        unset = [name for name, value in needed.items() if not value]
        return ModelCard(
            name=NAME,
            summary="what a seeing language model says of the picture of each scene",
            spec=self._spec(),
            execution=Execution.PER_CORE,
            licence="that of the model at the endpoint",
            source=choices.description_endpoint_model or "your endpoint",
            memory_mb=100,
            coverage="the best picture of a scene",
            missing=f"set {' and '.join(unset)}" if unset else "",
            patience_seconds=PATIENCE.item,
            most_processes=MOST_AT_ONCE,
            facts=(
                ("described by", choices.description_endpoint_model or "nothing"),
                ("what leaves this machine", "one picture of each scene, to the endpoint that you set"),
            ),
        )

    def _spec(self) -> ModelSpec:
        options = (
            ("describer", self._choices.description_endpoint_model or "none"),
            ("prompt", str(PROMPT_VERSION)),
        )
        subject = Subject(ItemKind.SCENE, "look")
        return soundless_spec(NAME, subject, dimension=0, weights="endpoint", epoch=1, options=options)

    def load(self) -> None:
        """Raises ``ModelLoadFailed`` for settings that cannot be right. Nobody is asked."""
        choices = self._choices
        self._endpoint = Endpoint(
            choices.endpoint,
            choices.description_endpoint_model,
            choices.endpoint_key,
            PATIENCE,
            model_setting="description_endpoint_model",
        )

    def tell(self, document: Document) -> Description:
        """What the server says of the picture; without words when there is nothing to be seen on it.

        Raises ``Vanished``, ``Unreadable``, ``NotAPicture``, ``EndpointFailed``, and ``EndpointLost`` when no other
        scene would fare better.
        """
        if self._endpoint is None:
            raise ModelLoadFailed(f"{NAME} describes before it is loaded")
        return self._endpoint.ask(request(data_url(document.file)), description_of)


def data_url(file: bytes) -> str:
    """The picture as it lies on the disk, as an address. Raises ``Vanished``, ``Unreadable`` and ``NotAPicture``."""
    try:
        with open(file, "rb") as picture:
            content = picture.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        raise Vanished("the picture of the scene is gone") from None
    except OSError as error:
        raise Unreadable(f"the picture of the scene cannot be read: {error.strerror}") from None
    kind = next((kind for start, kind in KINDS if content.startswith(start)), "")
    if not kind or len(content) > LARGEST_BYTES:
        raise NotAPicture(
            f"the picture of the scene is no JPEG or PNG of at most {LARGEST_BYTES // 10**6} MB"
        )
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def request(picture: str) -> dict[str, Any]:
    """Prompt and picture as OpenAI's reference of ``/v1/chat/completions`` describes them, answered without chance."""
    image = {"type": "image_url", "image_url": {"url": picture}}
    content = [{"type": "text", "text": PROMPT}, image]
    return {
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": MOST_TOKENS,
    }


def description_of(answer: bytes) -> Description:
    """What was written: an object, also one in a fence or with words around it; any other text is the description.

    Raises ``EndpointFailed`` for an answer without text, for an object that breaks off or has other fields.
    """
    text = written(answer)
    found = _object_in(text)
    if found is None:
        if text.startswith(("{", "```")):
            raise EndpointFailed(f"the endpoint's answer is JSON that cannot be read: {text[:80]!r}")
        return Description(_line(text))
    if not any(field in found for field in FIELDS):
        raise EndpointFailed(f"the endpoint's answer says none of {', '.join(FIELDS)}: {text[:80]!r}")
    return Description(_line(found.get("description")), _line(found.get("summary")), _tags(found.get("tags")))


def _object_in(text: str) -> dict[str, Any] | None:
    """The JSON object that begins at the first brace, if there is one."""
    start = text.find("{")
    if start < 0:
        return None
    try:
        found, _ = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _line(value: object) -> str:
    return " ".join(value.split())[:MOST_CHARACTERS] if isinstance(value, str) else ""


def _tags(value: object) -> tuple[str, ...]:
    """Short words in lower case, each once, from a list or from words between commas."""
    words = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else []
    tags = (_line(word).strip(" #").lower() for word in words)
    return tuple(dict.fromkeys(tag for tag in tags if tag and len(tag) <= LONGEST_TAG))[:MOST_TAGS]
