"""Events as live bars on a terminal: one per model, with the item in hand, failures and the time left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from reprise.cli.common import counted, duration
from reprise.cli.render.words import sentence
from reprise.core import events

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from rich.console import RenderableType

FAILURES_SHOWN = 10
SCAN_FILES = 20_000
SPOKEN = (
    events.ScanFinished,
    events.JobStarted,
    events.JobError,
    events.JobFinished,
    events.PartFinished,
    events.SpaceSwitched,
    events.SpaceHeld,
    events.SpaceCleared,
    events.ModelNotice,
    events.BatchResized,
    events.RenameNotice,
    events.RenameFinished,
)


class _Bars(Progress):
    """Bars with one line below them for what is in hand: it is cut where the terminal ends."""

    below = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.below:
            yield Text(self.below, no_wrap=True, overflow="ellipsis")


class Bar:
    """Draws on standard error; what is printed meanwhile scrolls above the bars."""

    def __init__(self) -> None:
        self._progress = _Bars(
            TextColumn("{task.fields[model]}"),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>5.1f} %"),
            TextColumn("{task.completed:,.0f}/{task.total:,.0f} {task.fields[unit]}"),
            TextColumn("{task.fields[note]}", markup=False),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {}
        self._failures = 0
        self._renaming = TaskID(0)

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: events.Event) -> None:
        if isinstance(event, events.ScanProgress):
            self._scanning(event.files)
        elif isinstance(event, events.ModelStarted):
            self._begin(event)
        elif isinstance(event, events.Progress):
            self._advance(event)
        elif isinstance(event, events.ModelFinished):
            self._end(event)
        elif isinstance(event, events.ItemFailed):
            self._failed(event)
        elif isinstance(event, events.RenameStarted):
            self._renaming = self._progress.add_task(
                "", total=event.total, model="renaming", unit="files", note=""
            )
        elif isinstance(event, events.RenameProgress):
            self._renamed(event)
        elif isinstance(event, SPOKEN):
            self._say(sentence(event))

    def _say(self, text: str) -> None:
        self._progress.console.print(escape(text), highlight=False, soft_wrap=True)

    def _scanning(self, files: int) -> None:
        if files % SCAN_FILES == 0:
            self._say(f"{files:,} files seen")

    def _begin(self, event: events.ModelStarted) -> None:
        self._tasks[event.model] = self._progress.add_task(
            "",
            total=event.total,
            completed=event.total - event.to_do,
            model=event.model,
            unit="operations",
            note="loading",
        )

    def _advance(self, event: events.Progress) -> None:
        counters = event.model_operations
        eta = "" if event.eta_seconds is None else f", {duration(event.eta_seconds)} left"
        facts = f"{counted(event.items, 'item')}, {event.operations.failed:,} failed{eta}"
        self._progress.below = f"{facts}  {event.current}"
        self._progress.update(self._tasks[event.model], completed=counters.finished, note="")

    def _end(self, event: events.ModelFinished) -> None:
        self._progress.below = ""
        if event.model in self._tasks:
            self._progress.update(self._tasks[event.model], note="failed" if event.error else "done")
        if event.error:
            self._say(sentence(event))

    def _renamed(self, event: events.RenameProgress) -> None:
        self._progress.below = event.current
        self._progress.update(self._renaming, completed=event.done)
        if not event.code:
            return
        self._failures += 1
        if self._failures <= FAILURES_SHOWN:
            self._say(sentence(event))
        if self._failures == FAILURES_SHOWN:
            self._say(f"further ones are listed by: reprise rename list {event.session_id} --failed")

    def _failed(self, event: events.ItemFailed) -> None:
        """The first failures are told at once; a broken folder must not bury the bar under thousands."""
        self._failures += 1
        if self._failures <= FAILURES_SHOWN:
            self._say(sentence(event))
        if self._failures == FAILURES_SHOWN:
            self._say("further failures are listed by: reprise errors")
