"""Answers of the search for scenes, and saved preferences, as the API tells of them."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field

from reprise.search.scenes.answer import Support
from reprise.search.scenes.query import Fusion
from reprise.server.video_view import SceneFacts, SpecVersion, Versioned, scenes_facts, video_name

if TYPE_CHECKING:
    from reprise.app import App
    from reprise.search.scenes.answer import SceneAnswer


class NamedPerson(BaseModel):
    id: int
    name: str


class NamedVideo(BaseModel):
    id: int
    name: str


class DegradedChannel(BaseModel):
    """A channel that could not take part in the answer, and why."""

    channel: str = Field(examples=["visual"])
    reason: str


class ChannelScore(BaseModel):
    """What one channel gave a scene. ``rank`` begins at 1."""

    raw: float
    scaled: float
    rank: int


class FoundScene(BaseModel):
    """A scene of an answer."""

    scene: SceneFacts
    video: NamedVideo
    score: float = Field(description="What the channels give together")
    display: float = Field(description="The same for people, 0 to 0.97")
    channels: dict[str, ChannelScore]
    match: Support = Field(
        description="supported: it holds the words that are looked up; best_guess: no scene does; semantic: a meaning is asked for"
    )


class FoundScenes(Versioned):
    """Scenes, the best first. An answer that misses channels is given all the same, and says so."""

    query: str
    persons: list[NamedPerson] = Field(description="Who was found in the question")
    rest: str = Field(description="The question without them")
    degraded: list[DegradedChannel]
    weights: dict[str, float] = Field(examples=[{"transcript": 0.45, "visual": 0.25, "lexical": 0.3}])
    fusion: Fusion
    results: list[FoundScene]
    seconds: float = Field(description="That finding took on the server")


class PreferenceFacts(BaseModel):
    """How scenes are searched when a question does not say so."""

    weights: dict[str, float]
    fusion: Fusion
    saved: bool = Field(description="Somebody chose them; else they are the defaults")
    spec_version: SpecVersion


def found_scenes(app: App, answer: SceneAnswer) -> dict[str, Any]:
    """The fields of ``FoundScenes``."""
    scenes = scenes_facts(app, [match.scene for match in answer.matches])
    return {
        "query": answer.query.text,
        "persons": [{"id": person.id, "name": person.name} for person in answer.persons],
        "rest": answer.rest,
        "spec_version": answer.spec_version,
        "degraded": [{"channel": name, "reason": reason} for name, reason in answer.degraded.items()],
        "weights": answer.weights,
        "fusion": answer.fusion,
        "results": [
            {
                "scene": scene,
                "video": {"id": match.video.id, "name": video_name(match.video)},
                "score": round(match.score, 6),
                "display": round(match.display, 6),
                "channels": {name: asdict(part) for name, part in match.parts.items()},
                "match": match.support,
            }
            for scene, match in zip(scenes, answer.matches, strict=True)
        ],
        "seconds": round(answer.seconds, 6),
    }
