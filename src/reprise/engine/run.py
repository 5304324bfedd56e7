"""One job from its start to its end: plan, then model after model, then an honest final state."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reprise.core.events import (
    JobError,
    JobFinished,
    JobStarted,
    ModelFinished,
    ModelLoaded,
    ModelStarted,
    ModelUnloaded,
)
from reprise.core.job import Counters, JobState, ModelState
from reprise.core.records import Speed
from reprise.core.space import SpaceState
from reprise.engine.cutover import cut_over
from reprise.engine.encoding import make_encoding
from reprise.engine.mend import mend
from reprise.engine.scan import ScanStopped
from reprise.engine.slices import Slice, SliceEnd, Wishes
from reprise.errors import CatalogueError, DiskFull, ModelError, RepriseError

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.core.events import Emit
    from reprise.core.job import Control, Job
    from reprise.core.plan import PlannedModel
    from reprise.core.ports import VectorStore
    from reprise.core.records import Catalogue
    from reprise.core.space import Space
    from reprise.core.spec import ModelCard
    from reprise.engine.encoding import Effort, Encoding
    from reprise.engine.model_process import Command
    from reprise.engine.slices import Pace

SPEED_FROM_SECONDS = 5.0
"""A shorter run says nothing of a model's speed."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a run needs of the world. ``effort`` and ``command`` are made for a model's card."""

    catalogue: Catalogue
    store: VectorStore
    emit: Emit
    asked: Callable[[], Control]
    cards: dict[str, ModelCard]
    command: Callable[[str], Command]
    effort: Callable[[ModelCard, int], Effort]
    pace: Pace
    coverage: float
    machine: str


@dataclass(slots=True)
class Run:
    """Runs one job in this process. Whoever calls holds the job's lock.

    ``scan`` looks at the library first; it is handed what tells whether somebody wants to stop.
    """

    shop: Workshop
    job: Job
    resumed: bool
    scan: Callable[[Callable[[], object]], object]
    _spaces: list[Space] = field(default_factory=list)
    _planned: list[PlannedModel] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _before: Counters = field(default_factory=Counters)
    _wishes: Wishes = field(init=False)

    def __post_init__(self) -> None:
        self._before = self.job.counters
        self._wishes = Wishes(self.shop.catalogue, self.job, self.shop.asked)

    def run(self) -> JobFinished:
        """Returns the job's last event. What goes wrong beyond one model ends the job as ``failed``, in order."""
        try:
            end = self._all()
        except RepriseError as error:
            return self._fail(error)
        if end is SliceEnd.PAUSED:
            return self._finish(JobState.PAUSED)
        if end is SliceEnd.CANCELLED:
            return self._finish(JobState.CANCELLED)
        return self._finish(self._verdict())

    def _all(self) -> SliceEnd:
        owner = self.job.owner
        self.shop.catalogue.jobs.set_state(owner, self.job.id, JobState.RUNNING, time.time())
        try:
            self.scan(self._wishes.end)
        except ScanStopped:
            return self._wishes.end() or SliceEnd.PAUSED
        self._plan()
        return self._all_models()

    def _plan(self) -> None:
        """All spaces stand and all rows are planned before the first item is touched."""
        jobs, owner = self.shop.catalogue.jobs, self.job.owner
        self._spaces = [self._open_space(model) for model in self.job.request.models]
        self._planned = self.shop.catalogue.ledger.plan(
            self.job.request.selection, self.job.id, self._spaces, time.time(), resumed=self.job.planned
        )
        self.job = jobs.get(owner, self.job.id)
        self._before = self.job.counters
        self.shop.emit(
            JobStarted(
                job_id=self.job.id,
                spec_version=self.job.spec_version,
                models=self.job.request.models,
                items=self.job.items,
                operations=self.job.counters.total,
                to_do=sum(planned.to_do for planned in self._planned),
                resumed=self.resumed,
            )
        )

    def _open_space(self, model: str) -> Space:
        """A space that cannot be made ends the job here, with its name, while the old ones go on serving."""
        spaces, owner = self.shop.catalogue.spaces, self.job.owner
        space = spaces.ensure(owner, self.shop.cards[model].spec)
        try:
            self.shop.store.create(owner, space.name, space.dimension)
        except RepriseError as error:
            raise type(error)(
                f"the space {space.name} cannot be made: {error.message}", cure=error.cure
            ) from error
        if space.state is SpaceState.DRAFT:
            spaces.set_state(owner, space.id, SpaceState.FILLING)
        mend(self.shop.catalogue, self.shop.store, space, self.job.id)
        return spaces.get(owner, space.id)

    def _all_models(self) -> SliceEnd:
        for position, (space, planned) in enumerate(zip(self._spaces, self._planned, strict=True), 1):
            end = self._one_model(position, space, planned)
            if end is not SliceEnd.EXHAUSTED:
                return end
        return SliceEnd.EXHAUSTED

    def _one_model(self, position: int, space: Space, planned: PlannedModel) -> SliceEnd:
        """One model's failure is its own: the next one runs."""
        began = time.monotonic()
        end, error = SliceEnd.EXHAUSTED, ""
        if planned.to_do:
            try:
                end = self._work(position, space, planned)
            except ModelError as failure:
                error = failure.message
        if end is SliceEnd.EXHAUSTED:
            self._close_model(space, planned, error, time.monotonic() - began)
        return end

    def _work(self, position: int, space: Space, planned: PlannedModel) -> SliceEnd:
        """Load, run, unload: the model's processes end here whatever happens."""
        card = self.shop.cards[space.model]
        effort = self.shop.effort(card, self.job.request.selection.library_id)
        encoding = make_encoding(card, self.shop.command(card.name), effort)
        self.shop.catalogue.jobs.set_model(self.job.owner, self.job.id, card.name, ModelState.RUNNING)
        self.shop.emit(self._model_started(position, planned, card, effort))
        try:
            ready = encoding.start(self._wishes.end)
            if end := self._wishes.end():
                return end
            self.shop.emit(
                ModelLoaded(
                    job_id=self.job.id,
                    model=card.name,
                    seconds=ready.seconds,
                    memory_mb=round(ready.memory_mb, 1),
                )
            )
            return self._slice(space, planned, encoding)
        finally:
            encoding.close()
            self.shop.emit(ModelUnloaded(job_id=self.job.id, model=card.name))

    def _slice(self, space: Space, planned: PlannedModel, encoding: Encoding) -> SliceEnd:
        slice_ = self._make_slice(space, planned, encoding)
        began = time.monotonic()
        try:
            return slice_.run()
        finally:
            self._remember_speed(space, slice_, time.monotonic() - began)

    def _make_slice(self, space: Space, planned: PlannedModel, encoding: Encoding) -> Slice:
        job = self.shop.catalogue.jobs.get(self.job.owner, self.job.id)
        own = next(result.counters for result in job.models if result.model == space.model)
        others = sum((result.counters for result in job.models if result.model != space.model), Counters())
        return Slice(
            catalogue=self.shop.catalogue,
            store=self.shop.store,
            emit=self.shop.emit,
            wishes=self._wishes,
            job=job,
            space=space,
            encoding=encoding,
            pace=self.shop.pace,
            audio_left=planned.audio_seconds,
            counters=own,
            others=others,
            later_seconds=self._later_seconds(space),
        )

    def _later_seconds(self, space: Space) -> float:
        """What the models after this one will take, as far as their speed on this machine is known."""
        later = self._spaces[self._spaces.index(space) + 1 :]
        total = 0.0
        for other, planned in zip(later, self._planned[len(self._planned) - len(later) :], strict=True):
            speed = self.shop.catalogue.speeds.get(other.fingerprint, self.shop.machine)
            if speed is not None and planned.audio_seconds:
                total += planned.audio_seconds / speed.audio_seconds_per_second
        return total

    def _remember_speed(self, space: Space, slice_: Slice, seconds: float) -> None:
        self.shop.catalogue.jobs.add_time(
            self.job.owner, self.job.id, space.model, slice_.seconds, slice_.audio_seconds
        )
        audio = slice_.meter.audio_seconds_per_second
        if seconds < SPEED_FROM_SECONDS or audio is None:
            return
        speed = Speed(audio, slice_.counters.finished / seconds)
        self.shop.catalogue.speeds.put(space.fingerprint, self.shop.machine, speed, time.time())

    def _model_started(
        self, position: int, planned: PlannedModel, card: ModelCard, effort: Effort
    ) -> ModelStarted:
        return ModelStarted(
            job_id=self.job.id,
            model=card.name,
            position=position,
            of=len(self._spaces),
            total=planned.total,
            to_do=planned.to_do,
            workers=effort.workers,
        )

    def _close_model(self, space: Space, planned: PlannedModel, error: str, seconds: float) -> None:
        state = ModelState.FAILED if error else ModelState.FINISHED
        self.shop.catalogue.jobs.set_model(self.job.owner, self.job.id, space.model, state, error)
        if not error and planned.total:
            self._cut_over(space)
        job = self.shop.catalogue.jobs.get(self.job.owner, self.job.id)
        counters = next(result.counters for result in job.models if result.model == space.model)
        self.shop.emit(
            ModelFinished(
                job_id=self.job.id,
                model=space.model,
                state=state,
                done=counters.done,
                failed=counters.failed,
                skipped=counters.skipped,
                seconds=round(seconds, 3),
                error=error,
            )
        )

    def _cut_over(self, space: Space) -> None:
        if not self.shop.catalogue.ledger.counts(space.owner, space.id)["vectors"]:
            return
        current = self.shop.catalogue.spaces.get(space.owner, space.id)
        cut_over(self.shop.catalogue, self.shop.store, self.shop.emit, current, coverage=self.shop.coverage)

    def _verdict(self) -> JobState:
        job = self.shop.catalogue.jobs.get(self.job.owner, self.job.id)
        failed_models = [result for result in job.models if result.state is ModelState.FAILED]
        if failed_models and len(failed_models) == len(job.models):
            return JobState.FAILED
        if failed_models or job.counters.failed:
            return JobState.COMPLETED_WITH_ERRORS
        return JobState.COMPLETED

    def _fail(self, error: RepriseError) -> JobFinished:
        facts = {"code": error.code, "message": error.message, "cure": error.cure}
        self.shop.emit(JobError(job_id=self.job.id, **facts))
        try:
            return self._finish(JobState.FAILED, error.message)
        except (CatalogueError, DiskFull):
            # Not even this can be written. The lock ends with the process: the job will be found interrupted.
            job = replace(self._last_known(), state=JobState.FAILED, error=error.message)
            event = self._event(job, failed_items=0)
            self.shop.emit(event)
            return event

    def _last_known(self) -> Job:
        try:
            return self.shop.catalogue.jobs.get(self.job.owner, self.job.id)
        except CatalogueError:
            return self.job

    def _finish(self, state: JobState, error: str = "") -> JobFinished:
        jobs, owner = self.shop.catalogue.jobs, self.job.owner
        if not error:
            error = "; ".join(
                f"{result.model}: {result.error}"
                for result in jobs.get(owner, self.job.id).models
                if result.error
            )
        jobs.set_state(owner, self.job.id, state, time.time(), error)
        if state in {JobState.COMPLETED, JobState.COMPLETED_WITH_ERRORS}:
            jobs.set_percent(owner, self.job.id, 100.0)
        failed_items = self.shop.catalogue.ledger.failed_items(owner, self.job.id)
        event = self._event(jobs.get(owner, self.job.id), failed_items)
        self.shop.emit(event)
        return event

    def _event(self, job: Job, failed_items: int) -> JobFinished:
        counters = job.counters
        done = counters.done - self._before.done
        run = replace(counters, done=done, skipped=counters.skipped + self._before.done)
        return JobFinished(
            job_id=job.id,
            state=job.state,
            spec_version=job.spec_version,
            items={"total": job.items, "failed": failed_items},
            operations={
                "total": run.total,
                "done": run.done,
                "skipped": run.skipped,
                "failed": run.failed,
            },
            seconds=round(time.monotonic() - self._began, 3),
            error=job.error,
        )
