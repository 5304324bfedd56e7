"""Jobs: a request, its states, its counters."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from reprise.core.pipeline import EXTRACTION
from reprise.core.spec import PIPELINE_VERSION

if TYPE_CHECKING:
    from reprise.core.items import LibraryKind
    from reprise.core.plan import Selection


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    COMPLETED_WITH_ERRORS = "completed_with_errors"
    CANCELLED = "cancelled"
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in ENDED


ENDED = frozenset({JobState.COMPLETED, JobState.COMPLETED_WITH_ERRORS, JobState.CANCELLED, JobState.FAILED})


class Control(StrEnum):
    """What somebody asked of a running job."""

    NONE = "none"
    PAUSE = "pause"
    CANCEL = "cancel"


def never() -> bool:
    """Nobody wishes to stop."""
    return False


class ModelState(StrEnum):
    """How far one model of a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"


class Clear(StrEnum):
    """What becomes of a model's vectors that are there already.

    ``NOTHING``: they stay, and only what is stale is computed. ``AFTER``: all is computed anew in a fresh space, and
    the old ones go when it has taken over. ``FIRST``: they go before anything is computed.
    """

    NOTHING = "nothing"
    AFTER = "after"
    FIRST = "first"


class Purpose(StrEnum):
    """Why a job is there. Those of another purpose run beside what somebody asked for, in a queue of their own.

    ``ARRIVALS``: a scan found something new. ``REPROCESSING``: embeddings are brought up to the pipeline of today.
    """

    ASKED = "asked"
    ARRIVALS = "arrivals"
    REPROCESSING = "reprocessing"


class Priority(IntEnum):
    """Which waiting job a server runs first; the higher goes first."""

    BACKFILL = 10
    SCAN = 50
    INTERACTIVE = 100


@dataclass(frozen=True, slots=True)
class JobRequest:
    """What was asked for: the selection and the models, in the order in which they run.

    ``batch_size``: windows (or items) that a heavy model encodes at once, at most; 0: as the settings say.
    ``spec_version``: the version of the pipeline that was asked for. ``run``: the reprocessing that it is part of.
    """

    selection: Selection
    models: tuple[str, ...]
    clear: Clear = Clear.NOTHING
    purpose: Purpose = Purpose.ASKED
    batch_size: int = 0
    spec_version: str = PIPELINE_VERSION
    run: str = ""

    @property
    def work_key(self) -> str:
        """Equal for two starts that would touch the same work: only one of them may be under way."""
        whole = f"{self.selection.owner}/{self.selection.library_id}"
        return whole if self.purpose is Purpose.ASKED else f"{whole}/{self.purpose}"

    @property
    def just_came(self) -> bool:
        """Whether it is about a few files that came a moment ago, not about a whole library."""
        return self.purpose is Purpose.ARRIVALS and self.selection.since is not None

    def scans(self, kind: LibraryKind) -> bool:
        """Whether the folder of a library of that kind is looked at first.

        What works on what was taken out of videos, or was given, needs no folder; what arrived was just found by a scan.
        """
        if self.purpose is not Purpose.ASKED:
            return False
        return kind == "folder" or (kind == "video" and EXTRACTION[0] in self.models)

    @property
    def same_work(self) -> str:
        """Equal for two requests that ask for the same, so that a paused job is resumed by its own command."""
        selection = self.selection
        scope = [
            selection.folder.hex(),
            selection.since,
            selection.item_id,
            selection.error_code,
            selection.video_id,
        ]
        facts = [*scope, selection.wanted, self.clear, *self.models]
        if self.spec_version != PIPELINE_VERSION:
            facts.append(self.spec_version)
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Counters:
    """Operations by fate. ``total = done + skipped + failed + what is left``."""

    total: int = 0
    done: int = 0
    skipped: int = 0
    failed: int = 0

    @property
    def finished(self) -> int:
        return self.done + self.skipped + self.failed

    @property
    def left(self) -> int:
        return max(0, self.total - self.finished)

    @property
    def percent(self) -> float:
        """Finished operations of all operations, 0 to 100; 100 when there is nothing to do."""
        return 100.0 * self.finished / self.total if self.total else 100.0

    def __add__(self, other: Counters) -> Counters:
        return Counters(
            self.total + other.total,
            self.done + other.done,
            self.skipped + other.skipped,
            self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True)
class ModelResult:
    """One model's part of a job. ``seconds`` is busy time, ``audio_seconds`` what was listened to in it."""

    model: str
    position: int
    state: ModelState
    counters: Counters
    space_id: int | None = None
    error: str = ""
    seconds: float = 0.0
    audio_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Hosting:
    """How a server is to run a job: how soon, and for whom (a person's name, or what started it by itself)."""

    priority: Priority
    asked_by: str


@dataclass(frozen=True, slots=True)
class Job:
    """A request turned into ledger rows, with its counters. Times in seconds since the epoch.

    ``queued_at``: since when a server is to run it, at once or again; ``None``: it is for whoever starts it by hand.
    ``served_at``: when a worker last came for it.
    """

    id: str
    request: JobRequest
    state: JobState
    control: Control
    spec_version: str
    items: int
    percent: float
    created_at: float
    started_at: float | None
    finished_at: float | None
    planned: bool
    error: str
    models: tuple[ModelResult, ...]
    queued_at: float | None = None
    priority: int = Priority.BACKFILL
    asked_by: str = ""
    served_at: float = 0.0

    @property
    def owner(self) -> str:
        return self.request.selection.owner

    @property
    def standing(self) -> JobState:
        """Its state; a job that paused because its server stopped is queued: a server goes on with it."""
        waits = self.state is JobState.PAUSED and self.queued_at is not None
        return JobState.QUEUED if waits else self.state

    @property
    def counters(self) -> Counters:
        return sum((result.counters for result in self.models), Counters())
