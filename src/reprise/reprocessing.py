"""The composition root of reprocessing: embeddings of videos and persons are brought up to the pipeline of today.

Nothing is extracted again: scenes, words and pictures are kept, and only what a step makes of them is made anew.
"""

from __future__ import annotations

import secrets
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from reprise.core.items import display_path
from reprise.core.job import (
    Control,
    Counters,
    Hosting,
    Job,
    JobRequest,
    JobState,
    ModelState,
    Priority,
    Purpose,
)
from reprise.core.plan import Selection, Wanted
from reprise.core.spec import Subject
from reprise.core.video_records import Reprocessing, Scope, Tally
from reprise.engine.in_turn import STOPPED, as_one, ended_before, verdict
from reprise.engine.start import HOST
from reprise.errors import JobConflict, NotFound, RepriseError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reprise.app import App
    from reprise.core.events import Emit, JobFinished
    from reprise.core.items import Library
    from reprise.core.pipeline import EmbeddingSpec
    from reprise.core.records import Failure
    from reprise.core.video_records import Reprocessings
    from reprise.engine.estimate import Estimate

KINDS = ("videos", "scenes", "photos", "persons")
ERRORS_TOLD = 10
LARGEST_ID = 2**63 - 1
RECENT = 50
"""Among so many of the newest runs the one to resume, or the one under way, is looked for."""
_TURN_SECONDS = 30.0
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be brought up to date. ``force``: also what is up to date. ``since``: only what was updated at or after
    that time, in seconds since the epoch.

    Raises ``UsageError`` for ids that do not fit the scope.
    """

    scope: Scope
    video_id: int | None = None
    owner_id: str | None = None
    force: bool = False
    since: float | None = None

    def __post_init__(self) -> None:
        wanted = {Scope.VIDEO: "video_id", Scope.OWNER: "owner_id"}.get(self.scope)
        for name in ("video_id", "owner_id"):
            given = getattr(self, name) is not None
            if given and name != wanted:
                raise UsageError(
                    f"the scope {self.scope} takes no {name}",
                    cure=f"leave it out, or choose the scope {name.removesuffix('_id')}",
                )
            if name == wanted and not given:
                raise UsageError(f"the scope {self.scope} needs the {name}", cure=_cure_of(name))
        if self.video_id is not None and not 0 < self.video_id <= LARGEST_ID:
            raise UsageError(f"{self.video_id} is no id of a video", cure=_cure_of("video_id"))
        if self.owner_id is not None and not self.owner_id.strip():
            raise UsageError("the owner_id is empty", cure=_cure_of("owner_id"))


def _cure_of(name: str) -> str:
    if name == "video_id":
        return "name one of: reprise videos list"
    return "name who owns the videos, as in: --owner-id default"


class Reprocessor:
    """Brings embeddings of any owner up to date. Only administrators and the command line have one."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._views: dict[str, App] = {}

    @property
    def spec(self) -> EmbeddingSpec:
        """What "up to date" means now."""
        return self._app.installed.pipeline

    def requests(self, asked: Asked, run: str = "") -> list[JobRequest]:
        """One job per library: of each owner the persons first, then the videos. Of one video only that.

        Raises ``NotFound`` for a video or an owner that is not there.
        """
        return [request for owner in self._owners(asked) for request in self._of_owner(owner, asked, run)]

    def video_count(self, asked: Asked) -> int:
        """How many videos it speaks of; as many as its record says at the end."""
        tallies = self._app.catalogue().reprocessings.tallies
        return sum(tallies(request.selection)["videos"].total for request in self.requests(asked))

    def estimates(self, asked: Asked) -> list[tuple[Selection, list[Estimate]]]:
        """What there is to do, library by library. Nothing is written."""
        found = []
        for request in self.requests(asked):
            estimates = self._view(request.selection.owner).estimates(
                request.selection, request.models, measure=False
            )
            found.append((request.selection, estimates))
        return found

    def enqueue(self, asked: Asked, *, asked_by: str) -> Reprocessing:
        """Have a server do it; of several who ask at once, one is served.

        Raises ``JobConflict`` when a reprocessing of one of these libraries is under way; then nothing is queued.
        """
        with self._turn():
            return self._begin(asked, Hosting(Priority.INTERACTIVE, asked_by), told=lambda _: None)

    def run_here(
        self,
        asked: Asked,
        emit: Emit,
        *,
        told: Callable[[str], None] = lambda _: None,
        begun: Callable[[Reprocessing], None] = lambda _: None,
    ) -> JobFinished:
        """Do it in this process, library after library; one that was interrupted is gone on with.

        ``begun`` hears of the run before its first job starts. Returns the end of all its jobs as one, whose id is the
        run's. Raises ``JobConflict`` when another process does some of it.
        """
        began = time.monotonic()
        with self._turn():
            run = self._interrupted(asked) or self._begin(asked, None, told)
        begun(run)
        ends = []
        for owner, job_id in run.jobs:
            end = self._finish(owner, job_id, emit)
            ends.append(end)
            if end.state in STOPPED:
                break
        self.settle(run.id)
        return as_one(run.id, run.spec_version, ends, time.monotonic() - began)

    def settle(self, run_id: str) -> None:
        """Keep the record of a run of which every job has ended. Called when one of them has."""
        run = self._records.get(run_id)
        if self._records.settled(run_id) is None and all(job.state.ended for job in self._jobs(run)):
            self._records.settle(run_id, self.progress(run_id))

    def progress(self, run_id: str) -> dict[str, Any]:
        """How far a run is, or how it ended. Raises ``NotFound``.

        ``videos``, ``scenes``, ``photos`` and ``persons`` each hold ``total``, ``processed``, ``skipped``, ``failed`` and
        ``left``, which is 0 at the end: total = processed + skipped + failed + left. ``steps`` count operations in the
        same way. ``error_count`` counts failed operations and models; ``errors`` holds the first ten. ``not_extracted``
        names videos that have no scenes yet, ``not_extracted_count`` says how many they are.
        """
        if (kept := self._records.settled(run_id)) is not None:
            return kept
        run = self._records.get(run_id)
        jobs = self._jobs(run)
        untaken, untaken_count = self._untaken(jobs)
        errors, error_count = self._errors(jobs)
        return {
            "run_id": run.id,
            "spec_version": run.spec_version,
            "scope": run.scope.value,
            "owner_id": run.owner if run.scope is Scope.OWNER else None,
            "video_id": run.video_id,
            "force": run.force,
            "since": run.since,
            "state": self._state(jobs),
            "percent": _percent(jobs),
            "created_at": run.created_at,
            "started_at": min((job.started_at for job in jobs if job.started_at), default=None),
            "completed_at": _completed_at(run, jobs),
            **{kind: asdict(tally) for kind, tally in self._total(jobs).items()},
            "steps": self._steps(jobs),
            "not_extracted": untaken,
            "not_extracted_count": untaken_count,
            "error_count": error_count,
            "errors": errors,
            "jobs": [{"owner": owner, "job_id": job_id} for owner, job_id in run.jobs],
        }

    def newest(self, limit: int = 10) -> list[Reprocessing]:
        """The newest runs, those first that began last."""
        return self._records.newest(limit)

    def under_way(self) -> Reprocessing | None:
        """The newest run that has not ended."""
        for run in self._records.newest(RECENT):
            if any(not job.state.ended for job in self._jobs(run)):
                return run
        return None

    # which libraries

    def _owners(self, asked: Asked) -> list[str]:
        videos = self._app.catalogue().videos
        if asked.scope is Scope.ALL:
            return videos.owners()
        if asked.video_id is not None:
            owner = videos.owner_of(asked.video_id)
            if owner is None:
                raise NotFound(f"there is no video {asked.video_id}", cure=_cure_of("video_id"))
            return [owner]
        if asked.owner_id not in videos.owners():
            raise NotFound(f"{asked.owner_id!r} owns no videos and no persons", cure=_cure_of("owner_id"))
        return [asked.owner_id]

    def _of_owner(self, owner: str, asked: Asked, run: str) -> Iterator[JobRequest]:
        spec, wanted = self.spec, Wanted.ALL if asked.force else Wanted.MISSING
        for library in self._libraries(owner, asked):
            if models := spec.models_in(library.kind):
                selection = Selection(
                    owner, library.id, wanted=wanted, since=asked.since, video_id=asked.video_id
                )
                yield JobRequest(
                    selection, models, purpose=Purpose.REPROCESSING, spec_version=spec.version, run=run
                )

    def _libraries(self, owner: str, asked: Asked) -> list[Library]:
        catalogue = self._app.catalogue()
        if asked.video_id is not None:
            video = catalogue.videos.get(owner, asked.video_id)
            return [catalogue.libraries.get(owner, video.library_id)]
        people = catalogue.persons.known_library_id(owner)
        first = [catalogue.libraries.get(owner, people)] if people is not None else []
        return first + [library for library in catalogue.libraries.all(owner) if library.kind == "video"]

    # starting

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One process at a time decides what is to be run. Raises ``JobConflict`` after a long wait."""
        until = time.monotonic() + _TURN_SECONDS
        while time.monotonic() < until:
            with self._app.locks.try_lock("reprocessing") as ours:
                if ours:
                    yield
                    return
            time.sleep(_LOOK_SECONDS)
        raise JobConflict("other processes start reprocessings all the time")

    def _begin(self, asked: Asked, hosting: Hosting | None, told: Callable[[str], None]) -> Reprocessing:
        """Make all jobs, or none."""
        run_id, jobs = secrets.token_hex(6), list[Job]()
        requests = self.requests(asked, run_id)
        for request in requests:
            self._make_way(request, hosting, told)
        self._recompose(requests)
        try:
            for request in requests:
                jobs.append(self._made(request, hosting))
        except JobConflict:
            for job in jobs:
                self._view(job.owner).stop_job(job, Control.CANCEL)
            raise
        run = Reprocessing(
            id=run_id,
            scope=asked.scope,
            owner=asked.owner_id or "",
            video_id=asked.video_id,
            force=asked.force,
            since=asked.since,
            spec_version=self.spec.version,
            created_at=time.time(),
            jobs=tuple((job.owner, job.id) for job in jobs),
        )
        self._records.add(run)
        return run

    def _recompose(self, requests: Sequence[JobRequest]) -> None:
        """What older rules composed of words and pictures is composed anew: inputs that come out otherwise are stale."""
        videos, now = self._app.catalogue().videos, time.time()
        for selection in (request.selection for request in requests):
            videos.recompose(selection.owner, selection.library_id, now)

    def _make_way(self, request: JobRequest, hosting: Hosting | None, told: Callable[[str], None]) -> None:
        """A job that nobody goes on with is replaced. Raises ``JobConflict`` for one that is under way."""
        owner = request.selection.owner
        job = self._app.catalogue().jobs.active(owner, request.work_key)
        if job is None:
            return
        hosted = job.queued_at is not None and (hosting is not None or self._app.locks.held(HOST))
        if hosted or self._app.job_alive(job.id):
            raise JobConflict(f"job {job.id} brings this library up to date already: it is {job.standing}")
        told(f"replaces job {job.id}, which was {job.state}; its open work is taken over")
        self._view(owner).stop_job(job, Control.CANCEL)

    def _made(self, request: JobRequest, hosting: Hosting | None) -> Job:
        if hosting is not None:
            view = self._view(request.selection.owner)
            return view.enqueue(request, priority=hosting.priority, asked_by=hosting.asked_by)
        return self._app.catalogue().jobs.create(request, request.spec_version, time.time())

    def _interrupted(self, asked: Asked) -> Reprocessing | None:
        """The newest run of the same request that was not carried to its end."""
        for run in self._records.newest(RECENT):
            if _same(run, asked, self.spec.version) and any(not job.state.ended for job in self._jobs(run)):
                return run
        return None

    def _finish(self, owner: str, job_id: str, emit: Emit) -> JobFinished:
        job = self._app.catalogue().jobs.get(owner, job_id)
        if job.state.ended:
            return ended_before(self._app.catalogue(), job)
        return self._view(owner).resume(job, emit)

    # telling

    @property
    def _records(self) -> Reprocessings:
        return self._app.catalogue().reprocessings

    def _view(self, owner: str) -> App:
        if owner not in self._views:
            self._views[owner] = self._app.of(owner)
        return self._views[owner]

    def _jobs(self, run: Reprocessing) -> list[Job]:
        """Those that are known; a library that was forgotten took its own along."""
        found = []
        for owner, job_id in run.jobs:
            with suppress(NotFound):
                found.append(self._app.catalogue().jobs.get(owner, job_id))
        return found

    def _total(self, jobs: Sequence[Job]) -> dict[str, Tally]:
        total = dict.fromkeys(KINDS, Tally())
        for job in jobs:
            found = self._records.tallies(job.request.selection, job.id, self._broken(job))
            for kind, tally in found.items():
                total[kind] += tally
        return total

    def _broken(self, job: Job) -> list[Subject]:
        """What models of the job looked at that could not run at all, and have no rows that say so."""
        names = [
            result.model
            for result in job.models
            if result.state is ModelState.FAILED and result.space_id is None
        ]
        found = []
        for name in names:
            step = self.spec.step_of(name)
            try:
                found.append(self._view(job.owner).installed.card(name).spec.subject)
            except RepriseError:
                found += [Subject(step.works_on)] if step else []
        return found

    def _untaken(self, jobs: Sequence[Job]) -> tuple[list[dict[str, Any]], int]:
        named, count = list[dict[str, Any]](), 0
        videos = self._app.catalogue().videos
        for job in jobs:
            ids, more = self._records.untaken(job.request.selection, ERRORS_TOLD)
            for video in (videos.get(job.owner, video_id) for video_id in ids):
                name = display_path(video.path)
                named.append({"video_id": video.id, "name": name, "state": video.state.value})
            count += more
        return named[:ERRORS_TOLD], count

    def _errors(self, jobs: Sequence[Job]) -> tuple[list[dict[str, Any]], int]:
        errors, count = list[dict[str, Any]](), 0
        for job in jobs:
            broken = _broken(job)
            errors += broken
            count += len(broken) + job.counters.failed
        for job in jobs:
            if len(errors) < ERRORS_TOLD and job.counters.failed:
                found = self._app.catalogue().ledger.newest_failures(job.owner, job.id, ERRORS_TOLD)
                errors += [_error(job, failure) for failure in found]
        return errors[:ERRORS_TOLD], count

    def _steps(self, jobs: Sequence[Job]) -> list[dict[str, Any]]:
        """Operations of each step, in the order of the pipeline."""
        counters: dict[str, Counters] = {}
        for result in (result for job in jobs for result in job.models):
            step = self.spec.step_of(result.model)
            name = step.name if step else result.model
            counters[name] = counters.get(name, Counters()) + result.counters
        order = {step.name: place for place, step in enumerate(self.spec.steps)}
        return [
            {
                "step": name,
                "total": found.total,
                "processed": found.done,
                "skipped": found.skipped,
                "failed": found.failed,
                "left": found.left,
            }
            for name, found in sorted(counters.items(), key=lambda pair: order.get(pair[0], len(order)))
        ]

    def _state(self, jobs: Sequence[Job]) -> str:
        """One word for all jobs: the first of these that fits one of them."""
        states = [self._app.state_of(job) for job in jobs]
        for word in ("running", "interrupted", "paused", "queued"):
            if word in states:
                started = word == "queued" and any(job.state.ended for job in jobs)
                return "running" if started else word
        return verdict([JobState(state) for state in states])


def _same(run: Reprocessing, asked: Asked, spec_version: str) -> bool:
    then = (run.scope, run.video_id, run.owner, run.force, run.since, run.spec_version)
    return then == (
        asked.scope,
        asked.video_id,
        asked.owner_id or "",
        asked.force,
        asked.since,
        spec_version,
    )


def _percent(jobs: Sequence[Job]) -> float:
    """The mean of its jobs': none of them ever goes back, and so this does not either."""
    each = [100.0 if job.state.ended else job.percent for job in jobs]
    return round(sum(each) / len(each), 2) if each else 100.0


def _completed_at(run: Reprocessing, jobs: Sequence[Job]) -> float | None:
    if not all(job.state.ended for job in jobs):
        return None
    return max((job.finished_at for job in jobs if job.finished_at), default=run.created_at)


def _broken(job: Job) -> list[dict[str, Any]]:
    """Models of the job that could not run, or the job itself."""
    facts = {"owner": job.owner, "job_id": job.id, "item_id": None, "path": ""}
    models = [
        facts | {"model": result.model, "code": "model", "reason": result.error}
        for result in job.models
        if result.state is ModelState.FAILED
    ]
    if job.state is JobState.FAILED and not models:
        return [facts | {"model": "", "code": "job", "reason": job.error}]
    return models


def _error(job: Job, failure: Failure) -> dict[str, Any]:
    return {
        "owner": job.owner,
        "job_id": job.id,
        "item_id": failure.item_id,
        "path": failure.path,
        "model": failure.model,
        "code": failure.code,
        "reason": failure.message,
    }
