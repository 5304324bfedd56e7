"""What one installation keeps, and where: settings become catalogue, store, index of words, and locks."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reprise.errors import BadSetting, CatalogueRefused, RepriseError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from reprise.catalog.database import Database
    from reprise.core.ports import LexicalIndex, VectorStore
    from reprise.core.records import Catalogue
    from reprise.core.store_abilities import StoreAbilities
    from reprise.runners.locks import FileLocks
    from reprise.runners.shared_locks import SharedLocks
    from reprise.settings import Settings

CATALOGUE_NAME = "catalogue.sqlite"
ALONE_SECONDS = 600.0
"""A lease of the embedded ledger; who runs a job there holds its lock."""


def at_once() -> bool:
    """Who asks waits for no server."""
    return True


class Storage:
    """Opened on demand, closed as a whole.

    A server that is away is an error at once, for somebody waits for an answer; a job waits for it (:meth:`patiently`).
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._catalogue: Catalogue | None = None
        self._store: VectorStore | None = None
        self._lexical: LexicalIndex | None = None
        self._give_up: Callable[[], bool] = at_once

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def catalogue_path(self) -> Path:
        """The file of the embedded catalogue."""
        return self.home / CATALOGUE_NAME

    @property
    def catalogue_place(self) -> str:
        """Where the catalogue is, for people: a file, or a database without user and password."""
        if not self.shared:
            return str(self.catalogue_path)
        parts = urlsplit(self.settings.text("catalogue_url"))
        return f"PostgreSQL, {(parts.path or '/').lstrip('/')} at {parts.hostname or 'this machine'}"

    @property
    def shared(self) -> bool:
        """Whether processes on other machines may have the same catalogue."""
        return bool(self.settings.text("catalogue_url"))

    @cached_property
    def holder(self) -> str:
        """What this process holds locks and leases under, among all that share the catalogue."""
        return f"{socket.gethostname()}/{os.getpid()}/{secrets.token_hex(4)}"

    @property
    def exists(self) -> bool:
        """Whether there is a catalogue; a server has one from the first call on."""
        return self.shared or self.catalogue_path.exists()

    @contextmanager
    def patiently(self, stop: Callable[[], object]) -> Iterator[None]:
        """Inside the block a catalogue or store that is away is waited for, ``server_patience`` at most or until ``stop``."""
        before, self._give_up = self._give_up, lambda: bool(stop())
        try:
            yield
        finally:
            self._give_up = before

    def _hopeless(self) -> bool:
        return self._give_up()

    def close(self) -> None:
        for part in (self._lexical, self._store, self._catalogue):
            if part is not None:
                part.close()

    def catalogue(self, *, create: bool = False) -> Catalogue:
        """The catalogue; only ``create`` makes a file where there is none. Raises ``CatalogueError`` kinds."""
        if self._catalogue is None:
            from reprise.catalog.catalogue import SqlCatalogue

            home = os.fsencode(self.home)
            database: Database
            if self.shared:
                try:
                    from reprise.catalog.postgres import open_postgres
                except ImportError as error:
                    raise CatalogueRefused(
                        f"catalogue_url names PostgreSQL, for which a package is not installed: {error.name}",
                        cure="install it with: pip install 'reprise[postgres]'",
                    ) from error

                database = open_postgres(
                    self.settings.text("catalogue_url"),
                    timeout=self.settings.number("server_timeout"),
                    patience=self.settings.number("server_patience"),
                    stop=self._hopeless,
                )
                self._catalogue = SqlCatalogue(database, home, self.holder)
            else:
                from reprise.catalog.sqlite import open_sqlite

                timeout = self.settings.number("database_timeout")
                database = open_sqlite(self.catalogue_path, create=create, busy_timeout=timeout)
                self._catalogue = SqlCatalogue(database, home)
        return self._catalogue

    @property
    def store(self) -> VectorStore:
        """Raises ``BadSetting`` when the settings name no place for it."""
        if self._store is None:
            opened = self._opened_store()
            if self.settings.text("store") != "embedded":
                from reprise.stores.patient import PatientStore

                opened = PatientStore(opened, self.settings.number("server_patience"), self._hopeless)
            self._store = opened
        return self._store

    def _opened_store(self) -> VectorStore:
        kind, timeout = self.settings.text("store"), self.settings.number("server_timeout")
        if kind == "pgvector":
            from reprise.stores.pgvector import PgvectorStore

            url = self.settings.text("store_url") or self.settings.text("catalogue_url")
            return PgvectorStore(self._named(url), timeout=timeout)
        if kind == "milvus":
            from reprise.stores.milvus import MilvusStore

            return MilvusStore(self._named(self.settings.text("store_url")), timeout=timeout)
        if kind == "opensearch":
            from reprise.stores.opensearch import OpenSearchStore

            return OpenSearchStore(self._named(self.settings.text("store_url")), timeout=timeout)
        from reprise.stores.embedded import EmbeddedStore

        index_from = self.settings.whole("index_from")
        return EmbeddedStore(self.home / "spaces", index_from=index_from, build_apart=True)

    def store_choices(self) -> tuple[StoreAbilities, ...]:
        """What each store that can be chosen is able to do."""
        from reprise.stores.abilities import all_abilities

        return all_abilities()

    def store_fault(self) -> RepriseError | None:
        """Why the chosen store cannot be used, or ``None`` when it answers."""
        from reprise.stores.abilities import fault_of

        try:
            return fault_of(self.store)
        except RepriseError as error:
            return error

    def _named(self, url: str) -> str:
        if not url:
            raise BadSetting(
                f"store is {self.settings.text('store')}, but store_url does not say where it is",
                cure="set store_url, see: reprise settings",
            )
        return url

    @property
    def lexical(self) -> LexicalIndex:
        if self._lexical is None:
            if self.settings.text("lexical_store") == "opensearch":
                from reprise.stores.opensearch import OpenSearchLexicalIndex

                url = self.settings.text("lexical_url") or self.settings.text("store_url")
                timeout = self.settings.number("server_timeout")
                self._lexical = OpenSearchLexicalIndex(self._named(url), timeout=timeout)
            else:
                from reprise.stores.lexical import SqliteLexicalIndex

                timeout = self.settings.number("database_timeout")
                self._lexical = SqliteLexicalIndex(self.home / "lexical", busy_timeout=timeout)
        return self._lexical

    @cached_property
    def machine_locks(self) -> FileLocks:
        """Locks of this machine's processes: who has its device."""
        from reprise.runners.locks import FileLocks

        return FileLocks(self.home / "locks")

    @cached_property
    def shared_locks(self) -> SharedLocks:
        """Locks of all processes that share the catalogue; with them goes on what this one has leased."""
        from reprise.runners.shared_locks import SharedLocks

        seconds = self.lease_seconds
        return SharedLocks(
            lambda: self.catalogue().locks,
            self.holder,
            lease=seconds / 2,
            beats=lambda: self.catalogue().ledger.renew(seconds),
        )

    @property
    def lease_seconds(self) -> float:
        """How long what a process has in hand is its own unless it is renewed, which only shared leases are."""
        return self.settings.number("lease_seconds") if self.shared else ALONE_SECONDS

    @property
    def locks(self) -> FileLocks | SharedLocks:
        """Locks of all who may touch this installation's work."""
        return self.shared_locks if self.shared else self.machine_locks
