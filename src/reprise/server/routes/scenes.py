"""Scenes: one, its picture, what people write about it, and the search for them."""

from __future__ import annotations

import time

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from reprise.app import App
from reprise.core.video import Description, Scene
from reprise.errors import NotFound
from reprise.scene_search import SceneSearch
from reprise.search.scenes.query import Fusion
from reprise.server.access import Seen, TheHouse
from reprise.server.media_files import PICTURE, Mark, picture_answer
from reprise.server.problems import responses
from reprise.server.scene_answers import FoundScenes, PreferenceFacts, found_scenes
from reprise.server.scene_asking import SceneAsking
from reprise.server.video_forms import PreferenceForm, SceneChange, SceneId, SceneQuestion
from reprise.server.video_view import SceneWhole, scenes_facts, spec_version

router = APIRouter(prefix="/api/v1/scenes", tags=["scenes"])


@router.post("/search", response_model=FoundScenes, responses=responses(401, 404, 422, 503))
async def search_scenes(house: TheHouse, app: Seen, asked: SceneQuestion) -> JSONResponse:
    """Scenes by what is said, what is seen, and who is in them.

    Channels that cannot answer now are named in ``degraded``; only when none can, it is 503.
    """
    answer = await house.service(SceneAsking).search(app, asked.asked())
    return JSONResponse(await run_in_threadpool(found_scenes, app, answer))


@router.get("/preferences", responses=responses(401))
def show_preferences(app: Seen) -> PreferenceFacts:
    """How scenes are searched when a question does not say so."""
    return _preferences(app)


@router.put("/preferences", responses=responses(401, 422))
def save_preferences(app: Seen, wanted: PreferenceForm) -> PreferenceFacts:
    """Keep weights and fusion for the owner's questions. Weights are brought within their bounds, and sum to 1."""
    SceneSearch(app).save_preferences(wanted.weights.given(), wanted.fusion)
    return _preferences(app)


@router.get("/{scene_id}", response_model=SceneWhole, responses=responses(401, 404, 422))
def show_scene(app: Seen, scene_id: SceneId) -> JSONResponse:
    """One scene, with what each model has of it."""
    return _whole(app, _scene(app, scene_id))


@router.patch("/{scene_id}", response_model=SceneWhole, responses=responses(401, 404, 422))
def describe_scene(app: Seen, scene_id: SceneId, change: SceneChange) -> JSONResponse:
    """Write about a scene. No model overwrites it; the next run embeds what became different."""
    scene = _scene(app, scene_id)
    before = Description(scene.description, scene.summary, scene.tags)
    app.catalogue().videos.describe(app.owner, scene_id, change.of(before), time.time())
    return _whole(app, _scene(app, scene_id))


@router.head("/{scene_id}/thumbnail", include_in_schema=False)
@router.get(
    "/{scene_id}/thumbnail", response_class=Response, responses=PICTURE | responses(401, 404, 416, 422)
)
async def show_thumbnail(app: Seen, request: Request, scene_id: SceneId, v: Mark = "") -> Response:
    """A picture of the scene for people."""
    del v
    scene = await run_in_threadpool(_scene, app, scene_id)
    if scene.thumbnail is None:
        raise NotFound(f"scene {scene_id} has no picture", cure="take the video in again")
    return await run_in_threadpool(picture_answer, request, app, scene.thumbnail)


def _preferences(app: App) -> PreferenceFacts:
    kept = SceneSearch(app).preferences()
    return PreferenceFacts(
        weights=dict(kept.weights),
        fusion=Fusion(kept.fusion),
        saved=app.catalogue().preferences.get(app.owner) is not None,
        spec_version=spec_version(app),
    )


def _scene(app: App, scene_id: int) -> Scene:
    scene = app.catalogue().videos.scenes_by_id(app.owner, [scene_id]).get(scene_id)
    if scene is None:
        raise NotFound(f"there is no scene {scene_id}", cure="see: /api/v1/videos/ID/scenes")
    return scene


def _whole(app: App, scene: Scene) -> JSONResponse:
    [facts] = scenes_facts(app, [scene])
    return JSONResponse(facts | {"spec_version": spec_version(app)})
