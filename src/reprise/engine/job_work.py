"""What whoever works on a job does of it, alone or with others: plan, turns of models, an honest end of each and of all."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reprise.core.events import (
    JobError,
    JobFinished,
    JobStarted,
    ModelFinished,
    ModelNotice,
    SpaceCleared,
)
from reprise.core.job import Clear, Counters, JobState, ModelState
from reprise.core.space import SpaceState
from reprise.engine.cutover import clear_model, cut_over
from reprise.engine.keeping import purge
from reprise.engine.mend import mend
from reprise.engine.slices import SliceEnd, Wishes, uncounted
from reprise.engine.turn import Turn
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
    from reprise.engine.desk import Effort
    from reprise.engine.keeping import Keeping
    from reprise.engine.model_process import Command
    from reprise.engine.slices import Committed, Pace
    from reprise.engine.turn import DeviceSlot


def nobody(_job_id: str) -> bool:
    """No other job is under way."""
    return False


@dataclass(frozen=True, slots=True)
class Workshop:
    """What a run needs of the world. ``effort`` and ``command`` are made for a model's card.

    ``command`` takes a folder for decoded sound as well, or nothing. ``together_mb``: the memory in which several models
    may be loaded together. ``alive``: whether somebody runs the job of that id now. ``ready`` brings a model's weights to disk and gives its card; its second argument hears what people should know.
    """

    catalogue: Catalogue
    keeping: Keeping
    emit: Emit
    asked: Callable[[], Control]
    ready: Callable[[str, Callable[[str], None]], ModelCard]
    command: Callable[[str, str], Command]
    effort: Callable[[ModelCard, int], Effort]
    slot: DeviceSlot
    pace: Pace
    coverage: float
    machine: str
    together_mb: float = 0.0
    alive: Callable[[str], bool] = nobody
    committed: Committed = uncounted

    @property
    def store(self) -> VectorStore:
        return self.keeping.store


@dataclass(slots=True)
class JobWork:
    """Work on one job in this process.

    ``scan`` looks at the library first; it is handed what tells whether somebody wants to stop.
    """

    shop: Workshop
    job: Job
    resumed: bool
    scan: Callable[[Callable[[], object]], object]
    _cards: dict[str, ModelCard] = field(default_factory=dict)
    _spaces: list[Space] = field(default_factory=list)
    _planned: list[PlannedModel] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _before: Counters = field(default_factory=Counters)
    _wishes: Wishes = field(init=False)

    def __post_init__(self) -> None:
        self._before = self.job.counters
        self._wishes = Wishes(self.shop.catalogue, self.job, self.shop.asked, self.shop.slot.wanted)

    def _plan(self) -> None:
        """All weights and spaces stand and all rows are planned before the first item is touched."""
        jobs, owner = self.shop.catalogue.jobs, self.job.owner
        unready = self._ready_models()
        self._spaces = [self._open_space(card) for card in self._cards.values()]
        self._planned = self.shop.catalogue.ledger.plan(
            self.job.request.selection,
            self.job.id,
            self._spaces,
            time.time(),
            resumed=self.job.planned,
            alive=self.shop.alive,
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
        for model, error in unready.items():
            self._close_failed(model, error, 0.0)

    def _ready_models(self) -> dict[str, str]:
        """Bring each model's weights to disk; returns which cannot be had, and why. The others run."""
        unready: dict[str, str] = {}
        for model in self.job.request.models:
            try:
                self._cards[model] = self.shop.ready(model, functools.partial(self._tell, model))
            except ModelError as error:
                unready[model] = f"{error.message}; cure: {error.cure}" if error.cure else error.message
        return unready

    def _tell(self, model: str, text: str) -> None:
        self.shop.emit(ModelNotice(job_id=self.job.id, model=model, text=text))

    def _open_space(self, card: ModelCard) -> Space:
        """A space that cannot be made ends the job here, with its name, while the old ones go on serving."""
        spaces, owner = self.shop.catalogue.spaces, self.job.owner
        clear = Clear.NOTHING if self.job.planned else self.job.request.clear
        if clear is Clear.FIRST:
            spaces.unpoint(owner, card.name)
            self._clear(card.name)
        space = spaces.ensure(owner, card.spec, fresh=clear is Clear.AFTER)
        try:
            self.shop.keeping.create(space)
        except RepriseError as error:
            raise type(error)(
                f"the space {space.name} cannot be made: {error.message}", cure=error.cure
            ) from error
        if space.state is SpaceState.DRAFT:
            spaces.set_state(owner, space.id, SpaceState.FILLING)
        purge(self.shop.catalogue, self.shop.keeping, space)
        mend(self.shop.catalogue, self.shop.keeping, space, self.job.id)
        return spaces.get(owner, space.id)

    def _plan_again(self, turn: Turn) -> None:
        """What the models before it made may be what this one looks at: photos before the person that they show."""
        catalogue = self.shop.catalogue
        purge(catalogue, self.shop.keeping, turn.space)
        turn.planned = catalogue.ledger.plan_again(
            self.job.request.selection, self.job.id, turn.space, time.time(), self.shop.alive
        )
        self.job = catalogue.jobs.get(self.job.owner, self.job.id)

    def _close(self, turn: Turn, end: SliceEnd, error: str, seconds: float) -> None:
        if error:
            self._close_failed(turn.card.name, error, seconds, turn.memory_steps)
        elif end is SliceEnd.EXHAUSTED:
            self._close_finished(turn, seconds)

    def _turns(self) -> list[Turn]:
        return [
            self._turn(position, space, planned)
            for position, (space, planned) in enumerate(zip(self._spaces, self._planned, strict=True), 1)
        ]

    def _turn(self, position: int, space: Space, planned: PlannedModel) -> Turn:
        return Turn(
            shop=self.shop,
            job=self.job,
            wishes=self._wishes,
            card=self._cards[space.model],
            space=space,
            planned=planned,
            position=position,
            of=len(self._spaces),
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

    def _close_finished(self, turn: Turn, seconds: float) -> None:
        self._set_model(turn.card.name, ModelState.FINISHED)
        if turn.planned.total:
            self._cut_over(turn.space)
        self._tell_finished(turn.card.name, ModelState.FINISHED, "", seconds, turn.memory_steps)

    def _close_failed(self, model: str, error: str, seconds: float, memory_steps: int = 0) -> None:
        self._set_model(model, ModelState.FAILED, error)
        self._tell_finished(model, ModelState.FAILED, error, seconds, memory_steps)

    def _set_model(self, model: str, state: ModelState, error: str = "") -> None:
        self.shop.catalogue.jobs.set_model(self.job.owner, self.job.id, model, state, error)

    def _tell_finished(
        self, model: str, state: ModelState, error: str, seconds: float, memory_steps: int
    ) -> None:
        job = self.shop.catalogue.jobs.get(self.job.owner, self.job.id)
        counters = next(result.counters for result in job.models if result.model == model)
        self.shop.emit(
            ModelFinished(
                job_id=self.job.id,
                model=model,
                state=state,
                done=counters.done,
                failed=counters.failed,
                skipped=counters.skipped,
                seconds=round(seconds, 3),
                memory_steps=memory_steps,
                error=error,
            )
        )

    def _cut_over(self, space: Space) -> None:
        if not self.shop.catalogue.ledger.counts(space.owner, space.id)["vectors"]:
            return
        shop = self.shop
        current = shop.catalogue.spaces.get(space.owner, space.id)
        stands = cut_over(shop.catalogue, shop.keeping, shop.emit, current, coverage=shop.coverage)
        if stands and self.job.request.clear is Clear.AFTER:
            self._clear(space.model)

    def _clear(self, model: str) -> None:
        for gone in clear_model(self.shop.catalogue, self.shop.keeping, self.job.owner, model):
            self.shop.emit(SpaceCleared(model=model, space=gone.name))

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
        done = max(0, counters.done - self._before.done)
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
