"""Locks with a lease, and the workers that are there, as rows that all machines see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.sharing import WorkerFacts

if TYPE_CHECKING:
    from reprise.catalog.database import Database

_WORKER = "id, host, pid, device, release, spec_version, job_id, started_at, seen_at"


class SqlLocks:
    """Implements ``core.sharing.LockRows``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def take(self, name: str, holder: str, seconds: float, *, shared: bool) -> bool:
        with self._database.transaction() as transaction:
            transaction.alone(f"lock {name}")
            now = self._database.now()
            transaction.execute("DELETE FROM locks WHERE name = ? AND until < ?", (name, now))
            others = "SELECT COUNT(*) FROM locks WHERE name = ? AND holder <> ?"
            if shared:
                others += " AND shared = 0"
            if transaction.query(others, (name, holder))[0][0]:
                return False
            transaction.execute(
                "INSERT INTO locks (name, holder, shared, until) VALUES (?, ?, ?, ?) ON CONFLICT (name, holder)"
                " DO UPDATE SET shared = excluded.shared, until = excluded.until",
                (name, holder, int(shared), now + seconds),
            )
        return True

    def renew(self, holder: str, seconds: float) -> list[str]:
        until = self._database.now() + seconds
        with self._database.transaction() as transaction:
            transaction.execute("UPDATE locks SET until = ? WHERE holder = ?", (until, holder))
            rows = transaction.query("SELECT name FROM locks WHERE holder = ? ORDER BY name", (holder,))
        return [row[0] for row in rows]

    def release(self, name: str, holder: str) -> None:
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM locks WHERE name = ? AND holder = ?", (name, holder))

    def holders(self, name: str) -> list[str]:
        rows = self._database.query(
            "SELECT holder FROM locks WHERE name = ? AND until >= ? ORDER BY holder",
            (name, self._database.now()),
        )
        return [row[0] for row in rows]


class SqlWorkers:
    """Implements ``core.sharing.Workers``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, worker: WorkerFacts) -> None:
        now = self._database.now()
        with self._database.transaction() as transaction:
            transaction.execute(
                f"INSERT INTO workers ({_WORKER}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (id) DO UPDATE SET job_id = excluded.job_id, seen_at = excluded.seen_at",
                (
                    worker.id,
                    worker.host,
                    worker.pid,
                    worker.device,
                    worker.release,
                    worker.spec_version,
                    worker.job_id,
                    now,
                    now,
                ),
            )

    def leave(self, worker_id: str) -> None:
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM workers WHERE id = ?", (worker_id,))

    def all(self, within: float) -> list[WorkerFacts]:
        oldest = self._database.now() - within
        with self._database.transaction() as transaction:
            transaction.execute("DELETE FROM workers WHERE seen_at < ?", (oldest,))
            rows = transaction.query(f"SELECT {_WORKER} FROM workers ORDER BY started_at, id")
        return [WorkerFacts(*row) for row in rows]
