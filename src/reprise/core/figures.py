"""Figures over all owners, for who runs the installation: what is under way, and how much there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class ModelTotals:
    """Operations of one model over all jobs. ``seconds`` of work, ``audio_seconds`` of sound heard in them."""

    model: str
    done: int
    skipped: int
    failed: int
    seconds: float
    audio_seconds: float


@dataclass(frozen=True, slots=True)
class SpaceTotals:
    """One space with its vectors, those of missing items included."""

    owner: str
    space: str
    model: str
    state: str
    vectors: int


class Figures(Protocol):
    """Read only."""

    def active_jobs(self) -> list[tuple[str, str]]:
        """Owner and id of the jobs that have not ended, the oldest first."""

    def jobs_by_state(self) -> dict[str, int]: ...

    def operations(self) -> list[ModelTotals]: ...

    def items(self) -> tuple[int, int]:
        """Present and missing tracks."""

    def video_items(self) -> dict[str, int]:
        """How many videos, scenes, frames, persons and photos are there, by kind. Reads all items."""

    def spaces(self) -> list[SpaceTotals]:
        """All but the dropped ones. Reads the whole ledger: a second for some million rows."""

    def feed_rows(self) -> int: ...
