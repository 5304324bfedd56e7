"""What happens in a run, typed once; a bar, JSON lines, a log and later the server render the same events."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

if TYPE_CHECKING:
    from reprise.core.job import Counters


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events. ``name`` is the word that scripts read."""

    name: ClassVar[str] = "event"

    def as_dict(self) -> dict[str, Any]:
        """The event as one flat JSON object; the name comes first under ``event``."""
        return {"event": self.name} | asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanStarted(Event):
    name = "scan_started"
    library: str
    root: str
    library_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanProgress(Event):
    name = "scan_progress"
    files: int
    library_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanFinished(Event):
    name = "scan_finished"
    files: int
    new: int
    changed: int
    retagged: int
    touched: int
    moved: int
    returned: int
    missing: int
    removed: int
    problems: int
    seconds: float
    library_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobQueued(Event):
    """The job waits for a server to run it, or to go on with it."""

    name = "job_queued"
    job_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobAsked(Event):
    """Somebody asked the running job to ``pause`` or ``cancel``."""

    name = "job_asked"
    job_id: str
    control: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted(Event):
    name = "job_started"
    job_id: str
    spec_version: str
    models: tuple[str, ...]
    items: int
    operations: int
    to_do: int
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStarted(Event):
    name = "model_started"
    job_id: str
    model: str
    position: int
    of: int
    total: int
    to_do: int
    workers: int
    coverage: str = "whole track"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelNotice(Event):
    """What a person should know of a model before it runs: its licence, the progress of a download."""

    name = "model_notice"
    job_id: str
    model: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoaded(Event):
    """``placement``: on which device and how it runs, if the model knows."""

    name = "model_loaded"
    job_id: str
    model: str
    seconds: float
    memory_mb: float
    placement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(Event):
    """``eta_seconds`` is ``None`` until the speed is known; ``current`` reads ``[model] Artist - Title``."""

    name = "progress"
    job_id: str
    model: str
    percent: float
    items: int
    operations: Counters
    model_operations: Counters
    current: str
    eta_seconds: float | None
    audio_seconds_per_second: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFailed(Event):
    name = "item_failed"
    job_id: str
    model: str
    item_id: int
    path: str
    code: str
    reason: str
    cure: str
    will_retry: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResized(Event):
    name = "batch_resized"
    job_id: str
    model: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUnloaded(Event):
    name = "model_unloaded"
    job_id: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFinished(Event):
    """``memory_steps`` counts the changes of the batch's size, and of the device, that memory asked for."""

    name = "model_finished"
    job_id: str
    model: str
    state: str
    done: int
    failed: int
    skipped: int
    seconds: float
    memory_steps: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSwitched(Event):
    """Search now answers from ``space``; ``neighbours_kept`` is the mean share of top-10 neighbours kept.

    With a ``dimension`` of 0 it holds no vectors but what was found: ``vectors`` counts the items then.
    """

    name = "space_switched"
    model: str
    space: str
    previous: str | None
    vectors: int
    neighbours_kept: float | None
    dimension: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceCleared(Event):
    name = "space_cleared"
    model: str
    space: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceHeld(Event):
    name = "space_held"
    model: str
    space: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobError(Event):
    """Why a job ends as ``failed``; its last event follows."""

    name = "error"
    job_id: str
    code: str
    message: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished(Event):
    """A job's last event. ``operations["done"]`` counts what this run computed; earlier work is ``skipped``."""

    name = "job_finished"
    job_id: str
    state: str
    spec_version: str
    items: dict[str, int] = field(default_factory=dict)
    operations: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartFinished(Event):
    """One job of several that belong together has ended; ``job_finished`` tells of all of them, and comes last."""

    name = "part_finished"
    job_id: str
    state: str
    spec_version: str
    items: dict[str, int] = field(default_factory=dict)
    operations: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameStarted(Event):
    """``undo``: files get their old names back. ``total``: how many are to be renamed, those that were before left out."""

    name = "rename_started"
    session_id: str
    total: int
    undo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameProgress(Event):
    """One file. ``index`` is its row in the plan; ``result``: moved, failed, back or stuck; ``code`` and ``reason``: why."""

    name = "rename_progress"
    session_id: str
    done: int
    total: int
    percent: float
    current: str
    index: int
    result: str
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameNotice(Event):
    """What a person should know while files are renamed."""

    name = "rename_notice"
    session_id: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RenameFinished(Event):
    """``done`` and ``failed`` count this run, ``state`` is that of the session."""

    name = "rename_finished"
    session_id: str
    state: str
    total: int
    done: int
    failed: int
    seconds: float
    error: str = ""


Emit: TypeAlias = Callable[[Event], None]
