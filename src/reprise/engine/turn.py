"""One model's turn in a job: take the device, load, work, unload, whatever happens."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from reprise.core.events import ModelLoaded, ModelStarted, ModelUnloaded
from reprise.core.job import Counters, ModelState
from reprise.core.records import Speed
from reprise.core.spec import Execution
from reprise.engine.direct import DirectEncoding
from reprise.engine.encoding import make_encoding
from reprise.engine.slices import Slice, SliceEnd, alone
from reprise.errors import ModelLoadFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from reprise.core.job import Job
    from reprise.core.plan import PlannedModel
    from reprise.core.space import Space
    from reprise.core.spec import ModelCard
    from reprise.engine.desk import Effort
    from reprise.engine.encoding import Encoding
    from reprise.engine.job_work import Workshop
    from reprise.engine.messages import Ready
    from reprise.engine.slices import Wishes

SPEED_FROM_SECONDS = 5.0
"""A shorter run says nothing of a model's speed."""


class DeviceSlot(Protocol):
    """The one place on a device for a heavy model, whatever process asks for it. Searches go first."""

    def wanted(self) -> bool:
        """Whether a search waits for the slot that a job holds."""

    def held(self, stop: Callable[[], object]) -> AbstractContextManager[bool]:
        """Enter with ``True`` when the slot is ours, with ``False`` when ``stop`` said so before it became free."""


@dataclass(slots=True)
class Turn:
    """``position`` of ``of`` models; ``later_seconds`` is what the models after this one will take, if known.

    ``spool``: a folder for decoded sound that other models loaded with this one need as well. ``members``: how many
    processes are at the job now.
    """

    shop: Workshop
    job: Job
    wishes: Wishes
    card: ModelCard
    space: Space
    planned: PlannedModel
    position: int
    of: int
    later_seconds: float
    spool: str = ""
    members: Callable[[], int] = alone
    _slice: Slice | None = None

    @property
    def heavy(self) -> bool:
        return self.card.execution not in {Execution.PER_CORE, Execution.DIRECT}

    @property
    def memory_steps(self) -> int:
        return self._slice.memory_steps if self._slice else 0

    def run(self) -> SliceEnd:
        """Work until nothing is left or somebody wants to stop. Raises ``ModelError`` kinds.

        A heavy model gives way to a search that waits for the device, and comes back after it.
        """
        self.announce()
        return self.join()

    def join(self) -> SliceEnd:
        """The same for a turn that is announced."""
        end = SliceEnd.GAVE_WAY
        while end is SliceEnd.GAVE_WAY:
            with self._place() as ours:
                end = self._load_and_work() if ours else (self.wishes.end() or SliceEnd.PAUSED)
        return end

    def announce(self) -> None:
        self.shop.catalogue.jobs.set_model(self.job.owner, self.job.id, self.card.name, ModelState.RUNNING)
        self.shop.emit(self._started())

    @contextmanager
    def loaded(self) -> Iterator[Encoding]:
        """Load, and unload whatever happens: the model's processes end here. Raises ``ModelError`` kinds.

        Loading ends early when there is a wish to stop.
        """
        encoding = self._encoding()
        try:
            ready = encoding.start(self.wishes.end)
            if not self.wishes.end():
                self.shop.emit(self._loaded(ready))
            yield encoding
        finally:
            encoding.close()
            self.shop.emit(ModelUnloaded(job_id=self.job.id, model=self.card.name))

    def _encoding(self) -> Encoding:
        if self.card.execution is not Execution.DIRECT:
            return make_encoding(self.card, self.shop.command(self.card.name, self.spool), self._effort)
        step = self.shop.keeping.step(self.card.name)
        if step is None:
            raise ModelLoadFailed(
                f"the card of {self.card.name} says direct, but it is no DirectStep: see docs/models.md"
            )
        return DirectEncoding(step, self.space)

    def work(self, encoding: Encoding, share: int | None = None) -> SliceEnd:
        """One slice, or another share of it."""
        slice_ = self._renewed_slice(encoding, share)
        busy, audio, began = slice_.seconds, slice_.audio_seconds, time.monotonic()
        try:
            return slice_.run()
        finally:
            self.shop.catalogue.jobs.add_time(
                self.job.owner,
                self.job.id,
                self.card.name,
                slice_.seconds - busy,
                slice_.audio_seconds - audio,
            )
            self._remember_speed(slice_, time.monotonic() - began)

    def _place(self) -> AbstractContextManager[bool]:
        return self.shop.slot.held(self.wishes.end) if self.heavy else nullcontext(enter_result=True)

    def _load_and_work(self) -> SliceEnd:
        with self.loaded() as encoding:
            return self.wishes.end() or self.work(encoding)

    @property
    def _effort(self) -> Effort:
        return self.shop.effort(self.card, self.job.request.selection.library_id)

    def _renewed_slice(self, encoding: Encoding, share: int | None) -> Slice:
        """A slice goes on with what it knows of its vectors and of the time left; counters are read anew."""
        job = self.shop.catalogue.jobs.get(self.job.owner, self.job.id)
        own = next(result.counters for result in job.models if result.model == self.card.name)
        others = sum((result.counters for result in job.models if result.model != self.card.name), Counters())
        if self._slice is not None:
            self._slice = replace(self._slice, encoding=encoding, others=others, share=share)
            return self._slice
        self._slice = Slice(
            catalogue=self.shop.catalogue,
            store=self.shop.store,
            emit=self.shop.emit,
            wishes=self.wishes,
            job=job,
            space=self.space,
            encoding=encoding,
            pace=self.shop.pace,
            audio_left=self.planned.audio_seconds,
            counters=own,
            others=others,
            heavy=self.heavy,
            share=share,
            later_seconds=self.later_seconds,
            members=self.members,
            committed=self.shop.committed,
        )
        return self._slice

    def _remember_speed(self, slice_: Slice, seconds: float) -> None:
        audio = slice_.meter.audio_seconds_per_second
        if seconds < SPEED_FROM_SECONDS or audio is None or slice_.share is not None:
            return
        speed = Speed(audio, slice_.counters.finished / seconds)
        self.shop.catalogue.speeds.put(self.space.fingerprint, self.shop.machine, speed, time.time())

    def _started(self) -> ModelStarted:
        return ModelStarted(
            job_id=self.job.id,
            model=self.card.name,
            position=self.position,
            of=self.of,
            total=self.planned.total,
            to_do=self.planned.to_do,
            workers=self._effort.workers,
            coverage=self.card.coverage,
        )

    def _loaded(self, ready: Ready) -> ModelLoaded:
        return ModelLoaded(
            job_id=self.job.id,
            model=self.card.name,
            seconds=ready.seconds,
            memory_mb=round(ready.memory_mb, 1),
            placement=ready.placement,
        )
