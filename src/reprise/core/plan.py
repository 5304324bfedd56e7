"""What is to be done and why: one selection rule, one list of reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Wanted(StrEnum):
    """Which of the selected operations are computed; the only difference between "missing" and "all"."""

    MISSING = "missing"
    ALL = "all"
    FAILED = "failed"


class Reason(StrEnum):
    """Why an operation is to be done."""

    NEW = "new"
    CHANGED = "changed"
    SPEC_CHANGED = "spec changed"
    FORCED = "forced"
    RETRY = "retry"
    VECTOR_LOST = "vector lost"


class RowState(StrEnum):
    """The state of one ledger row."""

    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    DISMISSED = "dismissed"


def below(folder: bytes) -> tuple[bytes, bytes]:
    """The half-open range of paths that lie below the folder, in byte order."""
    return folder + b"/", folder + b"0"  # "0" follows "/" in ASCII


@dataclass(frozen=True, slots=True)
class Selection:
    """Which items a job or a query speaks of.

    ``folder`` is relative to the library's root (``b""``: all of it). ``since`` keeps items updated at or after
    that time (seconds since the epoch). ``error_code`` keeps failures of one kind. ``video_id``: of this video and what
    is in it.
    """

    owner: str
    library_id: int
    folder: bytes = b""
    wanted: Wanted = Wanted.MISSING
    since: float | None = None
    item_id: int | None = None
    error_code: str | None = None
    video_id: int | None = None

    def path_range(self) -> tuple[bytes, bytes]:
        """The half-open range of relative paths that lie in ``folder``, in byte order."""
        if not self.folder:
            return b"", b"\xff" * 8
        return below(self.folder)


@dataclass(frozen=True, slots=True)
class PlannedModel:
    """What reconciling one model's space found, as counts of operations."""

    total: int
    to_do: int
    skipped: int
    failed_before: int
    reasons: dict[str, int]
    audio_seconds: float


class OpenWork(NamedTuple):
    """Rows of one job and model that are pending or in somebody's hand, and how many seconds all of them last."""

    pending: int
    in_hand: int
    audio_seconds: float


@dataclass(frozen=True, slots=True)
class Operation:
    """One leased ledger row with what a worker needs. ``duration`` in seconds as the tags say, or ``None``.

    With a ``channel`` the model looks at that input: ``text``, or ``file``, relative to the media folder (empty: the
    item's own file); ``digest`` is the input's then.
    """

    item_id: int
    path: bytes
    size: int
    mtime_ns: int
    digest: bytes | None
    duration: float | None
    label: str
    attempts: int
    channel: str = ""
    text: str = ""
    file: bytes = b""
