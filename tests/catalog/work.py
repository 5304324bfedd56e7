"""A catalogue with work in it: a library of so many tracks, a space, and a job that is planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.catalog.catalogue import SqlCatalogue
from reprise.core.items import InputState, Tags
from reprise.core.job import JobRequest
from reprise.core.plan import Selection
from reprise.core.ports import FoundFile
from reprise.core.records import Completed, ScanBatch
from reprise.core.spec import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reprise.catalog.database import Database
    from reprise.core.plan import Operation

ME = "me"
SPEC = ModelSpec("null", 8, "none", 8000, "mean", "none", 1, 1, "none", "none", 0, 1)


class Work:
    """One job over one space of one library of tracks."""

    def __init__(self, database: Database, tracks: int) -> None:
        self.database = database
        catalogue = SqlCatalogue(database)
        library = catalogue.libraries.add(ME, "folder", "m", b"/m", ())
        added = [(FoundFile(b"%06d.mp3" % n, 1, 1), Tags(title=f"t{n}")) for n in range(tracks)]
        catalogue.items.apply(ME, library.id, ScanBatch(added=added), 1.0)
        self.selection = Selection(ME, library.id)
        self.space = catalogue.spaces.ensure(ME, SPEC)
        self.job = catalogue.jobs.create(JobRequest(self.selection, (SPEC.model,)), "1", 1.0).id
        catalogue.ledger.plan(
            self.selection, self.job, [self.space], 1.0, resumed=False, alive=lambda _: False
        )
        self.catalogue = catalogue

    def worker(self, holder: str, database: Database | None = None) -> Worker:
        return Worker(self, SqlCatalogue(database or self.database, holder=holder))

    def counters(self) -> tuple[int, int, int, int]:
        """Total, done, skipped, failed."""
        (result,) = self.catalogue.jobs.get(ME, self.job).models
        counters = result.counters
        return counters.total, counters.done, counters.skipped, counters.failed

    def states(self) -> dict[str, int]:
        rows = self.database.query("SELECT state, COUNT(*) FROM ledger GROUP BY state")
        return dict(rows)


class Worker:
    """One process's view of the work."""

    def __init__(self, work: Work, catalogue: SqlCatalogue) -> None:
        self._work = work
        self.catalogue = catalogue

    def lease(self, limit: int = 10, seconds: float = 60.0, attempts: int = 3) -> list[int]:
        """Ids of what it has in hand now, besides what it had before."""
        return [operation.item_id for operation in self.operations(limit, seconds, attempts)]

    def operations(self, limit: int, seconds: float, attempts: int) -> list[Operation]:
        work = self._work
        return self.catalogue.ledger.lease(ME, work.job, work.space.id, limit, seconds, attempts)

    def commit(self, ids: Iterable[int]) -> None:
        work = self._work
        done = [Completed(item_id, InputState(1, 1, b"d" * 32), learned=True) for item_id in ids]
        self.catalogue.ledger.commit(ME, work.job, work.space.id, done, (), 2.0)

    def release(self, ids: Iterable[int]) -> None:
        self.catalogue.ledger.release(ME, self._work.job, self._work.space.id, list(ids))

    def reclaim(self) -> int:
        return self.catalogue.ledger.reclaim(ME, self._work.job)
