"""Videos, scenes, persons and photos as the API tells of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, Field

from reprise.core.items import ItemKind, display_path
from reprise.core.listing import ModelView
from reprise.core.pipeline import EXTRACTION
from reprise.core.spec import fingerprint
from reprise.core.video import PhotoState, VideoState
from reprise.errors import RepriseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reprise.app import App
    from reprise.core.embedded import Embedded, EmbeddedCount
    from reprise.core.pipeline import Step
    from reprise.core.video import Person, Photo, Scene, Transcript, Video

OF_VIDEOS = frozenset({ItemKind.VIDEO, ItemKind.SCENE, ItemKind.FRAME})
"""What the steps that concern a video work on; the others are about persons."""

Standing = Literal["done", "failed", "pending", "stale"]
SpecVersion = Annotated[
    str, Field(description="The version of the pipeline that holds now", examples=["2026-11-21"])
]


class Versioned(BaseModel):
    """Every answer about videos says by which version of the pipeline it was given."""

    spec_version: SpecVersion


class VideoBrief(BaseModel):
    """A video. Times in seconds; all of a file that nobody has opened yet is 0."""

    id: int
    library_id: int
    path: str = Field(description="From the library's root, as people read it", examples=["2024/party.mp4"])
    name: str = Field(examples=["party.mp4"])
    state: VideoState
    seconds: float
    width: int = Field(description="Of the upright picture, in pixels")
    height: int
    fps: float = Field(description="Pictures a second, on average")
    scenes: int
    transcript: str = Field(
        description="Where its words came from: sidecar, embedded, heard, imported; empty: it has none"
    )
    updated_at: float = Field(description="Seconds since the epoch")


class StepStanding(BaseModel):
    """How far one step is with a video, as operations: its scenes, frames, or the video itself, times the models."""

    step: str = Field(examples=["scene_text"])
    models: list[str]
    enabled: bool
    disabled: str = Field(description="Why it does not run here; empty: it runs")
    done: int
    stale: int = Field(description="Made of other input, or by an older version of the step")
    pending: int
    failed: int
    spec_versions: list[str] = Field(description="Versions of the pipeline that made what is there")


class VideoWhole(VideoBrief):
    """One video, and how far each step is with it."""

    spec_version: SpecVersion
    missing: bool = Field(description="Its file was not there at the last scan")
    error: str = Field(description="Why it could not be taken apart; empty: it could")
    language: str = Field(description="Of its words, ISO 639-1; empty: nobody knows")
    rotation: int = Field(description="By which the file's pictures are turned, in degrees clockwise")
    has_audio: bool
    steps: list[StepStanding]


class VideoPage(Versioned):
    """Videos in the order of their paths."""

    items: list[VideoBrief]
    total_count: int
    offset: int
    limit: int


class EmbeddedFacts(BaseModel):
    """What one model has of a scene. ``spec_version``: of the pipeline that made it; empty: nothing is made yet."""

    state: Standing
    spec_version: str
    space: str = Field(examples=["scene-visual-0123456789ab"])
    error: str = Field(description="Why it failed; empty: it did not")


class SceneFacts(BaseModel):
    """A scene. Times in seconds from the start of the video."""

    id: int
    video_id: int
    index: int
    start: float
    end: float
    transcript: str = Field(description="What is said while it lasts, and a little around it")
    description: str
    summary: str
    tags: list[str]
    thumbnail: str | None = Field(
        description="Address of a picture of it; null: there is none",
        examples=["/api/v1/scenes/7/thumbnail?v=0123456789abcdef"],
    )
    embedded: dict[str, EmbeddedFacts] = Field(
        description="By model; one that has nothing to look at in the scene is left out"
    )


class SceneWhole(SceneFacts):
    spec_version: SpecVersion


class SceneList(Versioned):
    """The scenes of a video in their order."""

    items: list[SceneFacts]


class PersonFacts(BaseModel):
    """Somebody who may be seen. ``photos``: how many reference photos are in which state."""

    id: int
    name: str
    archived: bool
    photos: dict[PhotoState, int] = Field(examples=[{"uploaded": 0, "ready": 2, "failed": 1}])
    has_vector: bool = Field(description="Searching for them works")
    updated_at: float


class PersonWhole(PersonFacts):
    spec_version: SpecVersion


class PersonList(Versioned):
    items: list[PersonFacts]


class PhotoFacts(BaseModel):
    """A reference photo. ``error``: why no model could use it."""

    id: int
    person_id: int
    state: PhotoState
    error: str
    file: str = Field(
        description="Address of the picture", examples=["/api/v1/persons/3/photos/4/file?v=0123456789abcdef"]
    )
    updated_at: float


class PhotoWhole(PhotoFacts):
    spec_version: SpecVersion


class PhotoList(Versioned):
    items: list[PhotoFacts]


def spec_version(app: App) -> str:
    """The version of the pipeline that holds now."""
    return app.installed.pipeline.version


def video_brief(video: Video) -> dict[str, Any]:
    """The fields of ``VideoBrief``."""
    facts = video.facts
    return {
        "id": video.id,
        "library_id": video.library_id,
        "path": display_path(video.path),
        "name": video_name(video),
        "state": video.state,
        "seconds": facts.duration,
        "width": facts.width,
        "height": facts.height,
        "fps": facts.fps,
        "scenes": video.scenes,
        "transcript": video.transcript,
        "updated_at": video.updated_at,
    }


def video_name(video: Video) -> str:
    return display_path(os.path.basename(video.path))


def video_whole(app: App, video: Video, transcript: Transcript | None) -> dict[str, Any]:
    """The fields of ``VideoWhole``."""
    embedded = app.catalogue().embedded
    own = embedded.of_items(app.owner, [video.id]).get(video.id, {})
    return video_brief(video) | {
        "spec_version": spec_version(app),
        "missing": video.missing_since is not None,
        "error": next((own[model].error for model in EXTRACTION if model in own and own[model].error), ""),
        "language": transcript.language if transcript else "",
        "rotation": video.facts.rotation,
        "has_audio": video.facts.has_audio,
        "steps": _standings(app, embedded.of_video(app.owner, video.id)),
    }


def scenes_facts(app: App, scenes: Sequence[Scene]) -> list[dict[str, Any]]:
    """The fields of ``SceneFacts`` of several scenes in their order."""
    known = app.catalogue().embedded.of_items(app.owner, [scene.id for scene in scenes])
    current = current_fingerprints(app, {model for by_model in known.values() for model in by_model})
    return [
        {
            "id": scene.id,
            "video_id": scene.video_id,
            "index": scene.index,
            "start": scene.start,
            "end": scene.end,
            "transcript": scene.transcript,
            "description": scene.description,
            "summary": scene.summary,
            "tags": list(scene.tags),
            "thumbnail": scene.thumbnail and f"/api/v1/scenes/{scene.id}/thumbnail?v={_mark(scene.thumbnail)}",
            "embedded": _embedded(known.get(scene.id, {}), current),
        }
        for scene in scenes
    ]  # fmt: skip


def person_facts(person: Person) -> dict[str, Any]:
    """The fields of ``PersonFacts``."""
    return {
        "id": person.id,
        "name": person.name,
        "archived": person.archived,
        "photos": {state: person.photos.get(state, 0) for state in PhotoState},
        "has_vector": person.has_vector,
        "updated_at": person.updated_at,
    }


def photo_facts(photo: Photo) -> dict[str, Any]:
    """The fields of ``PhotoFacts``."""
    return {
        "id": photo.id,
        "person_id": photo.person_id,
        "state": photo.state,
        "error": photo.error,
        "file": f"/api/v1/persons/{photo.person_id}/photos/{photo.id}/file?v={_mark(photo.file)}",
        "updated_at": photo.updated_at,
    }


def current_fingerprints(app: App, models: Iterable[str]) -> dict[str, str]:
    """Of the specs that are installed; a model that is not, or is broken, is left out: what it made is not judged."""
    found: dict[str, str] = {}
    for model in models:
        try:
            found[model] = fingerprint(app.installed.card(model).spec)
        except RepriseError:
            continue
    return found


def _embedded(known: Mapping[str, Embedded], current: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    return {
        model: {
            "state": _standing(one.state, one.fingerprint, current.get(model)),
            "spec_version": one.spec_version,
            "space": one.space,
            "error": one.error if one.state is ModelView.FAILED else "",
        }
        for model, one in sorted(known.items())
    }


def _standing(state: ModelView, made_by: str, current: str | None) -> ModelView:
    """What is done by another version of the model is stale, though nothing is planned for it yet."""
    outdated = state is ModelView.DONE and current not in {None, made_by}
    return ModelView.STALE if outdated else state


def _standings(app: App, counts: Sequence[EmbeddedCount]) -> list[dict[str, Any]]:
    current = current_fingerprints(app, {one.model for one in counts})
    extraction = [(model, (model,), "") for model in EXTRACTION]
    steps = [step for step in app.installed.pipeline.steps if step.works_on in OF_VIDEOS]
    named = extraction + [(step.name, step.models, step.disabled) for step in steps]
    return [_step(name, models, disabled, counts, current) for name, models, disabled in named]


def _step(
    name: str,
    models: tuple[str, ...],
    disabled: str,
    counts: Sequence[EmbeddedCount],
    current: Mapping[str, str],
) -> dict[str, Any]:
    own = [one for one in counts if one.model in models]
    found = dict.fromkeys((ModelView.DONE, ModelView.STALE, ModelView.PENDING, ModelView.FAILED), 0)
    for one in own:
        found[_standing(one.state, one.fingerprint, current.get(one.model))] += one.count
    return {
        "step": name,
        "models": list(models),
        "enabled": not disabled,
        "disabled": disabled,
        **{str(state): count for state, count in found.items()},
        "spec_versions": sorted({one.spec_version for one in own if one.spec_version}),
    }


def step_facts(step: Step) -> dict[str, Any]:
    """A step of the pipeline as its page shows it."""
    return {
        "name": step.name,
        "summary": step.summary,
        "works_on": step.works_on,
        "models": list(step.models),
        "version": step.version,
        "enabled": step.enabled,
        "disabled": step.disabled,
        "idempotent": step.idempotent,
    }


def _mark(file: bytes) -> str:
    """Another picture, another address: 16 hexadecimal digits of what the file is called after."""
    return os.path.splitext(os.path.basename(file))[0][:16].decode("ascii", "replace")
