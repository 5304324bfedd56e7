"""The paths that earlier embedding services answered, over the same jobs.

Their clients send no token: the setting ``compat_owner`` lets programs of this machine in without one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from reprise.app import App
from reprise.errors import Forbidden, LibraryError, NotSignedIn, RemoteError, RepriseError, UsageError
from reprise.server.access import Role, TheHouse, house_of
from reprise.server.asking import compatible_owner, person_of
from reprise.server.embedding import answers, batch
from reprise.server.embedding.one_file import Received
from reprise.server.problems import responses

router = APIRouter(tags=["embedding"], responses=responses(401, 403, 422))

Text = Annotated[str, Field(max_length=4096)]
Data = Annotated[str, Field(max_length=90_000_000)]


async def served(request: Request) -> App:
    """The installation as who asks may use it: an administrator, or a program of this machine if the setting says so.

    Raises ``NotSignedIn``, ``Forbidden``.
    """
    house = house_of(request)
    try:
        asking = await person_of(request)
    except NotSignedIn:
        if owner := compatible_owner(request):
            return house.of(owner)
        raise
    if asking.role is not Role.ADMIN:
        raise Forbidden("only administrators may do this")
    return house.of(asking.owner)


Served = Annotated[App, Depends(served)]


class BatchStart(BaseModel):
    models: list[Annotated[str, Field(max_length=100)]] = Field(max_length=50)
    clearExisting: bool = False  # noqa: N815 - their word


class AudioFile(BaseModel):
    music_file: Text
    name: Text = ""
    cue_file: Text | None = None
    music_data_b64: Data | None = None
    cue_data_b64: Data | None = None
    track_id: Text | None = None
    artist: Text | None = None
    title: Text | None = None
    album: Text | None = None
    alternate_names: list[Text] = Field(default=[], max_length=100)

    def received(self) -> tuple[Received, ...]:
        """The files that came with the request, the music first."""
        if not self.music_data_b64:
            return ()
        music = Received(self.music_file, self.music_data_b64)
        return (
            (music, Received(self.cue_file or "album.cue", self.cue_data_b64))
            if self.cue_data_b64
            else (music,)
        )


class StatusQuestion(BaseModel):
    name: Text = ""
    track_id: Text = ""
    artist: Text = ""
    title: Text = ""
    alternate_names: list[Text] = Field(default=[], max_length=100)

    def names(self) -> list[str]:
        whole = [f"{self.artist} - {self.title}"] if self.artist and self.title else []
        return [*whole, *self.alternate_names]


class TextToEmbed(BaseModel):
    text: Annotated[str, Field(max_length=32_768)]
    model: Annotated[str, Field(max_length=100)] = answers.ANY_READER


@router.post("/batch/start", status_code=202, responses=responses(409))
def start_batch(asked: BatchStart, app: Served) -> dict[str, Any]:
    """All libraries through these models; 409 while a job is under way."""
    jobs = batch.start(app, asked.models, clear=asked.clearExisting)
    return {"status": "started", "models": asked.models, "job_ids": [job.id for job in jobs]}


@router.get("/batch/progress")
def batch_progress(app: Served) -> batch.Progress:
    """How far the batch is, tracks and operations apart."""
    return batch.progress(app)


@router.post("/batch/cancel", responses=responses(409))
def cancel_batch(app: Served) -> dict[str, Any]:
    """End it; what is done stays done."""
    return {"status": "cancelling", "job_ids": [job.id for job in batch.cancel(app)]}


@router.post("/embed/audio", responses=responses(400, 500, 503))
async def embed_audio(asked: AudioFile, app: Served, house: TheHouse) -> JSONResponse:
    """Embed one file and wait for it: a path that this machine knows, or the file's data."""

    async def work() -> dict[str, Any]:
        return await answers.embed(house, app, asked.music_file, asked.name, asked.received())

    return await _in_their_words(work)


@router.get("/embed/status")
def embed_status(
    app: Served,
    name: Annotated[str, Query(max_length=4096)] = "",
    track_id: Annotated[str, Query(max_length=4096)] = "",
) -> dict[str, Any]:
    """Whether a track, known by its id or a name, is embedded."""
    return answers.status(app, name, track_id, [])


@router.post("/embed/status")
def ask_embed_status(asked: StatusQuestion, app: Served) -> dict[str, Any]:
    """The same, with several names."""
    return answers.status(app, asked.name, asked.track_id, asked.names())


@router.get("/embed/health", responses=responses(503))
def embed_health(app: Served, house: TheHouse) -> dict[str, Any]:
    """Whether embedding works."""
    return answers.health(house, app)


@router.post("/embed_text", responses=responses(500, 503))
def embed_text(asked: TextToEmbed, app: Served) -> dict[str, Any]:
    """A text as a vector of a model that reads text."""
    return answers.embed_text(app, asked.text, asked.model)


async def _in_their_words(work: Callable[[], Awaitable[dict[str, Any]]]) -> JSONResponse:
    """400 for a file that is bad or missing, 503 when it takes too long; with ``status`` and ``message`` in any case."""
    try:
        answer = await work()
    except (LibraryError, UsageError) as error:
        return JSONResponse(_error(error), 400)
    except RemoteError as error:
        return JSONResponse(_error(error), 503)
    return JSONResponse(answer, 200 if answer["status"] == "ok" else 400)


def _error(error: RepriseError) -> dict[str, str]:
    return {"status": "error", "code": error.code, "message": error.message, "cure": error.cure}
