"""PostgreSQL as either end of a move: rows go in by binary COPY, and come out through a cursor of the server."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.moving import MOVED, MOVING, PAGE_ROWS, Table
from reprise.catalog.postgres_errors import our_error, read_address
from reprise.errors import CatalogueLocked, CatalogueRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import psycopg

    from reprise.catalog.database import Row
    from reprise.catalog.moving import Writer

LOCK_SECONDS = 10
"""How long to wait for somebody who writes just now."""
MOVE_LOCK = 0x5250524D
""""RPRM": the advisory lock of who moves into a database."""


class PostgresSide:
    """What both ends have in common: one connection, and no limit of time for its statements."""

    def __init__(self, url: str, timeout: float) -> None:
        """``timeout`` in seconds, to connect. Raises ``CatalogueAway`` and ``CatalogueRefused``."""
        try:
            import psycopg
        except ImportError:
            raise CatalogueRefused(
                "PostgreSQL needs psycopg, which is not installed",
                cure="install it with: pip install 'reprise[postgres]'",
            ) from None
        self._address = read_address(url)
        self._kinds: dict[str, dict[str, str]] = {}
        with self._told():
            self._connection = psycopg.connect(
                url,
                autocommit=True,
                connect_timeout=max(2, round(timeout)),
                application_name="reprise move",
                client_encoding="UTF8",
                prepare_threshold=None,
            )
            for limit in ("statement_timeout", "idle_in_transaction_session_timeout"):
                self._connection.execute("SELECT set_config(%s, '0', false)", (limit,))

    @contextmanager
    def _told(self) -> Iterator[None]:
        import psycopg

        try:
            yield
        except psycopg.Error as error:
            raise our_error(self._address, error) from error

    @property
    def place(self) -> str:
        return self._address.shown

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with self._told():
            return self._connection.execute(_marks(sql), tuple(parameters) or None).fetchall()

    def has(self, table: str) -> bool:
        return bool(self._columns(table, anew=True))

    def _columns(self, table: str, *, anew: bool = False) -> dict[str, str]:
        """Columns and their types, without those that the server fills in itself."""
        if anew or table not in self._kinds:
            rows = self.query(
                "SELECT a.attname, a.atttypid::regtype::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
                " WHERE c.relname = ? AND c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')"
                " AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum",
                (table,),
            )
            self._kinds[table] = dict(rows)
        return self._kinds[table]

    def table(self, name: str) -> Table:
        rows = self.query(
            "SELECT a.attname FROM pg_constraint k CROSS JOIN LATERAL unnest(k.conkey) WITH ORDINALITY AS u (number, place)"
            " JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number JOIN pg_class c ON c.oid = k.conrelid"
            " WHERE k.contype = 'p' AND c.relname = ? AND c.relnamespace = current_schema()::regnamespace ORDER BY u.place",
            (name,),
        )
        key = tuple(column for (column,) in rows)
        return Table(
            name, (*key, *sorted(column for column in self._columns(name) if column not in key)), key
        )

    def pages(self, table: Table, *, ordered: bool) -> Iterator[list[Row]]:
        kinds = self._columns(table.name)
        columns = ", ".join(_quoted(column) for column in table.columns)
        keys = [_quoted(column) + (' COLLATE "C"' if kinds[column] == "text" else "") for column in table.key]
        order = f" ORDER BY {', '.join(keys)}" if ordered else ""
        with (
            self._told(),
            self._connection.transaction(),
            self._connection.cursor(name="moving", binary=True) as cursor,
        ):
            cursor.execute(f"SELECT {columns} FROM {table.name}{order}".encode())
            while rows := cursor.fetchmany(PAGE_ROWS):
                yield rows

    def _sequences(self) -> list[tuple[str, str, str]]:
        """Tables with numbers of their own, the column, and the sequence that gives them."""
        found = []
        for name in MOVED:
            columns = self._columns(name)
            column = next((one for one in ("id", "seq") if columns.get(one) in {"integer", "bigint"}), None)
            if column is None:
                continue
            sequence = self.query("SELECT pg_get_serial_sequence(?, ?)", (name, column))[0][0]
            if sequence:
                found.append((name, column, sequence))
        return found

    def sequences(self) -> Mapping[str, int]:
        found = {}
        for name, column, sequence in self._sequences():
            last, called = self.query(f"SELECT last_value, is_called FROM {sequence}")[0]
            largest = self.query(f"SELECT COALESCE(MAX({column}), 0) FROM {name}")[0][0]
            found[name] = max(int(largest), int(last) if called else 0)
        return found

    def close(self) -> None:
        self._connection.close()


class PostgresSource(PostgresSide):
    """Implements ``catalog.moving.Source``."""

    def hold(self) -> None:
        """Readers go on; who writes, or takes a lock of ours, waits until the move has ended."""
        with self._told():
            self._connection.execute("SELECT set_config('lock_timeout', %s, false)", (f"{LOCK_SECONDS}s",))
            self._connection.execute("BEGIN")
            try:
                self._connection.execute(f"LOCK TABLE {', '.join((*MOVED, 'locks'))} IN SHARE MODE".encode())
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise


class _Writer:
    def __init__(self, side: PostgresTarget, connection: psycopg.Connection[Any]) -> None:
        self._side = side
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        self._connection.execute(_marks(sql), tuple(parameters) or None)

    def put(self, table: Table, rows: Sequence[Row]) -> None:
        kinds = self._side.kinds(table)
        columns = ", ".join(_quoted(column) for column in table.columns)
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN (FORMAT BINARY)".encode()) as copy,
        ):
            copy.set_types(kinds)
            write = copy.write_row
            for row in rows:
                write(row)


class PostgresTarget(PostgresSide):
    """Implements ``catalog.moving.Target``."""

    def __init__(self, url: str, timeout: float) -> None:
        super().__init__(url, timeout)
        self._url, self._timeout = url, timeout
        try:
            self._begin()
        except BaseException:
            self.close()
            raise

    def _begin(self) -> None:
        if not self.query("SELECT pg_try_advisory_lock(?)", (MOVE_LOCK,))[0][0]:
            raise CatalogueLocked(f"another move into {self.place} is under way", cure="wait for it to end")
        # what is not yet on the server's disk after a crash is copied again: its marks are gone with it
        self.query("SELECT set_config('synchronous_commit', 'off', false)")

    def kinds(self, table: Table) -> list[str]:
        """The types of the table's columns, in their order."""
        known = self._columns(table.name)
        return [known[column] for column in table.columns]

    @contextmanager
    def transaction(self) -> Iterator[Writer]:
        with self._told(), self._connection.transaction():
            yield _Writer(self, self._connection)

    def make(self) -> None:
        from reprise.catalog.postgres import open_postgres

        open_postgres(self._url, timeout=self._timeout).close()

    def postpone(self, writer: Writer) -> list[str]:
        """Foreign keys, unique constraints and indexes; the catalogue is marked as one that is being moved to."""
        constraints = self.query(
            "SELECT c.relname, k.conname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid"
            " WHERE k.contype IN ('f', 'u') AND c.relnamespace = current_schema()::regnamespace AND c.relname = ANY(?)"
            " ORDER BY k.contype = 'u', c.relname, k.conname",
            (list(MOVED),),
        )
        for table, name, _ in constraints:
            writer.execute(f"ALTER TABLE {table} DROP CONSTRAINT {_quoted(name)}")
        indexes = self.query(
            "SELECT i.indexname, i.indexdef FROM pg_indexes i WHERE i.schemaname = current_schema() AND i.tablename = ANY(?)"
            " AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conname = i.indexname AND k.contype = 'p')"
            " ORDER BY i.indexname",
            (list(MOVED),),
        )
        for name, _ in indexes:
            writer.execute(f"DROP INDEX {_quoted(name)}")
        writer.execute("UPDATE alembic_version SET version_num = ?", (MOVING,))
        unique_first = reversed(constraints)
        return [
            *(definition for _, definition in indexes),
            *(
                f"ALTER TABLE {table} ADD CONSTRAINT {_quoted(name)} {text}"
                for table, name, text in unique_first
            ),
        ]

    def set_sequences(self, writer: Writer, numbers: Mapping[str, int]) -> None:
        for name, _, sequence in self._sequences():
            if numbers.get(name):
                writer.execute("SELECT setval(CAST(? AS regclass), ?)", (sequence, numbers[name]))

    def check(self) -> None:
        """Foreign keys were made again, which checks them; the planner learns how large the tables are."""
        for name in MOVED:
            self.query_nothing(f"ANALYZE {name}")

    def query_nothing(self, sql: str) -> None:
        """A statement that answers nothing and is its own transaction."""
        with self._told():
            self._connection.execute(sql.encode())

    def release(self) -> None:
        self.query("SELECT set_config('synchronous_commit', 'on', false)")
        with self.transaction() as writer:
            writer.execute(
                "UPDATE alembic_version SET version_num = ? WHERE version_num = ?", (SCHEMA_VERSION, MOVING)
            )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _marks(sql: str) -> bytes:
    """Our statements are written with ``?``."""
    return sql.replace("%", "%%").replace("?", "%s").encode()
