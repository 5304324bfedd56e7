"""``OpenSearchLexicalIndex``: words by owner, space and key, found by BM25.

**An index of one shard for each owner and space**, because BM25 asks how many documents hold a word, and Lucene counts
over a shard: in a common one a score would tell of the words of others. It costs a shard an owner, of which a node takes
1,000 by default (``cluster.max_shards_per_node``); with more owners than that the embedded index is the better one.

**Words are cut by** ``core.lexical_tokens``, as for the embedded index, so both find the same in every language, without
the plugins for Korean or Chinese, which the usual distribution lacks. **One field** ``words`` holds all of a document's
with their frequencies (``boat|4``, filter ``delimited_term_freq``), in which the weights of the fields are: tags 4,
transcript 3, description and summary 2, combined 1. That is BM25F (Robertson, Zaragoza and Taylor, "Simple BM25 extension
to multiple weighted fields", CIKM 2004). Five fields with boosts (``best_fields``) would ask of one field alone that it
hold both words of a query, and five clauses for each word, of which OpenSearch takes 1,024.

Scores differ from the embedded index's in two ways: a document's length is weighted too, and Lucene keeps it in one byte.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprise.core.lexical_tokens import document_terms, query_terms
from reprise.stores.checks import check_k, check_keys, check_names
from reprise.stores.lexical.checks import check_documents, unknown_words
from reprise.stores.lexical.files import FIELDS
from reprise.stores.opensearch import indices
from reprise.stores.opensearch.errors import Missing
from reprise.stores.opensearch.indices import Place, digest
from reprise.stores.opensearch.server import Server, any_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from reprise.core.ports import Hit, LexicalDocument
    from reprise.stores.opensearch.server import Answer

MUST_MATCH = "2<50%"
"""Both of two words, half of more."""

MAX_TERMS = 1000
"""Different words of a query that count: ``indices.query.bool.max_clause_count`` is 1,024."""

TERM_LETTERS = 100
"""Of a longer word the beginning counts: OpenSearch's tokenizer cuts at 255, and a frequency stands behind it."""

_PAGE = 1000


class OpenSearchLexicalIndex:
    """A ``LexicalIndex`` on a server. Nothing is asked of it before it is needed. For many threads and processes.

    A batch is not written in one transaction: some of it may be there when an error is told; then write it again.
    """

    def __init__(self, url: str, *, timeout: float) -> None:
        """``timeout``: seconds that one answer may take. Raises ``BadSetting`` for a URL that is none."""
        self._server = Server(url, timeout=timeout)
        self._unseen: set[str] = set()

    def _place(self, owner: str, space: str) -> Place:
        check_names(owner, space)
        return Place(self._server.address.prefix, "words", f"{space}-{digest(owner)}")

    @contextmanager
    def _known(self, owner: str, space: str) -> Iterator[str]:
        """The alias to ask."""
        try:
            yield self._place(owner, space).alias
        except Missing as error:
            raise unknown_words(owner, space) from error

    @contextmanager
    def _found(self, owner: str, space: str) -> Iterator[str]:
        """The same, looked for: where no other answer would tell that there is none."""
        found = indices.find(self._server, self._place(owner, space))
        if found is None:
            raise unknown_words(owner, space)
        with self._known(owner, space) as alias:
            yield alias

    def create(self, owner: str, space: str) -> None:
        place = self._place(owner, space)
        indices.check_owner(owner)
        body = _index_body(self._server.address.replicas, place, owner, space)
        indices.ensure(self._server, place, lambda _found: True, body)

    def drop(self, owner: str, space: str) -> None:
        found = indices.find(self._server, self._place(owner, space))
        if found is not None:
            indices.delete(self._server, found)

    def upsert(self, owner: str, space: str, documents: Sequence[LexicalDocument]) -> None:
        check_documents(documents)
        with self._found(owner, space) as alias:
            self._written(alias, owner, (_line(owner, document) for document in documents))

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        plain = dict.fromkeys(check_keys(keys))
        lines = (json.dumps({"delete": {"_id": str(key)}}).encode() + b"\n" for key in plain)
        with self._found(owner, space) as alias:
            done = self._written(alias, owner, lines)
            return sum(item["result"] == "deleted" for item in done)

    def _written(self, alias: str, owner: str, lines: Iterable[bytes]) -> list[Answer]:
        try:
            return self._server.bulk(alias, lines, digest(owner))
        finally:  # part of a batch that failed may be there; and a search meanwhile has not seen what came after it
            self._unseen.add(alias)

    def count(self, owner: str, space: str) -> int:
        with self._known(owner, space) as alias:
            self._server.refresh(alias)
            return self._server.count(alias, _of(owner), digest(owner))

    def keys(self, owner: str, space: str) -> Iterator[int]:
        """Every page is asked for on its own: a slow reader holds nothing open, and sees later writes behind it."""
        first = self._page(owner, space, {})  # an unknown space is told at once
        return self._pages(owner, space, first)

    def _pages(self, owner: str, space: str, page: list[int]) -> Iterator[int]:
        while page:
            yield from page
            page = self._page(owner, space, {"search_after": [page[-1]]}) if len(page) == _PAGE else []

    def _page(self, owner: str, space: str, after: Answer) -> list[int]:
        body = {"query": _of(owner), "sort": [{"key": "asc"}], "_source": False, "size": _PAGE, **after}
        with self._known(owner, space) as alias:
            self._server.refresh(alias)
            return [int(hit["sort"][0]) for hit in self._server.hits(alias, body, digest(owner))]

    def search(
        self, owner: str, space: str, query: str, k: int, *, videos: Collection[int] = ()
    ) -> list[Hit]:
        check_k(k)
        terms = list(dict.fromkeys(term[:TERM_LETTERS] for term in query_terms(query)))[:MAX_TERMS]
        if not terms:
            with self._found(owner, space):
                return []
        with self._known(owner, space) as alias:
            if alias in self._unseen:
                self._unseen.discard(alias)
                self._server.refresh(alias)
            return self._best(alias, owner, terms, k, videos)

    def _best(self, alias: str, owner: str, terms: list[str], k: int, videos: Collection[int]) -> list[Hit]:
        from reprise.core.ports import Hit

        match = {"words": {"query": " ".join(terms), "minimum_should_match": MUST_MATCH}}
        filters = [{"term": {"owner": owner}}, *([any_of("video", videos)] if videos else [])]
        body = {
            "query": {"bool": {"must": [{"match": match}], "filter": filters}},
            "sort": [{"_score": "desc"}, {"key": "asc"}],
            "_source": False,
        }
        found: list[Hit] = []
        for page in self._server.pages(alias, body, min(k, _PAGE), digest(owner)):
            found += [Hit(int(hit["sort"][1]), float(hit["_score"])) for hit in page]
            if len(found) >= k:
                break
        return found[:k]

    def close(self) -> None:
        self._server.close()


def weighted_terms(document: LexicalDocument) -> Counter[str]:
    """How often each word counts: once for each time and each unit of its field's weight."""
    counted: Counter[str] = Counter()
    for name, weight in FIELDS.items():
        for term in document_terms(document.fields.get(name, "")):
            counted[term[:TERM_LETTERS]] += int(weight)
    return counted


def _line(owner: str, document: LexicalDocument) -> bytes:
    words = " ".join(f"{term}|{count}" for term, count in weighted_terms(document).items())
    action = {"index": {"_id": str(document.key)}}
    body = {"owner": owner, "key": document.key, "video": document.video_id, "words": words}
    return f"{json.dumps(action)}\n{json.dumps(body)}\n".encode()


def _of(owner: str) -> Answer:
    return {"bool": {"filter": [{"term": {"owner": owner}}]}}


def _index_body(replicas: int | None, place: Place, owner: str, space: str) -> Callable[[int], Answer]:
    analyzer = {"type": "custom", "tokenizer": "whitespace", "filter": ["delimited_term_freq"]}
    settings: Answer = {
        "number_of_shards": 1,
        "refresh_interval": "1s",
        "analysis": {"analyzer": {"counted_words": analyzer}},
        "similarity": {"default": {"type": "BM25", "k1": 1.2, "b": 0.75}},
    }
    if replicas is not None:
        settings["number_of_replicas"] = replicas
    words = {
        "type": "text",
        "analyzer": "counted_words",
        "search_analyzer": "whitespace",
        "index_options": "freqs",
    }
    properties = {
        "owner": {"type": "keyword"},
        "key": {"type": "long"},
        "video": {"type": "long"},
        "words": words,
    }

    def body(number: int) -> Answer:
        mappings = {
            "dynamic": "strict",
            "_meta": place.meta(number, owner=owner, space=space),
            "_source": {"excludes": ["words"]},
            "properties": properties,
        }
        return {"settings": {"index": settings}, "mappings": mappings}

    return body
