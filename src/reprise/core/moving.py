"""Moving an installation: what is copied comes in parts, each copied in the order of its keys, counted and summed."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from reprise.core.events import Event

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

Key: TypeAlias = "tuple[Any, ...]"
"""What a row is found by: whole numbers, texts, bytes. Texts compare by their code points, as UTF-8 does by bytes."""

SUM_BITS = 128


class Sum:
    """How many rows there are, and a sum over them that does not depend on their order.

    The sum of BLAKE2b digests (16 bytes, read as numbers) of all rows, modulo 2^128: the additive form of a multiset
    hash, after Bellare and Micciancio, "A new paradigm for collision-free hashing" (1997).
    """

    def __init__(self) -> None:
        self.rows = 0
        self._total = 0

    def add(self, blobs: Iterable[bytes]) -> None:
        """``blobs``: what each row says, its key included, in a form that both sides write alike."""
        size, whole = SUM_BITS // 8, int.from_bytes
        digests = [whole(blake2b(blob, digest_size=size).digest(), "little") for blob in blobs]
        self.rows += len(digests)
        self._total = (self._total + sum(digests)) % (1 << SUM_BITS)

    @property
    def text(self) -> str:
        return f"{self._total:032x}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and (self.rows, self.text) == (other.rows, other.text)

    def __hash__(self) -> int:
        return hash((self.rows, self.text))


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows of a part. ``blobs``: what is summed of each, in the order of ``keys``; ``rows``: what is written."""

    keys: Sequence[Key]
    blobs: Sequence[bytes]
    rows: Any

    def __len__(self) -> int:
        return len(self.keys)


class Part(Protocol):
    """One table, the vectors or the words of one space, or the pictures."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int:
        """How many rows the source has of it."""

    @property
    def weight(self) -> int:
        """About how many bytes all of it has: what a percentage goes by."""

    def read(self) -> Iterator[Page]:
        """All rows of the source in the order of their keys."""

    def read_back(self, *, ordered: bool = False) -> Iterator[Page]:
        """All rows of the target; their ``rows`` are empty."""

    def begin(self, mark: Key | None) -> None:
        """Make ready to write behind ``mark``; ``None``: what an earlier life of the part left goes away."""

    def write(self, page: Page, after: int) -> None:
        """Write the rows of the page from the place ``after`` on, and note how far the part is."""

    def finish(self) -> None:
        """Called once when all of it is written and found equal: what makes the target quick."""


class Marks(Protocol):
    """How far the parts are, kept where a killed move is gone on with."""

    def get(self, part: str) -> Key | None:
        """The last key that is written for sure."""

    def put(self, part: str, mark: Key) -> None: ...

    def forget(self, part: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveStarted(Event):
    """``resumed``: an earlier run has begun it. ``bytes``: about how many there are to be copied, all in all."""

    name = "move_started"
    source: str
    target: str
    parts: int
    rows: int
    bytes: int
    resumed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveProgress(Event):
    """``stage``: copy, compare or finish; ``done`` and ``total`` rows of the part. ``eta_seconds`` of the whole move;
    ``None`` until the speed is known, and while indexes are made."""

    name = "move_progress"
    stage: str
    part: str
    done: int
    total: int
    percent: float
    eta_seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveNotice(Event):
    """What a person should know while things are moved."""

    name = "move_notice"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveCompared(Event):
    """One part on both sides. ``first``: the lowest key that differs, as text; empty when they are equal."""

    name = "move_compared"
    part: str
    source_rows: int
    target_rows: int
    source_sum: str
    target_sum: str
    equal: bool
    first: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveFinished(Event):
    """``state``: completed, differs, interrupted, or complete when an earlier run had finished it already.

    ``settings``: what is to be written into ``config.toml``; passwords are left out of it.
    """

    name = "move_finished"
    state: str
    rows: int
    seconds: float
    copy_seconds: float
    compare_seconds: float
    finish_seconds: float
    settings: dict[str, str]
    differing: tuple[str, ...] = ()
