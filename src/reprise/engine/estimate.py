"""The estimate before the start: what would be done, how long it takes, what it costs. Nothing is written."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.plan import Operation
from reprise.core.space import space_name
from reprise.core.spec import fingerprint
from reprise.engine.encoding import make_encoding

if TYPE_CHECKING:
    from reprise.core.items import Item
    from reprise.core.plan import PlannedModel, Selection
    from reprise.core.records import Catalogue
    from reprise.core.spec import ModelCard
    from reprise.engine.encoding import Effort, Encoding
    from reprise.engine.model_process import Command

SAMPLES_PER_WORKER = 6
MEASURE_SECONDS = 20.0
BYTES_PER_ROW = 200
"""What a vector costs beside its numbers, in catalogue, ledger and index: keys, digests, page slack."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one model of a job would take. ``seconds`` is ``None`` when nothing could be measured.

    ``measured`` says where the speed comes from: an earlier run here, or a few of the user's own tracks just now.
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


def preview(catalogue: Catalogue, cards: list[ModelCard], selection: Selection) -> list[PlannedModel]:
    names = [(card.name, space_name(card.name, fingerprint(card.spec))) for card in cards]
    return catalogue.ledger.preview(selection, names)


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
        memory_mb=float(card.memory_mb * workers),
        workers=workers,
        measured=speed[1] if speed else "",
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
    """Audio seconds per second between the first answer and the last one at which all workers were busy."""
    meter: list[tuple[float, float]] = []
    deadline = time.monotonic() + MEASURE_SECONDS
    while encoding.in_hand and time.monotonic() < deadline:
        for outcome in encoding.poll(0.05):
            if outcome.error is None and (len(encoding.in_hand) >= workers or len(meter) < 2):
                meter.append((time.monotonic(), outcome.audio_seconds))
    if len(meter) < 2 or meter[-1][0] <= meter[0][0]:
        return None
    audio = sum(seconds for _, seconds in meter[1:])
    if not audio:  # a model that listens to nothing has no speed
        return None
    return audio / (meter[-1][0] - meter[0][0]), f"measured on {len(meter)} of your tracks just now"


def _operation(item: Item) -> Operation:
    state = item.state
    return Operation(item.id, item.path, state.size, state.mtime_ns, None, item.tags.duration, item.label, 1)
