"""Moving an installation: parts are copied page by page behind a mark, then both sides are read and compared."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from queue import Full, Queue
from typing import TYPE_CHECKING, Generic, TypeVar

from reprise.core.moving import MoveCompared, MoveNotice, MoveProgress, Sum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reprise.core.events import Emit
    from reprise.core.moving import Key, Marks, Page, Part

T = TypeVar("T")

AHEAD = 3
"""Pages that are read before they are written."""
LOOK_SECONDS = 0.2
TOLD_SECONDS = 0.5
COPY, COMPARE, FINISH = "copy", "compare", "finish"
READ_SHARE = 0.3
"""What reading a part again takes beside copying it, measured; a percentage goes by it."""


FINISH_SHARE = 0.2
"""What is kept back for indexes; how long one takes is not known, so there is no time left told then."""


class MoveStopped(Exception):
    """Somebody wanted to stop before it was through."""


class _Reader(Generic[T]):
    """Takes from ``pages`` in a thread of its own, ``AHEAD`` of them before they are asked for."""

    def __init__(self, pages: Iterator[T]) -> None:
        self._pages = pages
        self._queue: Queue[tuple[T | None, BaseException | None]] = Queue(AHEAD)
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._work, name="reading ahead", daemon=True)
        self._thread.start()

    def _work(self) -> None:
        try:
            for page in self._pages:
                if not self._offer(page, None):
                    return
            self._offer(None, None)
        except BaseException as error:  # noqa: BLE001 - it is raised where the pages are taken
            self._offer(None, error)

    def _offer(self, page: T | None, error: BaseException | None) -> bool:
        """Whether somebody still wants it."""
        while not self._enough.is_set():
            with suppress(Full):
                self._queue.put((page, error), timeout=LOOK_SECONDS)
                return True
        return False

    def take(self) -> T | None:
        """The next page, or ``None`` at the end; an error of the thread is raised here."""
        page, error = self._queue.get()
        if error is not None:
            raise error
        return page

    def close(self) -> None:
        self._enough.set()
        self._thread.join()
        if isinstance(self._pages, Generator):
            self._pages.close()


def ahead(pages: Iterator[T]) -> Generator[T]:
    """The same, made by a thread of its own while the caller works on the ones before."""
    with closing(_Reader(pages)) as reader:
        while (page := reader.take()) is not None:
            yield page


@dataclass(slots=True)
class Meter:
    """How far all of it is. The percentage never goes back; the time left goes by what this run has done itself."""

    emit: Emit
    total: float
    done: float = 0.0
    skipped: float = 0.0
    _percent: float = 0.0
    _began: float = field(default_factory=time.monotonic)
    _told: float = 0.0

    def skip(self, weight: float) -> None:
        """What an earlier run did."""
        self.done += weight
        self.skipped += weight

    def advance(self, weight: float, stage: str, part: Part, rows: int, *, now: bool = False) -> None:
        self.done += weight
        at = time.monotonic()
        if at - self._told < TOLD_SECONDS and not now:
            return
        self._told = at
        share = min(1.0, self.done / self.total) if self.total else 1.0
        self._percent = max(self._percent, 100 * share)
        worked = self.done - self.skipped
        known = worked > 0 and stage != FINISH
        eta = (at - self._began) * (self.total - self.done) / worked if known else None
        self.emit(
            MoveProgress(
                stage=stage,
                part=part.name,
                done=min(rows, part.size),
                total=part.size,
                percent=round(self._percent, 1),
                eta_seconds=None if eta is None else max(0.0, round(eta, 1)),
            )
        )


@dataclass(slots=True)
class Mover:
    """Copies and compares parts, in their order. ``stop``: asked after each page."""

    parts: Sequence[Part]
    marks: Marks
    emit: Emit
    stop: Callable[[], object]
    sums: dict[str, Sum] = field(default_factory=dict)
    meter: Meter = field(init=False)
    _resumed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        copied = sum(part.weight for part in self.parts)
        self.meter = Meter(self.emit, copied * (1 + READ_SHARE + FINISH_SHARE))

    def copy(self) -> None:
        """Bring every part into the target, going on behind its mark. Raises ``MoveStopped``."""
        for part in self.parts:
            self._copy(part, self.marks.get(part.name))

    def _copy(self, part: Part, mark: Key | None) -> None:
        """All of the source is read, what is written already as well: it is summed as it is now."""
        found, seen = Sum(), 0
        if mark is not None:
            self._resumed.add(part.name)
        part.begin(mark)
        each = part.weight / max(1, part.size)
        with closing(ahead(_summed(part.read(), found))) as pages:
            for page in pages:
                self._look()
                old = _known(page, mark)
                if old < len(page):
                    part.write(page, old)
                seen += len(page)
                self.meter.skip(each * old)
                self.meter.advance(each * (len(page) - old), COPY, part, seen)
        self.sums[part.name] = found

    def compare(self) -> list[MoveCompared]:
        """Read every part on both sides. One that an earlier run has begun and that differs is copied anew, once:
        the source may have changed in between. Raises ``MoveStopped``."""
        return [self._compare(part) for part in self.parts]

    def _compare(self, part: Part) -> MoveCompared:
        ours = self.sums[part.name] if part.name in self.sums else self._sum(part, part.read(), 0)
        theirs = self._sum(part, part.read_back(), READ_SHARE)
        if ours != theirs and part.name in self._resumed:
            self._resumed.discard(part.name)
            self.emit(MoveNotice(text=f"{part.name} has changed since the move was begun; it is copied anew"))
            self.marks.forget(part.name)
            self._copy(part, None)
            ours, theirs = self.sums[part.name], self._sum(part, part.read_back(), 0)
        first = "" if ours == theirs else first_difference(part)
        compared = MoveCompared(
            part=part.name,
            source_rows=ours.rows,
            target_rows=theirs.rows,
            source_sum=ours.text,
            target_sum=theirs.text,
            equal=ours == theirs,
            first=first,
        )
        self.emit(compared)
        return compared

    def _sum(self, part: Part, pages: Iterator[Page], share: float) -> Sum:
        found, each = Sum(), share * part.weight / max(1, part.size)
        with closing(ahead(pages)) as read:
            for page in read:
                self._look()
                found.add(page.blobs)
                self.meter.advance(each * len(page), COMPARE, part, found.rows)
        return found

    def finish(self) -> None:
        """Indexes of the stores, of which copying is rid until here. Raises ``MoveStopped``."""
        for part in self.parts:
            self._look()
            self.meter.advance(0, FINISH, part, 0)
            part.finish()
            self.meter.advance(
                FINISH_SHARE * part.weight, FINISH, part, part.size, now=part is self.parts[-1]
            )

    def _look(self) -> None:
        if self.stop():
            raise MoveStopped


def _summed(pages: Iterator[Page], into: Sum) -> Iterator[Page]:
    for page in pages:
        into.add(page.blobs)
        yield page


def _known(page: Page, mark: Key | None) -> int:
    """How many of the page's rows are written already."""
    if mark is None or not page.keys or page.keys[0] > mark:
        return 0
    if page.keys[-1] <= mark:
        return len(page)
    return sum(key <= mark for key in page.keys)


def first_difference(part: Part) -> str:
    """The lowest key at which the two sides differ, both read in its order."""
    ours, theirs = _rows(part.read()), _rows(part.read_back(ordered=True))
    for mine in ours:
        other = next(theirs, None)
        if other is None or mine[0] < other[0]:
            return f"{_shown(mine[0])} is missing in the target"
        if mine[0] > other[0]:
            return f"{_shown(other[0])} is in the target only"
        if mine[1] != other[1]:
            return f"{_shown(mine[0])} differs"
    extra = next(theirs, None)
    return "" if extra is None else f"{_shown(extra[0])} is in the target only"


def _rows(pages: Iterator[Page]) -> Iterator[tuple[Key, bytes]]:
    for page in pages:
        yield from zip(page.keys, page.blobs, strict=True)


def _shown(key: Key) -> str:
    return ", ".join(
        one.decode("utf-8", "backslashreplace") if isinstance(one, bytes) else str(one) for one in key
    )
