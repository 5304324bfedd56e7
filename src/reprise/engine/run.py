"""One job from its start to its end in one process: plan, then model after model, then an honest final state."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.job import JobState
from reprise.core.spec import TRACKS
from reprise.engine.job_work import JobWork
from reprise.engine.scan import ScanStopped
from reprise.engine.slices import SliceEnd
from reprise.engine.together import Together, groups
from reprise.errors import ModelError, RepriseError, system_error

if TYPE_CHECKING:
    from reprise.core.events import JobFinished
    from reprise.engine.turn import Turn


@dataclass(slots=True)
class Run(JobWork):
    """Runs one job in this process alone. Whoever calls holds the job's lock."""

    _worked: bool = False

    def run(self) -> JobFinished:
        """Returns the job's last event. What goes wrong beyond one model ends the job as ``failed``, in order."""
        try:
            end = self._all()
        except RepriseError as error:
            return self._fail(error)
        except (OSError, MemoryError) as error:
            return self._fail(system_error(error))
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

    def _all_models(self) -> SliceEnd:
        turns = self._turns()
        for group in groups((turn.card for turn in turns), self.shop.together_mb):
            names = {card.name for card in group}
            end = self._group([turn for turn in turns if turn.card.name in names])
            if end is not SliceEnd.EXHAUSTED:
                return end
        return SliceEnd.EXHAUSTED

    def _group(self, turns: list[Turn]) -> SliceEnd:
        if sum(turn.planned.to_do > 0 for turn in turns) > 1:
            return self._several(turns)
        for turn in turns:
            end = self._one(turn)
            if end is not SliceEnd.EXHAUSTED:
                return end
        return SliceEnd.EXHAUSTED

    def _one(self, turn: Turn) -> SliceEnd:
        """One model's failure is its own: the next one runs."""
        began = time.monotonic()
        end, error = SliceEnd.EXHAUSTED, ""
        if self._worked and turn.card.spec.subject != TRACKS:
            self._plan_again(turn)
        if turn.planned.to_do:
            self._worked = True
            try:
                end = turn.run()
            except ModelError as failure:
                error = failure.message
        self._close(turn, end, error, time.monotonic() - began)
        return end

    def _several(self, turns: list[Turn]) -> SliceEnd:
        began = time.monotonic()
        together = Together([turn for turn in turns if turn.planned.to_do])
        end = together.run()
        for turn in turns:
            self._close(turn, end, together.errors.get(turn.card.name, ""), time.monotonic() - began)
        return end
