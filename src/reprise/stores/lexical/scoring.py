"""How well documents answer a query: BM25 with a weight for each field.

FTS5 tells for one word what each document holding it scores: BM25 (Robertson and Zaragoza, "The probabilistic relevance
framework: BM25 and beyond", 2009; k1 1.2, b 0.75) with the fields' weights inside the frequency. Its inverse document
frequency is nothing for a word that half of the documents hold, which in a small library is every word. So that factor
is taken out, and Lucene's put in its place: ln(1 + (N - n + 0.5) / (n + 0.5)), above 0 for every n <= N.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.ports import Hit
from reprise.stores.lexical.files import FIELDS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from numpy.typing import NDArray

_LEAST_IDF = 1e-6
"""What FTS5 takes for a word that half of the documents hold, or more."""

_DECIMALS = 12
"""Equal documents score equally, whatever was summed first."""

_WEIGHTS = ", ".join(map(str, FIELDS.values()))
_POSTINGS = f"SELECT rowid, bm25(words, {_WEIGHTS}) FROM words WHERE words MATCH ?"  # noqa: S608


def must_match(terms: int) -> int:
    """How many of so many different words a document must hold: both of two, half of more (``2<50%``)."""
    return terms if terms <= 2 else terms // 2


def best(
    connection: sqlite3.Connection,
    terms: Sequence[str],
    k: int,
    allowed: NDArray[np.int64] | None,
) -> list[Hit]:
    """The ``k`` best documents for different ``terms``, best first, ties by key; ``allowed`` keys only, unless ``None``."""
    documents = int(connection.execute("SELECT count(*) FROM scene").fetchone()[0])
    postings = [_scored(connection, term, documents) for term in terms]
    keys, places = np.unique(np.concatenate([part for part, _ in postings]), return_inverse=True)
    scores = np.round(
        np.bincount(places, np.concatenate([part for _, part in postings]), len(keys)), _DECIMALS
    )
    admitted = np.bincount(places, minlength=len(keys)) >= must_match(len(terms))
    if allowed is not None:
        admitted &= np.isin(keys, allowed)
    keys, scores = keys[admitted], scores[admitted]
    order = np.lexsort((keys, -scores))[:k]
    return [Hit(int(keys[place]), float(scores[place])) for place in order]


def _scored(
    connection: sqlite3.Connection, term: str, documents: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The documents that hold the word, and what it gives each."""
    rows = connection.execute(_POSTINGS, (f'"{term}"',)).fetchall()
    found = np.array(rows, np.float64).reshape(-1, 2)
    factor = _idf(documents, len(rows)) / _fts5_idf(documents, len(rows))
    return np.fromiter((row[0] for row in rows), np.int64, len(rows)), -found[:, 1] * factor


def _idf(documents: int, holding: int) -> float:
    return math.log1p((documents - holding + 0.5) / (holding + 0.5))


def _fts5_idf(documents: int, holding: int) -> float:
    """As SQLite's ``fts5_aux.c`` has it."""
    return max(math.log((documents - holding + 0.5) / (holding + 0.5)), 0.0) or _LEAST_IDF
