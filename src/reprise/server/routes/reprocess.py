"""Reprocessing, for administrators: embeddings brought up to the pipeline of today, and, apart from it, all of it anew."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from reprise.core.video_records import Reprocessing, Scope
from reprise.filming import Filming, need_video
from reprise.reprocessing import Asked, Reprocessor
from reprise.server.access import Admin, TheHouse
from reprise.server.job_host import ring
from reprise.server.job_start import Owner, refuse_while_in_use
from reprise.server.listing_view import ItemId
from reprise.server.problems import responses
from reprise.server.video_view import SpecVersion, Versioned

router = APIRouter(tags=["reprocess"], responses=responses(401, 403))

PLACE = "/api/v1/admin/reprocess-embeddings"
ALIAS = "/v1/admin/reprocess-embeddings"
"""As the panel's predecessors call it."""

NEWEST = 10
RunId = Annotated[str, Path(pattern=r"^[0-9a-f]{1,32}$", description="As it was answered when it was queued")]


class ToReprocess(BaseModel):
    """Whose embeddings are to be brought up to date. The scope video needs a video_id, owner an owner_id, all neither."""

    scope: Scope = Field(examples=["all"])
    video_id: ItemId | None = None
    owner_id: Owner | None = None
    force: Annotated[bool, Field(strict=True)] = Field(
        default=False, description="Also what is up to date; without it only what is missing or stale is made"
    )
    since: Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False, strict=True)] | None = Field(
        default=None, description="Only what was updated at or after it, in seconds since the epoch"
    )

    def asked(self) -> Asked:
        """Raises ``UsageError`` for ids that do not fit the scope."""
        return Asked(self.scope, self.video_id, self.owner_id, self.force, self.since)


class OwnersJob(BaseModel):
    owner: str
    job_id: str


class Queued(BaseModel):
    """It is in the queue. Nothing is deleted, and what is up to date stays unless ``force`` was given."""

    status: Literal["queued"]
    run_id: str
    spec_version: SpecVersion
    scope: Scope
    video_count: int
    message: str
    jobs: list[OwnersJob]


class Run(BaseModel):
    """One reprocessing that somebody asked for."""

    run_id: str
    spec_version: str
    scope: Scope
    owner_id: str | None
    video_id: int | None
    force: bool
    since: float | None
    created_at: float
    jobs: list[OwnersJob]


class Outlook(Versioned):
    """What a reprocessing of everything would speak of, and what is going on."""

    video_count: int
    running: Run | None
    newest: list[Run]


class Everything(BaseModel):
    """A wish to throw away what was found in all videos, and to find it anew."""

    confirm: Literal["delete"] = Field(
        description="That scenes, descriptions and embeddings are to be deleted"
    )


class Restarted(Versioned):
    """All videos are taken in anew. What people said of a video, and persons with their photos, stay."""

    status: Literal["queued"]
    video_count: int
    message: str
    jobs: list[OwnersJob]


class TallyFacts(BaseModel):
    """``total = processed + skipped + failed + left``; when it has ended nothing is left."""

    total: int
    processed: int
    skipped: int
    failed: int
    left: int


class StepTally(TallyFacts):
    """Operations of one step."""

    step: str


class Untaken(BaseModel):
    """A video without scenes: it has to be taken in before anything of it can be embedded."""

    video_id: int
    name: str
    state: str


class RunError(BaseModel):
    """One thing that failed. ``item_id``: null when a whole model could not run."""

    owner: str
    job_id: str
    item_id: int | None
    path: str
    model: str
    code: str
    reason: str


class Progress(Run):
    """How far a reprocessing is, or how it ended. Times in seconds since the epoch."""

    state: str = Field(examples=["running", "completed", "completed_with_errors"])
    percent: float = Field(description="0 to 100")
    started_at: float | None
    completed_at: float | None
    videos: TallyFacts
    scenes: TallyFacts
    photos: TallyFacts
    persons: TallyFacts
    steps: list[StepTally]
    not_extracted: list[Untaken] = Field(description="The first ten of them")
    not_extracted_count: int
    error_count: int
    errors: list[RunError] = Field(description="The first ten")


@router.post(PLACE, status_code=202, responses=responses(404, 409, 422))
def reprocess_embeddings(house: TheHouse, asking: Admin, wanted: ToReprocess) -> Queued:
    """Bring the embeddings of a video, an owner or everybody up to the pipeline of today.

    Nothing is extracted or transcribed again, and search answers all the while. 409 names the run that is in the way.
    """
    asked, reprocessor = wanted.asked(), Reprocessor(house.app)
    run = reprocessor.enqueue(asked, asked_by=asking.name)
    ring(house)
    count = reprocessor.video_count(asked)
    return Queued(
        status="queued",
        run_id=run.id,
        spec_version=run.spec_version,
        scope=run.scope,
        video_count=count,
        message=_message(run, count),
        jobs=_jobs(run),
    )


router.add_api_route(
    ALIAS,
    reprocess_embeddings,
    methods=["POST"],
    status_code=202,
    responses=responses(404, 409, 422),
    name="reprocess_embeddings_v1",
)


@router.get(PLACE)
def outlook(house: TheHouse, _asking: Admin) -> Outlook:
    """What a reprocessing of everything would speak of, the run that is under way, and the newest ones."""
    reprocessor = Reprocessor(house.app)
    running = reprocessor.under_way()
    return Outlook(
        spec_version=reprocessor.spec.version,
        video_count=reprocessor.video_count(Asked(Scope.ALL)),
        running=_run(running) if running else None,
        newest=[_run(run) for run in reprocessor.newest(NEWEST)],
    )


@router.get(f"{PLACE}/{{run_id}}", responses=responses(404, 422))
def progress(house: TheHouse, _asking: Admin, run_id: RunId) -> Progress:
    """How far a reprocessing is, or how it ended."""
    facts = Reprocessor(house.app).progress(run_id)
    jobs = [OwnersJob(owner=job["owner"], job_id=job["job_id"]) for job in facts["jobs"]]
    return Progress(**(facts | {"jobs": jobs}))


@router.post("/api/v1/admin/reprocess-all", status_code=202, responses=responses(409, 422, 503))
def reprocess_all(house: TheHouse, asking: Admin, wanted: Everything) -> Restarted:
    """Delete all scenes of everybody's videos, with descriptions and embeddings, and take the videos in anew.

    Search finds nothing in a video until it is done again. To bring embeddings up to date, use reprocess-embeddings.
    """
    del wanted
    need_video()
    films = [Filming(house.of(owner)) for owner in house.app.catalogue().videos.owners()]
    libraries = [(filming, library) for filming in films for library in filming.libraries()]
    for _, library in libraries:  # before anything is deleted
        refuse_while_in_use(house.of(library.owner), library)
    count, jobs = 0, list[OwnersJob]()
    for filming, library in libraries:
        count += filming.drop_scenes(library)
        job = filming.enqueue_ingest(library, asked_by=asking.name)
        jobs.append(OwnersJob(owner=job.owner, job_id=job.id))
    ring(house)
    return Restarted(
        status="queued",
        spec_version=house.app.installed.pipeline.version,
        video_count=count,
        message=f"{_videos(count)} taken in anew: scenes, words and embeddings",
        jobs=jobs,
    )


def _run(run: Reprocessing) -> Run:
    return Run(**_facts(run), jobs=_jobs(run))


def _facts(run: Reprocessing) -> dict[str, Any]:
    return {
        "run_id": run.id,
        "spec_version": run.spec_version,
        "scope": run.scope,
        "owner_id": run.owner or None,
        "video_id": run.video_id,
        "force": run.force,
        "since": run.since,
        "created_at": run.created_at,
    }


def _jobs(run: Reprocessing) -> list[OwnersJob]:
    return [OwnersJob(owner=owner, job_id=job_id) for owner, job_id in run.jobs]


def _message(run: Reprocessing, count: int) -> str:
    what = "all embeddings are made anew" if run.force else "what is missing or out of date is made"
    return f"{_videos(count)} queued for the pipeline {run.spec_version}: {what}"


def _videos(count: int) -> str:
    return "1 video" if count == 1 else f"{count} videos"
