"""All records behind one door, over one database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.catalog.analyses import SqlAnalyses
from reprise.catalog.database import SCHEMA_VERSION
from reprise.catalog.embedded import SqlEmbeddedRows
from reprise.catalog.feed import SqlFeed
from reprise.catalog.figures import SqlFigures
from reprise.catalog.foreign_ids import SqlForeignIds
from reprise.catalog.items import SqlItems
from reprise.catalog.jobs import SqlJobs
from reprise.catalog.ledger import SqlLedger
from reprise.catalog.libraries import SqlLibraries
from reprise.catalog.listing import SqlListing
from reprise.catalog.persons import SqlPersons
from reprise.catalog.pictures import SqlPictures
from reprise.catalog.preferences import SqlPreferences
from reprise.catalog.renames import SqlRenames
from reprise.catalog.reprocessings import SqlReprocessings
from reprise.catalog.schedules import SqlSchedules
from reprise.catalog.sharing import SqlLocks, SqlWorkers
from reprise.catalog.spaces import SqlSpaces
from reprise.catalog.speeds import SqlSpeeds
from reprise.catalog.users import SqlPeople
from reprise.catalog.videos import SqlVideos
from reprise.errors import CatalogueTooNew

if TYPE_CHECKING:
    from reprise.catalog.database import Database


class SqlCatalogue:
    """Implements ``core.records.Catalogue``. ``home``: the installation's folder, below which libraries of people
    have their roots. ``holder``: what this process leases rows under, where several work at once."""

    def __init__(self, database: Database, home: bytes = b"", holder: str = "") -> None:
        self._database = database
        self.libraries = SqlLibraries(database)
        self.items = SqlItems(database)
        self.listing = SqlListing(database)
        self.spaces = SqlSpaces(database)
        self.jobs = SqlJobs(database)
        self.ledger = SqlLedger(database, holder)
        self.analyses = SqlAnalyses(database)
        self.speeds = SqlSpeeds(database)
        self.people = SqlPeople(database)
        self.feed = SqlFeed(database)
        self.figures = SqlFigures(database)
        self.schedules = SqlSchedules(database)
        self.foreign_ids = SqlForeignIds(database)
        self.renames = SqlRenames(database)
        self.videos = SqlVideos(database)
        self.persons = SqlPersons(database, home)
        self.pictures = SqlPictures(database)
        self.preferences = SqlPreferences(database)
        self.reprocessings = SqlReprocessings(database)
        self.embedded = SqlEmbeddedRows(database)
        self.locks = SqlLocks(database)
        self.workers = SqlWorkers(database)

    def now(self) -> float:
        return self._database.now()

    def refuse_newer(self) -> None:
        version = str(self._database.query("SELECT MAX(version_num) FROM alembic_version")[0][0])
        if version > SCHEMA_VERSION:
            raise CatalogueTooNew(
                f"a newer release has brought the catalogue to schema {version}, this process knows up to {SCHEMA_VERSION}",
                cure="upgrade Reprise here too, and start it again",
            )

    def close(self) -> None:
        self._database.close()
