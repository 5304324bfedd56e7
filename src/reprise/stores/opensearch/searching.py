"""The nearest of one owner's vectors: the server finds candidates, and their cosines are computed again from the rows.

So a score does not depend on who computed it. OpenSearch's own is a float32, and what it means has changed: 1 + cosine
from the scoring script until 2.18 and (1 + cosine) / 2 since, and the latter from an index
(https://docs.opensearch.org/latest/mappings/supported-field-types/knn-spaces/). Here only its order counts, and how far
two of them may lie from each other for float32 not to tell them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.errors import StoreUnable
from reprise.stores.opensearch.documents import ROW_FIELDS, SPACE_TYPE, Row, read_row, refuse_damaged
from reprise.stores.opensearch.server import MAX_WINDOW, any_of
from reprise.stores.rowbytes import stack

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from reprise.core.ports import Hit, Vectors
    from reprise.stores.opensearch.documents import Title
    from reprise.stores.opensearch.server import Answer, Server

SCORE_MARGIN = 1e-5
"""More than float32 sums over some thousand dimensions leave open; half of it where the score is half the cosine."""

_PAGE = 1000
"""Hits of one answer: 3 MB at dimension 512."""

_MORE = 50
"""Candidates beyond those asked for, so that the first answer mostly is enough."""

_SOURCE = list(ROW_FIELDS)


def check_largest(k: int) -> None:
    if k > MAX_WINDOW:
        raise StoreUnable(
            f"asked for {k} neighbours; OpenSearch gives {MAX_WINDOW} at most",
            cure="ask for fewer, or use another store",
        )


def nearest(
    server: Server, title: Title, space: str, query: Vectors, k: int, exclude: Collection[int], exact_to: int
) -> list[Hit]:
    """The ``k`` nearest to the unit vector ``query``, best first, ties by key. Exact up to ``exact_to`` vectors."""
    import numpy as np

    from reprise.stores.exact import best, scores

    barred = any_of("key", exclude) if exclude else None
    filtered = title.rows(barred=barred)
    few = server.count(title.alias, title.rows(), title.routing) <= exact_to
    find = _compared if few else _approximate
    found = find(server, title, filtered, query.tolist(), k)
    refuse_damaged(found, space)
    if not found:
        return []
    keys = np.array([row.key for row in found], np.int64)
    rows = stack([row.blob for row in found], title.dimension)
    return best(keys, scores(rows, query), k)


def _compared(server: Server, title: Title, filtered: Answer, query: list[float], k: int) -> list[Row]:
    """All that may be among the ``k`` nearest: the server compares every vector that passes the filter.

    https://docs.opensearch.org/latest/vector-search/vector-search-techniques/knn-score-script/
    """
    params = {"field": "vector", "query_value": query, "space_type": SPACE_TYPE}
    script = {"source": "knn_score", "lang": "knn", "params": params}
    body = {
        "query": {"script_score": {"query": filtered, "script": script}},
        "sort": [{"_score": "desc"}, {"key": "asc"}],
        "_source": _SOURCE,
    }
    found: list[Answer] = []
    for page in server.pages(title.alias, body, min(k + _MORE, _PAGE), title.routing):
        found += page
        if len(found) >= k and found[-1]["_score"] < found[k - 1]["_score"] - SCORE_MARGIN:
            break
    least = found[k - 1]["_score"] - SCORE_MARGIN if len(found) > k else 0.0
    return list(_read((hit for hit in found if hit["_score"] >= least), title))


def _approximate(server: Server, title: Title, filtered: Answer, query: list[float], k: int) -> list[Row]:
    """What the graph finds, filtered while it is searched; more candidates than asked for, which raises the recall.

    https://docs.opensearch.org/latest/vector-search/filter-search-knn/efficient-knn-filtering/
    """
    wide = min(2 * k + _MORE, MAX_WINDOW)
    knn = {"vector": {"vector": query, "k": wide, "filter": filtered}}
    body = {"query": {"knn": knn}, "size": wide, "_source": _SOURCE}
    return list(_read(server.hits(title.alias, body, title.routing), title))


def _read(hits: Collection[Answer] | Iterator[Answer], title: Title) -> Iterator[Row]:
    return (read_row(hit["_source"], title.dimension) for hit in hits)
