"""Catalogues with videos in them, as scans and models would have left them."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from reprise.catalog.catalogue import SqlCatalogue
from reprise.catalog.dialects import PostgresDialect, SqliteDialect
from reprise.catalog.sqlite import open_sqlite
from reprise.catalog.video_writing import write_told
from reprise.core.items import InputState, Tags
from reprise.core.ports import FoundFile
from reprise.core.records import ScanBatch
from reprise.core.video import (
    Extract,
    FoundScene,
    FrameKind,
    SavedFrame,
    Segment,
    TextSource,
    Transcript,
    VideoFacts,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reprise.catalog.database import Database
    from reprise.core.items import Library
    from reprise.core.ports import Told

ME = "me"
_OWNED = {
    SqliteDialect: "SELECT m.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
    " AND c.name = 'owner' ORDER BY m.name",
    PostgresDialect: "SELECT table_name FROM information_schema.columns WHERE table_schema = CURRENT_SCHEMA"
    " AND column_name = 'owner' ORDER BY table_name",
}
"""Asks which tables have owners."""
FACTS = VideoFacts(60.0, 640, 360, 25.0, 0, has_audio=True, has_video=True, subtitles=0)


class Filmed:
    """A catalogue, and the writes that scans and models make."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.catalogue = SqlCatalogue(self.database, b"/state")
        self.at = 100.0

    def later(self) -> float:
        self.at += 1
        return self.at

    def library(self, owner: str = ME, name: str = "films", kind: str = "video") -> Library:
        return self.catalogue.libraries.add(owner, kind, name, b"/" + name.encode(), ())

    def scan(self, library: Library, *paths: bytes) -> dict[bytes, int]:
        """Add files; returns the ids of all of the library by path."""
        added = [(FoundFile(path, 10, 1), Tags(duration=60.0)) for path in paths]
        self.catalogue.items.apply(library.owner, library.id, ScanBatch(added=added), self.later())
        files = self.catalogue.items.files(library.owner, library.id)
        return {row[1]: row[0] for row in files}

    def tell(self, owner: str, item_id: int, told: Told, digest: bytes = b"d" * 32) -> None:
        state = InputState(10, 1, digest)
        with self.database.transaction() as transaction:
            write_told(transaction, owner, [(item_id, state, told)], self.later())

    def inputs(self, owner: str, channel: str | None = None) -> dict[tuple[int, str], bytes]:
        rows = self.database.query("SELECT item_id, channel, digest FROM inputs WHERE owner = ?", (owner,))
        return {(item, of): digest for item, of, digest in rows if channel in (None, of)}

    def text(self, item_id: int, channel: str) -> str | None:
        rows = self.database.query(
            "SELECT text FROM inputs WHERE item_id = ? AND channel = ?", (item_id, channel)
        )
        return rows[0][0] if rows else None

    def rows(self, owner: str) -> Mapping[str, list[tuple[object, ...]]]:
        """All rows of the owner in every table that has owners."""
        tables = [name for (name,) in self.database.query(_OWNED[type(self.database.dialect)])]
        assert {"items", "inputs", "videos", "scenes", "frames", "persons", "photos", "ledger"} <= set(tables)
        return {
            table: sorted(self.database.query(f"SELECT * FROM {table} WHERE owner = ?", (owner,)), key=repr)
            for table in tables
        }


@cache
def empty_catalogue() -> bytes:
    """The file of a new catalogue: migrating one for each test takes longer than the tests."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.sqlite"
        open_sqlite(path, create=True).close()
        return path.read_bytes()


@contextmanager
def filmed(folder: Path) -> Iterator[Filmed]:
    path = folder / "catalogue.sqlite"
    if not path.exists():
        path.write_bytes(empty_catalogue())
    one = Filmed(open_sqlite(path, create=False))
    try:
        yield one
    finally:
        one.catalogue.close()


def frame(kind: FrameKind, ordinal: int, at: float, look: str) -> SavedFrame:
    digest = hashlib.sha256(look.encode()).digest()
    name = digest.hex()
    return SavedFrame(kind, ordinal, at, f"{name[:2]}/{name}.jpg".encode(), digest, 64, 36)


def extract(
    *bounds: tuple[float, float],
    looks: Sequence[str] = (),
    transcript: Transcript | None = None,
    facts: VideoFacts = FACTS,
) -> Extract:
    """Scenes of these bounds, each with a thumbnail and a keyframe in its middle."""
    scenes = []
    for index, (start, end) in enumerate(bounds):
        look, middle = (looks[index] if looks else f"{start}-{end}"), (start + end) / 2
        frames = (
            frame(FrameKind.THUMBNAIL, 0, middle, f"{look} small"),
            frame(FrameKind.KEYFRAME, 0, middle, look),
        )
        scenes.append(FoundScene(index, start, end, frames))
    return Extract(facts, tuple(scenes), transcript)


def said(*texts: str, source: TextSource = TextSource.SIDECAR, seconds: float = 10.0) -> Transcript:
    """One segment after the other, of ten seconds each."""
    segments = (Segment(number * seconds, (number + 1) * seconds, text) for number, text in enumerate(texts))
    return Transcript(source, tuple(segments), "en")
