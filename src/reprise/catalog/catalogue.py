"""All records behind one door, over one database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.catalog.items import SqlItems
from reprise.catalog.jobs import SqlJobs
from reprise.catalog.ledger import SqlLedger
from reprise.catalog.libraries import SqlLibraries
from reprise.catalog.spaces import SqlSpaces
from reprise.catalog.speeds import SqlSpeeds

if TYPE_CHECKING:
    from reprise.catalog.database import Database


class SqlCatalogue:
    """Implements ``core.records.Catalogue``."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.libraries = SqlLibraries(database)
        self.items = SqlItems(database)
        self.spaces = SqlSpaces(database)
        self.jobs = SqlJobs(database)
        self.ledger = SqlLedger(database)
        self.speeds = SqlSpeeds(database)

    def close(self) -> None:
        self._database.close()
