"""Plans of renaming that the server keeps for the panel: a file for each, beside what was asked for."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import threading
import time
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from reprise.core.renaming import RowStatus
from reprise.drafts import private_folder, write_private
from reprise.errors import DiskFull, NotFound
from reprise.rename.planfile import PlanReader

if TYPE_CHECKING:
    from pathlib import Path

    from reprise.core.renaming import PlanRow

KEPT_PLANS = 20
KEPT_SECONDS = 7 * 86_400.0
"""A week: after that much else may lie on the disk."""

OPEN_READERS = 4
KEPT_CHOICES = 8
NOTED = "noted"

Numbers: TypeAlias = "Sequence[int]"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a plan was asked for, and what became of it. ``folder`` is written as ``folder_paths`` does.

    ``counts``: rows by status, once the plan is made; ``error``: why it could not be.
    """

    id: str
    owner: str
    library_id: int
    folder: str
    template: str
    recursive: bool
    audio: bool
    sidecars: bool
    created_at: float
    counts: Mapping[str, int] | None = None
    error: str = ""
    session_id: str | None = None

    @property
    def total(self) -> int:
        """Its rows."""
        return sum((self.counts or {}).values())


class Shelf:
    """The plans of one installation, by owner. Threads may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._readers: OrderedDict[str, PlanReader] = OrderedDict()
        self._choices: OrderedDict[tuple[str, str, str], array[int]] = OrderedDict()

    def close(self) -> None:
        with self._lock:
            while self._readers:
                self._readers.popitem()[1].close()

    def new(self, wanted: Kept) -> Kept:
        """Keep what is asked for, under a new id. Raises ``DiskFull``."""
        made = replace(wanted, id=secrets.token_hex(8))
        self.write(made)
        return made

    def write(self, plan: Kept) -> None:
        """Raises ``DiskFull``."""
        target = self._file(plan, ".json")
        draft = target.with_suffix(".part")
        try:
            private_folder(target.parent)
            write_private(draft, json.dumps(asdict(plan)).encode())
            os.replace(draft, target)
        except OSError as error:
            raise DiskFull(f"the plan cannot be kept: {error.strerror}") from None

    def get(self, owner: str, plan_id: str) -> Kept:
        """Raises ``NotFound``."""
        with suppress(OSError, ValueError, TypeError):
            return Kept(**json.loads((self._of(owner) / f"{plan_id}.json").read_text()))
        raise NotFound(f"there is no plan {plan_id}", cure="make a new one; plans are kept for a week")

    def all(self, owner: str) -> list[Kept]:
        """The newest first."""
        found = []
        for file in self._of(owner).glob("*.json"):
            with suppress(NotFound):  # it was removed just now
                found.append(self.get(owner, file.stem))
        return sorted(found, key=lambda plan: -plan.created_at)

    def plan_file(self, plan: Kept) -> Path:
        return self._file(plan, ".plan")

    @contextmanager
    def reading(self, plan: Kept) -> Iterator[PlanReader]:
        """Its rows, opened once for all who read, one at a time. Raises ``BadPlan``."""
        with self._lock:
            reader = self._readers.get(plan.id)
            if reader is None:
                reader = self._readers[plan.id] = PlanReader(self.plan_file(plan))
            self._readers.move_to_end(plan.id)
            while len(self._readers) > OPEN_READERS:
                self._readers.popitem(last=False)[1].close()
            yield reader

    def rows(self, plan: Kept, status: str, words: str, offset: int, limit: int) -> tuple[list[PlanRow], int]:
        """Rows of a status, or ``noted``, that hold the words, and how many there are; empty: all of them."""
        with self.reading(plan) as reader:
            chosen = self._chosen(plan, reader, status, words)
            return [reader.row(number) for number in chosen[offset : offset + limit]], len(chosen)

    def remove(self, plan: Kept) -> None:
        with self._lock:
            if (reader := self._readers.pop(plan.id, None)) is not None:
                reader.close()
        for suffix in (".json", ".plan"):
            self._file(plan, suffix).unlink(missing_ok=True)

    def make_room(self, owner: str, busy: Sequence[str]) -> None:
        """Remove what is old, or beyond the newest; what is ``busy`` stays."""
        oldest = time.time() - KEPT_SECONDS
        for place, plan in enumerate(self.all(owner)):
            if plan.id not in busy and (place >= KEPT_PLANS or plan.created_at < oldest):
                self.remove(plan)

    def _chosen(self, plan: Kept, reader: PlanReader, status: str, words: str) -> Numbers:
        if not words and status != NOTED:
            return reader.numbers(RowStatus(status)) if status else range(len(reader))
        key = plan.id, status, words.casefold()
        kept = self._choices.pop(key, None)
        if kept is None:
            rows = (row for row in reader.rows() if _fits(row, status, key[2]))
            kept = array("I", (row.number for row in rows))
        self._choices[key] = kept
        while len(self._choices) > KEPT_CHOICES:
            self._choices.popitem(last=False)
        return kept

    def _of(self, owner: str) -> Path:
        return self._folder / hashlib.sha256(owner.encode()).hexdigest()[:16]

    def _file(self, plan: Kept, suffix: str) -> Path:
        return self._of(plan.owner) / f"{plan.id}{suffix}"


def _fits(row: PlanRow, status: str, words: str) -> bool:
    if status == NOTED:
        if not row.notes and (not row.code or row.status is RowStatus.REFUSED):
            return False
    elif status and row.status != status:
        return False
    text = b"/".join((row.folder, row.old, row.new)).decode(errors="replace").casefold()
    return all(word in text for word in words.split())
