"""A slice: some minutes of one model's work on a job. Lease, encode, gate, upsert, commit, again."""

from __future__ import annotations

import math
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from reprise.core.events import BatchResized, ItemFailed, Progress
from reprise.core.gates import ConstantGate, check_vector
from reprise.core.items import display_path
from reprise.core.job import Control, Counters, never
from reprise.core.progress import SpeedMeter
from reprise.core.records import Completed, Failed
from reprise.errors import CanaryFailed, CatalogueAway, ItemError, NothingToSee

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.events import Emit
    from reprise.core.job import Job
    from reprise.core.plan import Operation
    from reprise.core.ports import VectorStore
    from reprise.core.records import Catalogue
    from reprise.core.space import Space
    from reprise.engine.desk import Outcome
    from reprise.engine.encoding import Encoding

T = TypeVar("T")

Committed: TypeAlias = "Callable[[str, int, int], None]"
"""Hears of a commit: the model, operations done, operations that failed for good."""

POLL_SECONDS = 0.1
STEADY_TRIES = 3
CONTROL_SECONDS = 1.0
TAKE_OVER_SECONDS = 5.0
"""How often is looked whether another runner died with rows in hand."""
SLOT_SECONDS = 0.25


def alone() -> int:
    """One process is at work."""
    return 1


def uncounted(_model: str, _done: int, _failed: int) -> None:
    """Nobody counts."""


def steadily(call: Callable[[], T]) -> T:
    """The call's answer, asked for again when the catalogue's server was lost in the middle of it.

    The catalogue itself waits for a server that is away; what is cut off while it is answered ends as an error. To write
    the fate of leased rows twice changes nothing, and rows that were leased for nobody's ears come free in time.
    """
    for _ in range(STEADY_TRIES - 1):
        with suppress(CatalogueAway):
            return call()
    return call()


class SliceEnd(StrEnum):
    """Why a slice stopped."""

    EXHAUSTED = "exhausted"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    GAVE_WAY = "gave way"
    SHARE_DONE = "share done"


@dataclass(frozen=True, slots=True)
class Pace:
    """How often a slice commits, how many times an item is tried, and how long one is in its hand unless renewed.

    A commit is the checkpoint: after ``commit_rows`` results or ``commit_seconds``, whichever comes first.
    ``shared``: leases are renewed as long as their process lives, so that lapsed ones may be taken over.
    """

    commit_rows: int = 1000
    commit_seconds: float = 1.0
    max_attempts: int = 3
    lease_seconds: float = 600.0
    shared: bool = False


@dataclass(slots=True)
class Wishes:
    """What anybody asks of a running job: this process's signals, and other processes by way of the catalogue.

    ``until``: from then on (by ``time.monotonic``) nothing new is begun, for others are to have their turn.
    """

    catalogue: Catalogue
    job: Job
    asked: Callable[[], Control]
    slot_wanted: Callable[[], bool] = never
    until: float = math.inf
    _looked_at: float = 0.0
    _slot_looked_at: float = 0.0
    _end: SliceEnd | None = None

    def end(self) -> SliceEnd | None:
        """Why to stop, if somebody wants that; the catalogue is looked at once a second."""
        if self._end is None:
            control = self.asked()
            now = time.monotonic()
            if control is Control.NONE and now - self._looked_at >= CONTROL_SECONDS:
                self._looked_at = now
                control = steadily(lambda: self.catalogue.jobs.control(self.job.owner, self.job.id))
            self._end = {Control.PAUSE: SliceEnd.PAUSED, Control.CANCEL: SliceEnd.CANCELLED}.get(control)
        return self._end

    @property
    def time_over(self) -> bool:
        return time.monotonic() >= self.until

    def give_way(self) -> SliceEnd | None:
        """Whether a search waits for the device that a heavy model is on; looked at four times a second."""
        now = time.monotonic()
        if now - self._slot_looked_at < SLOT_SECONDS:
            return None
        self._slot_looked_at = now
        return SliceEnd.GAVE_WAY if self.slot_wanted() else None


@dataclass(slots=True)
class Slice:
    """One model at work on one job. ``share``: after so many operations another model has its turn, if not ``None``.

    It may run again after that, with what it knows. ``members``: how many processes are at it now.
    """

    catalogue: Catalogue
    store: VectorStore
    emit: Emit
    wishes: Wishes
    job: Job
    space: Space
    encoding: Encoding
    pace: Pace
    audio_left: float
    counters: Counters
    others: Counters
    heavy: bool = False
    share: int | None = None
    later_seconds: float = 0.0
    members: Callable[[], int] = alone
    committed: Committed = uncounted
    meter: SpeedMeter = field(default_factory=SpeedMeter)
    seconds: float = 0.0
    audio_seconds: float = 0.0
    memory_steps: int = 0
    _buffer: list[Outcome] = field(default_factory=list)
    _gate: ConstantGate = field(default_factory=ConstantGate)
    _committed_at: float = field(default_factory=time.monotonic)
    _dry: bool = False
    _unsure: list[int] = field(default_factory=list)
    _taken: int = 0
    _stock: list[Operation] = field(default_factory=list)
    """Leased, and not at work yet."""
    _ahead: int = 0
    _took_over_at: float = -math.inf

    def run(self) -> SliceEnd:
        """Work until nothing is pending, the share is done, or somebody asks to stop. Leases in hand are given back."""
        self._taken, self._dry, self._stock = 0, False, []
        try:
            return self._loop()
        finally:
            steadily(
                lambda: self.catalogue.ledger.release(
                    self.space.owner, self.job.id, self.space.id, self._leased()
                )
            )

    def _loop(self) -> SliceEnd:
        while True:
            if end := self.wishes.end() or (self.wishes.give_way() if self.heavy else None):
                self._commit()
                return end
            self._feed()
            self._buffer += self.encoding.poll(POLL_SECONDS)
            self._tell_notices()
            drained = self._drained
            if drained or self._due():
                self._commit()
            if drained and not self._share_left:
                return SliceEnd.SHARE_DONE
            if drained and not self._lease():
                return SliceEnd.EXHAUSTED

    @property
    def _drained(self) -> bool:
        """Nothing is at work, and nothing is to be."""
        no_more = not self._share_left or (self._dry and not self._stock)
        return no_more and not self.encoding.in_hand

    @property
    def _share_left(self) -> int:
        """How many more operations may be taken in this share."""
        if self.wishes.time_over:
            return 0
        return sys.maxsize if self.share is None else self.share - self._taken

    def _feed(self) -> None:
        if self._dry or self.encoding.room <= 0 or not self._share_left:
            return
        if len(self._stock) < min(self.encoding.room, self._share_left) and not self._lease():
            self._dry = not self._stock
        if self._stock:
            self._submit()

    def _submit(self) -> None:
        batch = self._stock[: max(1, self.encoding.room)]
        del self._stock[: len(batch)]
        self._taken += len(batch)
        self.encoding.submit(batch)

    def _lease(self) -> bool:
        """Take more work into stock, as much as was committed at once; ``False`` when there is none.

        What failed for now may come back, so ask again at the end. What a dead runner had in hand goes first.
        """
        wanted = min(max(1, self.encoding.room, self._ahead), self._share_left - len(self._stock))
        operations: list[Operation] = []
        if self.pace.shared and time.monotonic() - self._took_over_at >= TAKE_OVER_SECONDS:
            self._took_over_at = time.monotonic()
            operations = self._rows_by(self.catalogue.ledger.take_over, wanted)
        operations = operations or self._rows_by(self.catalogue.ledger.lease, wanted)
        if operations:
            self._dry = False
            self._stock += operations
        return bool(operations)

    def _rows_by(self, take: Callable[..., list[Operation]], wanted: int) -> list[Operation]:
        pace, space = self.pace, self.space
        return steadily(
            lambda: take(space.owner, self.job.id, space.id, wanted, pace.lease_seconds, pace.max_attempts)
        )

    def _due(self) -> bool:
        if not self._buffer:
            return False
        waited = time.monotonic() - self._committed_at
        return len(self._buffer) >= self.pace.commit_rows or waited >= self.pace.commit_seconds

    def _commit(self) -> None:
        """The checkpoint: vectors first, then the ledger. A crash between the two costs this batch once more."""
        self._committed_at = time.monotonic()
        if not self._buffer:
            return
        done, vectors, failed = self._judge()
        empty = [outcome for outcome in self._buffer if isinstance(outcome.error, NothingToSee)]
        if vectors:
            self._upsert([outcome.operation.item_id for outcome in done], vectors)
        if empty and self.space.dimension:
            keys = [outcome.operation.item_id for outcome in empty]
            self.store.delete(self.space.owner, self.space.name, keys)
        completed = [_completed(outcome) for outcome in (*done, *empty)]
        counters = steadily(
            lambda: self.catalogue.ledger.commit(
                self.space.owner, self.job.id, self.space.id, completed, failed, time.time()
            )
        )
        self.committed(self.space.model, len(completed), sum(not row.again for row in failed))
        outcomes, self._buffer = self._buffer, []
        self._ahead = min(len(outcomes), self.pace.commit_rows)
        self._account(outcomes, counters)

    def _judge(self) -> tuple[list[Outcome], list[NDArray[np.float32]], list[Failed]]:
        """Pass each vector through the gate; what does not pass is a failure of its item."""
        done: list[Outcome] = []
        vectors: list[NDArray[np.float32]] = []
        failed: list[Failed] = []
        for outcome in self._buffer:
            try:
                if self.space.dimension:
                    vectors.append(_passed(outcome, self.space.dimension))
                elif outcome.error is not None:
                    raise outcome.error
                done.append(outcome)
            except NothingToSee:
                continue
            except ItemError as error:
                failed.append(self._failure(outcome, error))
        self._check_variety(done, vectors)
        return done, vectors, failed

    def _check_variety(self, done: list[Outcome], vectors: list[NDArray[np.float32]]) -> None:
        """A model that gives one vector to all is found out after some items: what was stored till then goes."""
        if not self.space.dimension:
            return
        try:
            self._gate.check([_digest(outcome) for outcome in done], vectors)
        except CanaryFailed:
            owner, space = self.space.owner, self.space
            self.store.delete(owner, space.name, self._unsure)
            self.catalogue.ledger.retract(owner, self.job.id, space.id, self._unsure, time.time())
            raise
        self._unsure = [] if self._gate.sure else self._unsure + [o.operation.item_id for o in done]

    def _failure(self, outcome: Outcome, error: ItemError) -> Failed:
        operation = outcome.operation
        again = error.retryable and operation.attempts < self.pace.max_attempts
        self.emit(
            ItemFailed(
                job_id=self.job.id,
                model=self.space.model,
                item_id=operation.item_id,
                path=operation.label if operation.channel else display_path(operation.path),
                code=error.code,
                reason=error.message,
                cure=error.cure,
                will_retry=again,
            )
        )
        return Failed(operation.item_id, error.code, error.message, again, outcome.state)

    def _upsert(self, keys: list[int], vectors: list[NDArray[np.float32]]) -> None:
        import numpy as np

        self.store.upsert(self.space.owner, self.space.name, keys, np.stack(vectors))

    def _account(self, outcomes: list[Outcome], counters: Counters) -> None:
        """Speed, time left and the event, all from what has just been committed."""
        listened = sum(outcome.audio_seconds for outcome in outcomes)
        self.seconds += sum(outcome.seconds for outcome in outcomes)
        self.audio_seconds += listened
        members = self.members()  # what one does in a while, each of the others does, too
        lasted = sum(outcome.operation.duration or 0.0 for outcome in outcomes)
        self.audio_left = max(0.0, self.audio_left - members * lasted)
        self.meter.observe(time.monotonic(), members * listened)
        self.counters = counters
        self.emit(self._progress(outcomes[-1]))

    def _progress(self, latest: Outcome) -> Progress:
        operations = self.others + self.counters
        percent = steadily(
            lambda: self.catalogue.jobs.set_percent(self.space.owner, self.job.id, operations.percent)
        )
        left = self.meter.seconds_left(self.audio_left)
        return Progress(
            job_id=self.job.id,
            model=self.space.model,
            percent=round(percent, 2),
            items=self.job.items,
            operations=operations,
            model_operations=self.counters,
            current=f"[{self.space.model}] {latest.operation.label}",
            eta_seconds=None if left is None else left + self.later_seconds,
            audio_seconds_per_second=self.meter.audio_seconds_per_second,
        )

    def _tell_notices(self) -> None:
        for notice in self.encoding.notices():
            self.memory_steps += 1
            self.emit(BatchResized(job_id=self.job.id, model=self.space.model, reason=notice))

    def _leased(self) -> list[int]:
        stock = [operation.item_id for operation in self._stock]
        return stock + self.encoding.in_hand + [outcome.operation.item_id for outcome in self._buffer]


def _passed(outcome: Outcome, dimension: int) -> NDArray[np.float32]:
    if outcome.error is not None:
        raise outcome.error
    if outcome.vector is None:
        raise ItemError("the model process gave neither a vector nor a reason")
    return check_vector(outcome.vector, dimension)


def _digest(outcome: Outcome) -> bytes:
    digest = outcome.state.digest if outcome.state else None
    return digest or outcome.operation.item_id.to_bytes(8, "big")


def _completed(outcome: Outcome) -> Completed:
    operation, state = outcome.operation, outcome.state
    if state is None:
        raise ValueError(f"item {operation.item_id} has a vector but nobody knows of which content")
    known = (operation.size, operation.mtime_ns, operation.digest)
    learned = known != (state.size, state.mtime_ns, state.digest)
    empty = outcome.error is not None
    return Completed(operation.item_id, state, learned, outcome.analysis, outcome.told, empty)
