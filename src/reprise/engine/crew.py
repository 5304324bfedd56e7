"""One process's share of a job that several work on: join it, work for a while, leave; whoever leaves last ends it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from reprise.core.events import ModelNotice
from reprise.core.job import Control, Counters, JobState, ModelState
from reprise.core.plan import PlannedModel
from reprise.core.spec import TRACKS, fingerprint
from reprise.engine.job_work import JobWork
from reprise.engine.scan import ScanStopped
from reprise.engine.slices import SliceEnd
from reprise.engine.start import job_lock
from reprise.errors import BrokerAway, CatalogueAway, ModelError, RepriseError, SpecConflict, StoreAway

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from reprise.core.events import JobFinished
    from reprise.core.job import ModelResult
    from reprise.core.space import Space
    from reprise.engine.turn import Turn

LOOK_SECONDS = 0.5
"""How often is looked whether what others have in hand is done, or free again."""
COUNT_SECONDS = 5.0
PATIENCE_SECONDS = 5.0
"""How long is waited for what others have in hand before other jobs are looked at; whoever goes on calls for help."""

_AWAY = (CatalogueAway, StoreAway, BrokerAway)


class ShareEnd(StrEnum):
    """Why a process has left a job.

    ``MORE``: its time is over and there is more to do. ``NOTHING``: others have what is left in hand. ``ENDED``: the
    job has. ``STOPPED``: it was paused or cancelled. ``AWAY``: a server that it needs does not answer. ``UNABLE``: this
    process cannot do what the job asks, another may.
    """

    MORE = "more"
    NOTHING = "nothing"
    ENDED = "ended"
    STOPPED = "stopped"
    AWAY = "away"
    UNABLE = "unable"


class Presence(Protocol):
    """Locks that several may hold together; they lapse some seconds after the death of their process."""

    def share(self, name: str) -> AbstractContextManager[bool]:
        """Enter with ``True`` when the lock is held now by this process, maybe with others."""

    def try_lock(self, name: str) -> AbstractContextManager[bool]:
        """Enter with ``True`` when the lock is this process's alone."""

    def count(self, name: str) -> int:
        """How many processes hold it."""


@dataclass(slots=True, kw_only=True)
class CrewMember(JobWork):
    """Works on a job until ``until`` (by ``time.monotonic``), beside any number of others.

    Rows are leased, so that each is one process's; model follows model, and none begins before the last row of the one
    before it is done. What is to happen once (to scan and plan, to begin and to end a model, to end the job) is done by
    whoever holds the job's *desk* then, and found done by the others.
    """

    presence: Presence
    until: float
    _members: int = 1
    _counted_at: float = 0.0
    _idle_since: float = 0.0

    def __post_init__(self) -> None:
        JobWork.__post_init__(self)
        self._before = Counters()  # what the job did before is told by whoever ends it as done by all
        self._wishes.until = self.until

    def run(self) -> ShareEnd:
        """Join, work, leave. What goes wrong with the job as a whole ends it as ``failed``, in order."""
        try:
            with self.presence.share(job_lock(self.job)) as there:
                end = self._take_part() if there else ShareEnd.NOTHING
            if end in {ShareEnd.STOPPED, ShareEnd.ENDED}:
                end = self._last_word(end)
        except _AWAY:
            return ShareEnd.AWAY
        except SpecConflict as error:
            self.shop.emit(ModelNotice(job_id=self.job.id, model="", text=f"{error.message}; {error.cure}"))
            return ShareEnd.UNABLE
        except RepriseError as error:
            self._fail(error)
            return ShareEnd.ENDED
        return end

    def _take_part(self) -> ShareEnd:
        if (end := self._prepare()) is not None:
            return end
        for turn in self._turns():
            turn.members = self._count
            if (end := self._work_through(turn)) is not None:
                return end
        return ShareEnd.ENDED

    def _prepare(self) -> ShareEnd | None:
        """The job is planned, by this process or by another one, and this one knows its spaces."""
        while True:
            self._look()
            if self.job.state.ended:
                return ShareEnd.ENDED
            if self._wishes.end():
                return ShareEnd.STOPPED
            if self._is_planned:
                return self._join()
            with self.presence.try_lock(self._desk) as ours:
                if ours and not self._is_planned_now():
                    return self._begin()
            if self._wishes.time_over:
                return ShareEnd.MORE
            time.sleep(LOOK_SECONDS)

    @property
    def _desk(self) -> str:
        return f"desk-{self.job.id}"

    @property
    def _is_planned(self) -> bool:
        return self.job.planned and self.job.state is JobState.RUNNING

    def _is_planned_now(self) -> bool:
        """Looked at anew: somebody may have planned and left the desk a moment ago."""
        self._look()
        return self._is_planned

    def _look(self) -> None:
        self.job = self.shop.catalogue.jobs.get(self.job.owner, self.job.id)

    def _begin(self) -> ShareEnd | None:
        self.resumed = self.job.planned
        try:
            self.scan(self._wishes.end)
        except ScanStopped:
            return ShareEnd.STOPPED
        self._plan()
        self._before = Counters()
        jobs = self.shop.catalogue.jobs
        jobs.set_state(self.job.owner, self.job.id, JobState.RUNNING, time.time())
        self._look()
        return None

    def _join(self) -> ShareEnd | None:
        """Raises ``SpecConflict`` when this process's models are not those of the job's spaces."""
        unready = self._ready_models()
        for result in self.job.models:
            if result.model in unready or result.space_id is None:
                continue
            space = self.shop.catalogue.spaces.get(self.job.owner, result.space_id)
            self._refuse_another(space)
            self._spaces.append(space)
            self._planned.append(self._left_of(result, space))
        return None

    def _refuse_another(self, space: Space) -> None:
        ours = fingerprint(self._cards[space.model].spec)
        if ours != space.fingerprint:
            raise SpecConflict(
                f"{space.model} is here of the spec {ours[:12]}, job {self.job.id} of pipeline"
                f" {self.job.spec_version} fills {space.name}"
            )

    def _left_of(self, result: ModelResult, space: Space) -> PlannedModel:
        left = self.shop.catalogue.ledger.open_work(self.job.owner, self.job.id, space.id)
        total, to_do = result.counters.total, left.pending + left.in_hand
        return PlannedModel(
            total, to_do, result.counters.skipped, result.counters.failed, {}, left.audio_seconds
        )

    def _work_through(self, turn: Turn) -> ShareEnd | None:
        """Until the model is finished, whoever does it; ``None`` when the next one may begin."""
        while True:
            state = self._state_of(turn)
            if state in {ModelState.FINISHED, ModelState.FAILED}:
                return None
            if self._wishes.end():
                return ShareEnd.STOPPED
            end = self._open(turn) if state is ModelState.WAITING else self._go_on(turn)
            if end is not None:
                return end

    def _state_of(self, turn: Turn) -> ModelState:
        self._look()
        return next(result.state for result in self.job.models if result.model == turn.card.name)

    def _open(self, turn: Turn) -> ShareEnd | None:
        """Its rows are planned once more where the models before it made them what they are; then it is announced."""
        with self.presence.try_lock(self._desk) as ours:
            if ours and self._state_of(turn) is ModelState.WAITING:
                if turn.card.spec.subject != TRACKS:
                    self._plan_again(turn)
                turn.announce()
                return None
        return self._wait()

    def _go_on(self, turn: Turn) -> ShareEnd | None:
        ledger = self.shop.catalogue.ledger
        rows = (self.job.owner, self.job.id, turn.space.id)
        # The cheap look comes first; the whole one counts again, for another may have given rows back in between.
        if ledger.waiting(*rows, 1) or (left := ledger.open_work(*rows)).pending:
            return ShareEnd.MORE if self._wishes.time_over else self._slice(turn)
        if self._wishes.time_over:
            return ShareEnd.NOTHING if left.in_hand else ShareEnd.MORE
        if not left.in_hand:
            return self._end_of(turn, "")
        if ledger.reclaim(self.job.owner, self.job.id):
            return None
        return self._wait_for_others()

    def _wait_for_others(self) -> ShareEnd | None:
        """The last one there stays: nobody else would take up what a dead one had in hand as soon as it may."""
        now = time.monotonic()
        self._idle_since = self._idle_since or now
        if now - self._idle_since > PATIENCE_SECONDS and self._count() > 1:
            return ShareEnd.NOTHING
        return self._wait()

    def _slice(self, turn: Turn) -> ShareEnd | None:
        self._idle_since = 0.0
        try:
            end = turn.join()
        except ModelError as error:
            if self._count() > 1:  # others may have what it needs, and the last one says what is wrong
                self._tell(turn.card.name, f"not here: {error.message}")
                return ShareEnd.UNABLE
            return self._end_of(turn, error.message)
        if end is SliceEnd.SHARE_DONE:
            return ShareEnd.MORE
        # What is pending all the same waits until nobody has anything else in hand: it cost runners.
        return ShareEnd.STOPPED if end in {SliceEnd.PAUSED, SliceEnd.CANCELLED} else self._wait()

    def _end_of(self, turn: Turn, error: str) -> ShareEnd | None:
        """One of the processes does it: the gates of the cutover, and the pointer."""
        with self.presence.try_lock(self._desk) as ours:
            if ours and self._state_of(turn) is ModelState.RUNNING:
                self._close(turn, SliceEnd.EXHAUSTED, error, time.monotonic() - self._began)
                return None
        return self._wait()

    def _wait(self) -> ShareEnd | None:
        if self._wishes.time_over:
            return ShareEnd.NOTHING
        time.sleep(LOOK_SECONDS)
        return None

    def _count(self) -> int:
        """How many are at the job; asked every few seconds."""
        now = time.monotonic()
        if now - self._counted_at >= COUNT_SECONDS:
            self._counted_at = now
            self._members = max(1, self.presence.count(job_lock(self.job)))
        return self._members

    def _last_word(self, end: ShareEnd) -> ShareEnd:
        """The last one to leave writes the job's state; whoever still works will be that one."""
        control = self.shop.catalogue.jobs.control(self.job.owner, self.job.id)
        if end is ShareEnd.STOPPED and control is Control.NONE:
            return ShareEnd.MORE  # only this process is to stop
        with self.presence.try_lock(job_lock(self.job)) as last:
            self._look()
            if last and not self.job.state.ended:
                self._finish_all(end, control)
        return end

    def _finish_all(self, end: ShareEnd, control: Control) -> JobFinished:
        if end is ShareEnd.ENDED:
            return self._finish(self._verdict())
        return self._finish(JobState.PAUSED if control is Control.PAUSE else JobState.CANCELLED)
