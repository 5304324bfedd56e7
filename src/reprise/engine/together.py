"""Models of one sample rate that are loaded together, so that each track is decoded once for all of them.

They take turns over the same few tracks: the first decodes into a spool, the others read from it. One after the
other is the default; this is for machines with memory for several.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.core.spec import TRACKS, Execution
from reprise.engine.slices import SliceEnd
from reprise.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reprise.core.spec import ModelCard
    from reprise.engine.encoding import Encoding
    from reprise.engine.turn import Turn

SHARE = 16
"""Tracks that one model works on before the next one's turn; as many are in the spool."""


def groups(cards: Iterable[ModelCard], memory_mb: float) -> Iterator[list[ModelCard]]:
    """Consecutive heavy models that decode alike and fit into ``memory_mb`` together; every other one alone."""
    group: list[ModelCard] = []
    for card in cards:
        if group and not _fits(group, card, memory_mb):
            yield group
            group = []
        group.append(card)
    if group:
        yield group


def _fits(group: Sequence[ModelCard], card: ModelCard, memory_mb: float) -> bool:
    together = [*group, card]
    alone = any(_runs_alone(member) for member in together)
    return not alone and _sound(group[0]) == _sound(card) and sum(c.memory_mb for c in together) <= memory_mb


def _runs_alone(card: ModelCard) -> bool:
    """Light models have the machine for themselves; what hears nothing has nothing to share."""
    return card.execution in {Execution.PER_CORE, Execution.DIRECT} or card.spec.subject != TRACKS


def _sound(card: ModelCard) -> tuple[int, str, str]:
    return card.spec.sample_rate, card.spec.mono, card.spec.resampler


@dataclass(slots=True)
class Together:
    """The turns of one group. ``errors`` holds what ended a model, by its name."""

    turns: list[Turn]
    errors: dict[str, str] = field(default_factory=dict)
    exhausted: list[Turn] = field(default_factory=list)

    def run(self) -> SliceEnd:
        """Work until nothing is left for any of them or somebody wants to stop; one model's failure is its own."""
        for turn in self.turns:
            turn.announce()
        slot, wishes = self.turns[0].shop.slot, self.turns[0].wishes
        end = SliceEnd.GAVE_WAY
        while end is SliceEnd.GAVE_WAY:
            with slot.held(wishes.end) as ours:
                end = self._all_loaded() if ours else (wishes.end() or SliceEnd.PAUSED)
        return end

    def _all_loaded(self) -> SliceEnd:
        with tempfile.TemporaryDirectory(prefix="reprise-spool-") as spool, ExitStack() as processes:
            working: list[tuple[Turn, ExitStack, Encoding]] = []
            for turn in self._open:
                turn.spool = spool
                own = processes.enter_context(ExitStack())  # a model that has ended is unloaded at once
                try:
                    working.append((turn, own, own.enter_context(turn.loaded())))
                except ModelError as error:
                    self.errors[turn.card.name] = error.message
            while working:
                for member in list(working):
                    end = self._share(*member)
                    if end is SliceEnd.EXHAUSTED:
                        working.remove(member)
                    elif end is not SliceEnd.SHARE_DONE:
                        return end
                _empty(spool)
        return SliceEnd.EXHAUSTED

    @property
    def _open(self) -> list[Turn]:
        ended = {turn.card.name for turn in self.exhausted} | set(self.errors)
        return [turn for turn in self.turns if turn.card.name not in ended]

    def _share(self, turn: Turn, own: ExitStack, encoding: Encoding) -> SliceEnd:
        """One model's share of a round; for a model that fails, the round is over for good."""
        end = SliceEnd.EXHAUSTED
        try:
            end = turn.wishes.end() or turn.work(encoding, SHARE)
        except ModelError as error:
            self.errors[turn.card.name] = error.message
        if end is SliceEnd.EXHAUSTED:
            self.exhausted.append(turn)
            own.close()
        return end


def _empty(spool: str) -> None:
    for file in Path(spool).iterdir():
        file.unlink(missing_ok=True)
