"""``OpenSearchStore``: vectors on a server of OpenSearch, one index for each space."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from reprise.core.ports import StoreReport
from reprise.errors import DiskFull, StoreError, StoreUnable
from reprise.stores import snapshots
from reprise.stores.checks import (
    check_batch,
    check_dimension,
    check_k,
    check_keys,
    check_names,
    check_query,
    check_same_dimension,
    unknown_space,
)
from reprise.stores.opensearch import documents, indices, searching
from reprise.stores.opensearch.abilities import MAX_DIMENSION, OPENSEARCH
from reprise.stores.opensearch.documents import Row, Title
from reprise.stores.opensearch.errors import Missing
from reprise.stores.opensearch.indices import Place
from reprise.stores.opensearch.server import MAX_WINDOW, Server

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from reprise.core.ports import Hit, Vectors
    from reprise.stores.opensearch.indices import Found
    from reprise.stores.opensearch.server import Answer

_BY_KEY = {"sort": [{"key": "asc"}], "_source": list(documents.ROW_FIELDS)}


class OpenSearchStore:
    """A ``VectorStore`` on a server. Nothing is asked of it before it is needed. For many threads and processes.

    Writes do not wait until searches see them; reads do: what counts, scans, checks or copies sees all that was
    acknowledged before, whoever wrote it. A search sees all that this object wrote, and within a second what others did.
    """

    abilities = OPENSEARCH

    def __init__(self, url: str, *, timeout: float) -> None:
        """``timeout``: seconds that one answer may take. Raises ``BadSetting`` for a URL that is none."""
        self._server = Server(url, timeout=timeout)
        self._unseen: set[str] = set()

    def _place(self, owner: str, space: str) -> Place:
        check_names(owner, space)
        return Place(self._server.address.prefix, "vectors", space)

    @contextmanager
    def _known(self, owner: str, space: str) -> Iterator[Title]:
        place = self._place(owner, space)
        try:
            yield documents.known_title(self._server, place, owner, space)
        except Missing as error:  # dropped by somebody since its title was read
            raise unknown_space(owner, space) from error

    def create(self, owner: str, space: str, dimension: int) -> None:
        place = self._place(owner, space)
        check_dimension(dimension)
        indices.check_owner(owner)
        if dimension > MAX_DIMENSION:
            raise StoreUnable(
                f"a dimension of {dimension} is more than OpenSearch takes: {MAX_DIMENSION}",
                cure="use another store, see: reprise stores",
            )

        def fits(found: Found) -> bool:
            have = int(found.meta["dimension"])
            if have != dimension and indices.holders(self._server, found):
                check_same_dimension(space, have, dimension)
            return have == dimension and not found.blocked  # blocked: somebody is about to delete it

        address = self._server.address
        indices.ensure(
            self._server, place, fits, lambda number: documents.index_body(address, place, number, dimension)
        )
        documents.add_title(self._server, place, owner, dimension)

    def drop(self, owner: str, space: str) -> None:
        """With its last owner the index goes too."""
        place = self._place(owner, space)
        title = documents.find_title(self._server, place, owner)
        if title is None:
            return
        try:
            found = self._without_title(title)
            if found is None or indices.retire(self._server, found):
                return
            rows = {"bool": {"filter": [{"term": {"owner": owner}}]}}
            self._server.delete_by_query(place.alias, rows, title.routing)
        except Missing:
            return  # somebody else dropped the last of it

    def _without_title(self, title: Title) -> Found | None:
        """The index, with the owner's title gone from it; ``None`` when it is gone itself."""
        try:
            documents.remove_title(self._server, title)
        except DiskFull:
            # then no document can be deleted, but an index can, which is what makes room; and nobody can enter it
            found = indices.find(self._server, title.place)
            if found is None or indices.holders(self._server, found) > 1:
                raise
            indices.delete(self._server, found)
            return None
        return indices.find(self._server, title.place)

    # rows

    def upsert(self, owner: str, space: str, keys: Sequence[int], vectors: Vectors) -> None:
        """In requests of some megabytes, each of which may land in part before an error: then write the batch again."""
        with self._known(owner, space) as title:
            plain, rows = check_batch(keys, vectors, title.dimension)
            self._written(title, documents.row_lines(title, plain, rows))
            self._refuse_replaced(title, space)

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        plain = list(dict.fromkeys(check_keys(keys)))
        with self._known(owner, space) as title:
            done = self._written(title, documents.deletion_lines(title, plain))
            return sum(item["result"] == "deleted" for item in done)

    def _written(self, title: Title, lines: Iterable[bytes]) -> list[Answer]:
        try:
            return self._server.bulk(title.alias, lines, title.routing)
        finally:  # part of a batch that failed may be there; and a search meanwhile has not seen what came after it
            self._unseen.add(title.alias)

    def get(self, owner: str, space: str, keys: Collection[int]) -> Mapping[int, Vectors]:
        plain = check_keys(keys)
        with self._known(owner, space) as title:
            ids = [title.row_id(key) for key in dict.fromkeys(plain)]
            there = self._server.documents(title.alias, ids, title.routing, documents.ROW_FIELDS)
            found, held = _read(title, [document["_source"] for document in there], space)
            return dict(zip(found, held, strict=True))

    def count(self, owner: str, space: str) -> int:
        with self._known(owner, space) as title:
            self._server.refresh(title.alias)
            return self._server.count(title.alias, title.rows(), title.routing)

    def scan(self, owner: str, space: str, batch: int = 1000) -> Iterator[tuple[Sequence[int], Vectors]]:
        """Every page begins behind the last key of the one before: a slow reader holds nothing open on the server, and
        sees later writes behind it. A page has 10,000 vectors at most."""
        with self._known(owner, space) as title:  # an unknown space is told at once
            return self._pages(title, space, min(batch, MAX_WINDOW))

    def _pages(self, title: Title, space: str, batch: int) -> Iterator[tuple[list[int], Vectors]]:
        after: Answer = {}
        full = True
        while full:
            with self._known(title.owner, space) as now:
                self._server.refresh(now.alias)
                body = {"query": now.rows(), "size": batch, **_BY_KEY, **after}
                hits = self._server.hits(now.alias, body, now.routing)
                keys, held = _read(now, [hit["_source"] for hit in hits], space)
            full = len(hits) == batch
            if keys:
                yield keys, held
                after = {"search_after": [keys[-1]]}

    # search

    def search(
        self, owner: str, space: str, vector: Vectors, k: int, *, exclude: Collection[int] = ()
    ) -> list[Hit]:
        check_k(k)
        searching.check_largest(k)
        with self._known(owner, space) as title:
            query = check_query(vector, title.dimension)
            if title.alias in self._unseen:
                self._unseen.discard(title.alias)  # before, so that a write at this moment is not forgotten
                self._server.refresh(title.alias)
            exact_to = self._server.address.exact
            return searching.nearest(self._server, title, space, query, k, exclude, exact_to)

    def flush(self, owner: str, space: str) -> None:
        """Searches see everything, and what an interrupted drop or restore left is gone. OpenSearch builds and merges
        its graphs by itself; its manual warns of forcing that on an index that is still written to."""
        with self._known(owner, space) as title:
            self._server.delete_by_query(title.alias, title.strays(), title.routing)

    def verify(self, owner: str, space: str) -> StoreReport:
        """Reads every row."""
        damaged: list[int] = []
        count = 0
        with self._known(owner, space) as title:
            self._server.refresh(title.alias)
            for row in self._all_rows(title, title.alias, {}):
                count += 1
                if not row.sound:
                    damaged.append(row.key)
        exact_to = self._server.address.exact
        index = f"hnsw of {self._server.address.engine}" if count > exact_to else "none: compares all vectors"
        problem = f"{len(damaged)} rows fail their checksum" if damaged else ""
        return StoreReport(count, tuple(damaged), index, problem)

    def _all_rows(self, title: Title, index: str, where: Answer) -> Iterator[Row]:
        body = {"query": title.rows(), **_BY_KEY, **where}
        for hits in self._server.pages(index, body, snapshots.PAGE_ROWS, title.routing):
            for hit in hits:
                yield documents.read_row(hit["_source"], title.dimension)

    # copies

    def snapshot(self, owner: str, space: str, target: Path) -> None:
        """The vectors as they are at the beginning, whatever is written meanwhile."""

        def rows(title: Title, where: Answer) -> Iterator[tuple[int, bytes]]:
            for row in self._all_rows(title, "", where):
                documents.refuse_damaged([row], space)
                yield row.key, row.blob

        with self._known(owner, space) as title:
            self._server.refresh(title.alias)
            with self._server.point_in_time(title.alias, title.routing) as where:
                named = snapshots.Title(owner, space, title.dimension)
                snapshots.write(target, named, rows(title, where))

    def restore(self, owner: str, space: str, source: Path) -> None:
        """Makes the space when it is not there. The rows are written beside those that are there, counted, and then
        take their place in one step."""
        check_names(owner, space)
        with snapshots.opened(source, owner, space) as snapshot:
            self.create(owner, space, snapshot.title.dimension)
            with self._known(owner, space) as title:
                check_same_dimension(space, title.dimension, snapshot.title.dimension)
                self._fill(title, snapshot)

    def _fill(self, title: Title, snapshot: snapshots.Snapshot) -> None:
        beside = Title(title.place, title.owner, title.dimension, documents.new_generation(), title.version)
        with closing(snapshot.rows()) as rows:  # it reads from a file that closes behind us
            self._written(title, documents.restored_lines(beside, rows))
        self._server.refresh(title.alias)
        arrived = self._server.count(title.alias, beside.rows(), title.routing)
        if arrived != snapshot.count:
            raise StoreError(
                f"{arrived} of {snapshot.count} vectors arrived; nothing was restored", cure="try again"
            )
        documents.swap_title(self._server, title, beside.generation)
        self._server.delete_by_query(title.alias, beside.strays(), title.routing)

    def close(self) -> None:
        self._server.close()

    def _refuse_replaced(self, title: Title, space: str) -> None:
        """Rows written while a restore or a drop took their space away would be lost without a word."""
        now = documents.known_title(self._server, title.place, title.owner, space)
        if now.generation != title.generation:
            raise StoreError(
                f"space {space!r} was restored meanwhile; the batch was not kept", cure="try again"
            )


def _read(title: Title, sources: Sequence[Answer], space: str) -> tuple[list[int], Vectors]:
    from reprise.stores.rowbytes import stack

    found = [documents.read_row(source, title.dimension) for source in sources]
    documents.refuse_damaged(found, space)
    return [row.key for row in found], stack([row.blob for row in found], title.dimension)
