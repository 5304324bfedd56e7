"""The estimate before the start: what would be done, how long it takes, what it costs. Nothing is written."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.job import Clear
from reprise.core.plan import Operation
from reprise.core.space import space_name
from reprise.core.spec import fingerprint
from reprise.engine.encoding import make_encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reprise.core.items import Item
    from reprise.core.plan import PlannedModel, Selection
    from reprise.core.records import Catalogue
    from reprise.core.spec import ModelCard
    from reprise.engine.desk import Effort
    from reprise.engine.encoding import Encoding
    from reprise.engine.model_process import Command

SAMPLES_PER_WORKER = 6
MEASURE_SECONDS = 20.0
LONGEST_MEASURE_SECONDS = 90.0
"""So long a heavy model on a slow machine may take for the two answers that tell its speed."""
BYTES_PER_ROW = 200
"""What a vector costs beside its numbers, in catalogue, ledger and index: keys, digests, page slack."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one model of a job would take. ``seconds`` is ``None`` when nothing could be measured.

    ``measured`` says where the speed comes from: an earlier run here, or a few of the user's own tracks just now.
    ``missing``: weights that are not on the disk yet; without them nothing can be measured.
    """

    model: str
    items: int
    to_do: int
    skipped: int
    failed_before: int
    reasons: dict[str, int]
    audio_seconds: float
    seconds: float | None
    disk_mb: float
    memory_mb: float
    workers: int
    measured: str
    coverage: str
    missing: str


def preview(
    catalogue: Catalogue,
    cards: Sequence[ModelCard],
    selection: Selection,
    clear: Clear,
    alive: Callable[[str], bool],
) -> list[PlannedModel]:
    """What a run would find to do. When it clears, it fills spaces that are not there yet.

    ``alive``: whether somebody runs the job of that id now; what such a job has open is not counted.
    """
    names = [
        (card.name, _space_name(catalogue, selection.owner, card, clear), card.spec.subject) for card in cards
    ]
    return catalogue.ledger.preview(selection, names, alive)


def _space_name(catalogue: Catalogue, owner: str, card: ModelCard, clear: Clear) -> str:
    mark = fingerprint(card.spec)
    space = catalogue.spaces.of_spec(owner, mark)
    if space is None:
        return space_name(card.name, mark)
    return space.name if clear is Clear.NOTHING else ""


def estimate(
    card: ModelCard, planned: PlannedModel, speed: tuple[float, str] | None, workers: int
) -> Estimate:
    """Put a plan and a speed (audio seconds per second, where it comes from) together."""
    return Estimate(
        model=card.name,
        items=planned.total,
        to_do=planned.to_do,
        skipped=planned.skipped,
        failed_before=planned.failed_before,
        reasons=planned.reasons,
        audio_seconds=planned.audio_seconds,
        seconds=planned.audio_seconds / speed[0] if speed else (None if planned.to_do else 0.0),
        disk_mb=planned.to_do * (4 * card.spec.dimension + BYTES_PER_ROW) / 2**20,
        memory_mb=card.memory_with(workers),
        workers=workers,
        measured=speed[1] if speed else "",
        coverage=card.coverage,
        missing=card.missing,
    )


def measure_speed(
    card: ModelCard, command: Command, effort: Effort, items: list[Item]
) -> tuple[float, str] | None:
    """Run the model over a few of the user's own tracks, keep nothing; ``None`` when none of them worked.

    The time counts from the first answer on: loading and warming up are paid once, not for each track.
    """
    encoding = make_encoding(card, command, effort)
    try:
        encoding.start()
        encoding.submit([_operation(item) for item in items])
        return _listen(encoding, effort.workers)
    finally:
        encoding.close()


def _listen(encoding: Encoding, workers: int) -> tuple[float, str] | None:
    """Audio seconds per second between the first answers and the last ones at which all workers were busy.

    A batch of several tracks answers them in one moment: what came in the first moment took its time before it.
    """
    meter: list[tuple[float, list[float]]] = []
    began = time.monotonic()
    while encoding.in_hand and not _enough(time.monotonic() - began, len(meter)):
        heard = [outcome.audio_seconds for outcome in encoding.poll(0.05) if outcome.error is None]
        if heard and (len(encoding.in_hand) >= workers or len(meter) < 2):
            meter.append((time.monotonic(), heard))
    if len(meter) < 2:
        return None
    audio = sum(sum(heard) for _, heard in meter[1:])
    if not audio:  # a model that listens to nothing has no speed
        return None
    tracks = sum(len(heard) for _, heard in meter)
    return audio / (meter[-1][0] - meter[0][0]), f"measured on {tracks} of your tracks just now"


def _enough(seconds: float, moments: int) -> bool:
    return seconds > (MEASURE_SECONDS if moments >= 2 else LONGEST_MEASURE_SECONDS)


def _operation(item: Item) -> Operation:
    state = item.state
    return Operation(item.id, item.path, state.size, state.mtime_ns, None, item.tags.duration, item.label, 1)
