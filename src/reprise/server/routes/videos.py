"""Videos: pages, one, its scenes, its file, its words; taking them in, and moving in and out."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from reprise.app import App
from reprise.core.video import Transcript
from reprise.errors import NotFound, UsageError
from reprise.filming import Filming, need_video
from reprise.server.access import Seen, SignedIn, TheHouse
from reprise.server.file_answer import file_answer
from reprise.server.job_host import ring
from reprise.server.job_view import JobFacts, job_facts
from reprise.server.lines import LINES_TYPE, in_parts, lines_answer, new_spool, received
from reprise.server.media_files import VERSION_HEADER, opened, video_type
from reprise.server.problems import responses
from reprise.server.video_forms import (
    LibraryNumber,
    Limit,
    NewTranscript,
    Offset,
    SpokenSegment,
    ToIngest,
    VideoId,
)
from reprise.server.video_view import (
    SceneList,
    Versioned,
    VideoPage,
    VideoWhole,
    scenes_facts,
    spec_version,
    video_brief,
    video_whole,
)

router = APIRouter(prefix="/api/v1/videos", tags=["videos"])

Words = Annotated[str, Query(max_length=500, description="Videos whose path or words hold it")]

_FILM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"video/*": {"schema": {"type": "string", "format": "binary"}}}, "description": "The video"},
    206: {"content": {"video/*": {"schema": {"type": "string", "format": "binary"}}}, "description": "A part of it"},
    304: {"description": "It is as the client has it"},
}  # fmt: skip

_LINES: dict[int | str, dict[str, Any]] = {
    200: {"content": {LINES_TYPE: {}}, "description": "Videos, scenes, persons and photos, one a line"}
}
_TO_IMPORT: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "Lines as /api/v1/videos/export gives them",
        "content": {LINES_TYPE: {"schema": {"type": "string"}}, "text/plain": {"schema": {"type": "string"}}},
    }
}


class Ingesting(Versioned):
    """Videos are taken in: this is the first job of it; those that follow start by themselves."""

    job: JobFacts


class LineTrouble(BaseModel):
    """Why a line was left out. ``line`` counts from 1."""

    line: int
    message: str


class Imported(Versioned):
    """What an import said, whether or not it was known before."""

    videos: int
    scenes: int
    transcripts: int
    persons: int
    photos: int
    unknown_videos: int = Field(description="Named in lines, and not there: scan their folder first")
    refused: int = Field(description="Lines with something wrong in them")
    problems: list[LineTrouble] = Field(description="The first 1,000")


class TranscriptFacts(Versioned):
    """What is said in a video. ``source``: sidecar, embedded, heard or imported; empty: it has no words."""

    video_id: int
    source: str
    language: str
    segments: list[SpokenSegment]


@router.get("", response_model=VideoPage, responses=responses(401, 404, 422))
def list_videos(
    app: Seen,
    library_id: LibraryNumber | None = None,
    q: Words = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> JSONResponse:
    """Videos of the owner, or of one library, in the order of their paths."""
    if library_id is not None:
        app.catalogue().libraries.get(app.owner, library_id)
    videos, total = app.catalogue().videos.page(
        app.owner, library_id=library_id, text=q, limit=limit, offset=offset
    )
    return JSONResponse(
        {
            "items": [video_brief(video) for video in videos],
            "total_count": total,
            "offset": offset,
            "limit": limit,
            "spec_version": spec_version(app),
        }
    )


@router.post("/ingest", status_code=202, responses=responses(401, 404, 409, 422, 503))
def ingest_videos(house: TheHouse, asking: SignedIn, app: Seen, wanted: ToIngest) -> Ingesting:
    """Take in the videos of a library, or one: scenes, words, embeddings. What is done stays as it is.

    Each stage is a job; the answer is the first, and the others start by themselves. 409 names the job in the way.
    """
    library = app.catalogue().libraries.get(app.owner, wanted.library_id)
    if library.kind != "video":
        raise UsageError(
            f"the library {library.name!r} holds no videos",
            cure="add one: POST /api/v1/libraries with kind video",
        )
    if (
        wanted.video_id is not None
        and app.catalogue().videos.get(app.owner, wanted.video_id).library_id != library.id
    ):
        raise NotFound(
            f"there is no video {wanted.video_id} in the library {library.name!r}", cure="see: /api/v1/videos"
        )
    need_video()
    job = Filming(app).enqueue_ingest(library, asked_by=asking.name, video_id=wanted.video_id)
    ring(house)
    return Ingesting(spec_version=spec_version(app), job=JobFacts(**job_facts(app, job)))


@router.get("/export", response_class=StreamingResponse, responses=_LINES | responses(401, 404, 422))
def export_videos(house: TheHouse, app: Seen, library_id: LibraryNumber | None = None) -> StreamingResponse:
    """All that is known of videos and persons, one JSON object a line; of one library its videos alone."""
    lines = Filming(app).exported(library_id)
    headers = {VERSION_HEADER: spec_version(app)}
    return lines_answer(in_parts(lines), house.closing.is_set, headers)


@router.post("/import", responses=responses(401, 404, 422, 503), openapi_extra=_TO_IMPORT)
async def import_videos(app: Seen, request: Request, library_id: LibraryNumber | None = None) -> Imported:
    """Take over what such lines say of videos that are known here, and of persons. A wrong line is left out and told of.

    Doing it twice changes nothing. What became different is embedded by the next run.
    """
    with new_spool() as spool:
        await received(request, spool)
        done = await run_in_threadpool(Filming(app).take_over, spool, library_id=library_id)
    return Imported(spec_version=await run_in_threadpool(spec_version, app), **asdict(done))


@router.get("/{video_id}", response_model=VideoWhole, responses=responses(401, 404, 422))
def show_video(app: Seen, video_id: VideoId) -> JSONResponse:
    """One video, and how far each step is with it."""
    videos = app.catalogue().videos
    video = videos.get(app.owner, video_id)
    return JSONResponse(video_whole(app, video, videos.transcript(app.owner, video_id)))


@router.get("/{video_id}/scenes", response_model=SceneList, responses=responses(401, 404, 422))
def list_scenes(app: Seen, video_id: VideoId) -> JSONResponse:
    """The scenes of a video in their order, with what each model has of them."""
    scenes = app.catalogue().videos.scenes(app.owner, video_id)
    return JSONResponse({"items": scenes_facts(app, scenes), "spec_version": spec_version(app)})


@router.head("/{video_id}/file", include_in_schema=False)
@router.get("/{video_id}/file", response_class=Response, responses=_FILM | responses(401, 404, 416, 422))
async def play_video(app: Seen, request: Request, video_id: VideoId) -> Response:
    """The video's file, or the part of it that ``Range`` asks for."""
    descriptor, kind, version = await run_in_threadpool(_film, app, video_id)
    answer = file_answer(request, descriptor, kind)
    answer.headers[VERSION_HEADER] = version
    return answer


@router.get("/{video_id}/transcript", responses=responses(401, 404, 422))
def show_transcript(app: Seen, video_id: VideoId) -> TranscriptFacts:
    """What is said in a video."""
    videos = app.catalogue().videos
    videos.get(app.owner, video_id)
    return _transcript(app, video_id, videos.transcript(app.owner, video_id))


@router.put("/{video_id}/transcript", responses=responses(401, 404, 422))
def set_transcript(app: Seen, video_id: VideoId, given: NewTranscript) -> TranscriptFacts:
    """Say what is said in a video. The next run embeds the scenes whose words became others."""
    transcript = given.transcript()
    app.catalogue().videos.set_transcript(app.owner, video_id, transcript, time.time())
    return _transcript(app, video_id, transcript)


def _film(app: App, video_id: int) -> tuple[int, str, str]:
    """The open file, its type, and the version of the pipeline."""
    video, version = app.catalogue().videos.get(app.owner, video_id), spec_version(app)
    return opened(app, video.library_id, video.path), video_type(video.path), version


def _transcript(app: App, video_id: int, transcript: Transcript | None) -> TranscriptFacts:
    segments = transcript.segments if transcript else ()
    return TranscriptFacts(
        spec_version=spec_version(app),
        video_id=video_id,
        source=transcript.source if transcript else "",
        language=transcript.language if transcript else "",
        segments=[SpokenSegment(start=one.start, end=one.end, text=one.text) for one in segments],
    )
