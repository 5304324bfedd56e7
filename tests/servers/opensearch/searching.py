"""How the stand-in finds and scores: by the formulas of OpenSearch's manual and of Lucene, over all documents."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tests.servers.opensearch.rules import Refusal
from tests.servers.opensearch.schema import MAX_CLAUSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.servers.opensearch.indices import Document, Index

K1, B = 1.2, 0.75


def quantised(length: int) -> int:
    """A document's length as Lucene's norm keeps it in one byte: ``SmallFloat.intToByte4`` and back."""
    if length < 24:  # 255 - 231 values are free for small lengths
        return length
    rest = length - 24
    bits = max(rest.bit_length() - 4, 0)
    return 24 + (rest >> bits << bits)


class Search:
    """One query over documents of one index. ``version`` of the server decides how vectors score."""

    def __init__(self, index: Index, documents: Sequence[Document], version: tuple[int, int]) -> None:
        self._index = index
        self._documents = documents
        self._version = version

    def scored(self, query: dict[str, Any]) -> list[tuple[Document, float]]:
        """Those that match, in no order; scores are float32 as in Lucene."""
        scores = self._scores(query)
        by_id = {document.id: document for document in self._documents}
        return [(by_id[id_], float(np.float32(score))) for id_, score in scores.items()]

    def _scores(self, query: dict[str, Any]) -> dict[str, float]:
        ((name, body),) = query.items()
        method: Callable[[Any], dict[str, float]] = getattr(self, f"_{name}")
        return method(body)

    def _all(self, test: Callable[[Document], bool], score: float = 1.0) -> dict[str, float]:
        return {document.id: score for document in self._documents if test(document)}

    def _match_all(self, _body: Any) -> dict[str, float]:
        return self._all(lambda _document: True)

    def _term(self, body: dict[str, Any]) -> dict[str, float]:
        ((name, value),) = body.items()
        self._refuse_unindexed(name)
        return self._all(lambda document: document.fields.get(name) == value)

    def _terms(self, body: dict[str, Any]) -> dict[str, float]:
        ((name, values),) = body.items()
        self._refuse_unindexed(name)
        wanted = set(values)
        return self._all(lambda document: document.fields.get(name) in wanted)

    def _exists(self, body: dict[str, Any]) -> dict[str, float]:
        return self._all(lambda document: body["field"] in document.fields)

    def _refuse_unindexed(self, name: str) -> None:
        if self._index.fields.get(name, {}).get("index") is False:
            raise Refusal(
                400, "illegal_argument_exception", f"Cannot search on field [{name}] since it is not indexed"
            )

    def _bool(self, body: dict[str, Any]) -> dict[str, float]:
        def clauses(name: str) -> list[dict[str, float]]:
            found = body.get(name, [])
            return [self._scores(one) for one in (found if isinstance(found, list) else [found])]

        must, filters, should, barred = map(clauses, ("must", "filter", "should", "must_not"))
        least = body.get("minimum_should_match", 0 if must or filters else min(1, len(should)))
        out: dict[str, float] = {}
        for document in self._documents:
            hit = [scores[document.id] for scores in should if document.id in scores]
            needed = all(document.id in scores for scores in (*must, *filters))
            if needed and len(hit) >= int(least) and not any(document.id in scores for scores in barred):
                out[document.id] = sum(scores[document.id] for scores in must) + sum(hit)
        return out

    # vectors

    def _script_score(self, body: dict[str, Any]) -> dict[str, float]:
        matched = self._scores(body["query"])
        params = body["script"]["params"]
        cosines = self._cosines(matched, params["field"], params["query_value"])
        if self._version < (2, 19):
            return {id_: 1 + cosine for id_, cosine in cosines.items()}
        return {id_: (1 + cosine) / 2 for id_, cosine in cosines.items()}

    def _knn(self, body: dict[str, Any]) -> dict[str, float]:
        ((name, told),) = body.items()
        if not self._index.settings.get("knn"):
            raise Refusal(400, "illegal_argument_exception", f"Field '{name}' is not knn_vector type.")
        matched = self._scores(told["filter"]) if "filter" in told else self._exists({"field": name})
        cosines = self._cosines(matched, name, told["vector"])
        best = sorted(cosines, key=lambda id_: -cosines[id_])[: told["k"]]
        return {id_: (1 + cosines[id_]) / 2 for id_ in best}

    def _cosines(self, ids: Iterable[str], name: str, values: list[float]) -> dict[str, float]:
        """float32 throughout, as the engines compute."""
        mapped = self._index.fields.get(name, {})
        if mapped.get("type") != "knn_vector" or mapped["dimension"] != len(values):
            raise Refusal(400, "illegal_argument_exception", f"query vector does not fit the field [{name}]")
        query = np.array(values, np.float32)
        wanted = set(ids)
        chosen = [document for document in self._documents if document.id in wanted]
        if any(name not in document.fields for document in chosen):
            raise Refusal(400, "script_exception", f"a document has no value for the field [{name}]")
        if not chosen:
            return {}
        rows = np.stack([document.fields[name] for document in chosen])
        found = rows @ query / (np.sqrt((rows * rows).sum(axis=1)) * np.sqrt(query @ query))
        return {document.id: float(cosine) for document, cosine in zip(chosen, found, strict=True)}

    # words

    def _match(self, body: dict[str, Any]) -> dict[str, float]:
        """BM25 as Lucene has it, without the constant factor k1 + 1, which it dropped."""
        ((name, told),) = body.items()
        mapped = self._index.fields[name]
        if mapped["type"] != "text":
            raise Refusal(400, "illegal_argument_exception", f"the stand-in matches texts only, not [{name}]")
        analyzer = mapped.get("search_analyzer", mapped["analyzer"])
        terms = [term for term, _ in self._index.analysed(analyzer, told["query"])]
        if len(terms) > MAX_CLAUSES:
            raise Refusal(400, "too_many_nested_clauses", f"maxClauseCount is set to {MAX_CLAUSES}")
        held = {
            document.id: document.fields[name] for document in self._documents if document.fields.get(name)
        }
        if not held:
            return {}
        lengths = {id_: sum(words.values()) for id_, words in held.items()}
        mean = sum(lengths.values()) / len(held)
        least = min_should_match(told.get("minimum_should_match", 1), len(terms))
        totals: dict[str, float] = {}
        times: dict[str, int] = {}
        for term in terms:
            holding = [id_ for id_, words in held.items() if term in words]
            idf = math.log1p((len(held) - len(holding) + 0.5) / (len(holding) + 0.5))
            for id_ in holding:
                frequency = held[id_][term]
                norm = K1 * (1 - B + B * quantised(lengths[id_]) / mean)
                totals[id_] = totals.get(id_, 0.0) + idf * frequency / (frequency + norm)
                times[id_] = times.get(id_, 0) + 1
        return {id_: score for id_, score in totals.items() if times[id_] >= least}


def min_should_match(told: int | str, clauses: int) -> int:
    """A whole number, or ``N<P%``: up to N clauses all, of more P percent, rounded down."""
    if isinstance(told, int):
        return min(told, clauses)
    bound, _, percent = told.partition("<")
    if not percent.endswith("%"):
        raise Refusal(400, "illegal_argument_exception", f"the stand-in cannot read [{told}]")
    return clauses if clauses <= int(bound) else clauses * int(percent[:-1]) // 100
