"""What may be asked of OpenSearch, as its manual has it: one table of calls, and the bodies that they take.

``page`` is the page of the manual beneath https://docs.opensearch.org/latest/. Calls, parameters and keys that Reprise has
no use for are left out: the stand-in refuses them too, and whoever begins to use one looks it up and adds it here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.servers.opensearch.rules import (
    Refusal,
    anything,
    by_name,
    digits,
    each,
    either,
    flag,
    number,
    scalar,
    shape,
    text,
    whole,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.servers.opensearch.rules import Rule

MAX_WINDOW = 10_000  # index.max_result_window: install-and-configure/configuring-opensearch/index-settings/
MAX_TERMS = 65_536  # index.max_terms_count, the same page
MAX_CLAUSES = (
    1024  # indices.query.bool.max_clause_count: install-and-configure/configuring-opensearch/search-settings/
)
MAX_ID_BYTES = 512  # api-reference/document-apis/bulk/
MAX_DIMENSION = 16_000  # mappings/supported-field-types/knn-vector/
MAX_K = 10_000  # query-dsl/specialized/k-nn/


def query(value: Any, where: str) -> None:
    """One query of the DSL: an object with one key, its name."""
    if not isinstance(value, dict) or len(value) != 1:
        raise Refusal(400, "parsing_exception", f"[{where}] query malformed, one name expected")
    ((name, body),) = value.items()
    if name not in QUERIES:
        raise Refusal(400, "parsing_exception", f"unknown query [{name}]")
    QUERIES[name](body, f"{where}.{name}")


_CLAUSES = either(each(query, MAX_CLAUSES, "clauses"), query)

# query                 page of the manual
QUERIES: Mapping[str, Rule] = {
    "match_all": shape({}),  # query-dsl/match-all/
    "term": by_name(scalar, 1),  # query-dsl/term/term/
    "terms": by_name(each(scalar, MAX_TERMS, "terms"), 1),  # query-dsl/term/terms/
    "exists": shape({"field": text}, ["field"]),  # query-dsl/term/exists/
    "bool": shape(  # query-dsl/compound/bool/
        {
            "must": _CLAUSES,
            "filter": _CLAUSES,
            "should": _CLAUSES,
            "must_not": _CLAUSES,
            "minimum_should_match": either(whole(0, 1024), text),
        }
    ),
    "match": by_name(  # query-dsl/full-text/match/, query-dsl/minimum-should-match/
        shape({"query": text, "minimum_should_match": either(whole(0, 1024), text)}, ["query"]), 1
    ),
    "script_score": shape(  # vector-search/vector-search-techniques/knn-score-script/
        {
            "query": query,
            "script": shape(
                {
                    "source": words("knn_score"),
                    "lang": words("knn"),
                    "params": shape(
                        {"field": text, "query_value": each(number), "space_type": words("cosinesimil")},
                        ["field", "query_value", "space_type"],
                    ),
                },
                ["source", "lang", "params"],
            ),
        },
        ["query", "script"],
    ),
    "knn": by_name(  # query-dsl/specialized/k-nn/, vector-search/filter-search-knn/efficient-knn-filtering/
        shape({"vector": each(number), "k": whole(1, MAX_K), "filter": query}, ["vector", "k"]), 1
    ),
}

_SORT = each(by_name(either(words("asc", "desc"), shape({"order": words("asc", "desc")})), 1))

# api-reference/search-apis/search/, search-plugins/searching-data/paginate/, .../point-in-time-api/
SEARCH = shape(
    {
        "query": query,
        "size": whole(0, MAX_WINDOW),
        "sort": _SORT,
        "search_after": each(scalar),
        "_source": either(flag, each(text)),
        "track_total_hits": either(flag, whole(0, 1 << 31)),
        "pit": shape({"id": text, "keep_alive": text}, ["id"]),
    }
)

_FIELD = by_name(
    either(
        shape(  # mappings/supported-field-types/keyword/, numeric/, binary/
            {
                "type": words("keyword", "long", "integer", "binary"),
                "index": flag,
                "doc_values": flag,
            },
            ["type"],
        ),
        shape(  # mappings/supported-field-types/text/
            {
                "type": words("text"),
                "analyzer": text,
                "search_analyzer": text,
                "index_options": words("docs", "freqs", "positions", "offsets"),
            },
            ["type"],
        ),
        shape(  # mappings/supported-field-types/knn-vector/, knn-methods-engines/
            {
                "type": words("knn_vector"),
                "dimension": whole(1, MAX_DIMENSION),
                "method": shape(
                    {
                        "name": words("hnsw"),
                        "space_type": words("cosinesimil"),
                        "engine": words("lucene", "faiss"),
                        "parameters": shape({"m": whole(2, 100), "ef_construction": whole(1, 10_000)}),
                    },
                    ["name"],
                ),
            },
            ["type", "dimension"],
        ),
    )
)

# mappings/, mappings/dynamic/, mappings/metadata-fields/source/, .../routing/, .../meta/
MAPPINGS = shape(
    {
        "dynamic": words("strict"),
        "_meta": anything,
        "_routing": shape({"required": flag}),
        "_source": shape({"enabled": flag, "excludes": each(text), "includes": each(text)}),
        "properties": _FIELD,
    }
)

# install-and-configure/configuring-opensearch/index-settings/, vector-search/settings/ (knn)
INDEX_SETTINGS = shape(
    {
        "knn": flag,
        "number_of_shards": whole(1, 1024),
        "number_of_replicas": whole(0, 1 << 31),
        "refresh_interval": text,
        "blocks": shape({"write": flag, "read_only_allow_delete": flag}),
        "analysis": shape(  # analyzers/custom-analyzer/, analyzers/token-filters/delimited-term-frequency/
            {
                "analyzer": by_name(
                    shape(
                        {
                            "type": words("custom"),
                            "tokenizer": words("whitespace"),
                            "filter": each(words("delimited_term_freq")),
                        },
                        ["type", "tokenizer"],
                    )
                )
            }
        ),
        "similarity": by_name(  # mappings/mapping-parameters/similarity/
            shape({"type": words("BM25"), "k1": number, "b": number}, ["type"])
        ),
    }
)

CREATE = shape(  # api-reference/index-apis/create-index/
    {"settings": shape({"index": INDEX_SETTINGS}), "mappings": MAPPINGS, "aliases": by_name(shape({}))}
)

_YES_NO = words("true", "false")
_REFRESH = words("true", "false", "wait_for")


@dataclass(frozen=True)
class Call:
    """``body``: the rule for what is sent, ``None``: nothing may be, ``"lines"``: NDJSON."""

    method: str
    path: str
    page: str
    params: Mapping[str, Rule] = field(default_factory=dict)
    body: Rule | str | None = None
    needed: tuple[str, ...] = ()


_INDEX, _DOCUMENT, _SEARCH = (
    "api-reference/index-apis/",
    "api-reference/document-apis/",
    "api-reference/search-apis/",
)
_PIT = "search-plugins/searching-data/point-in-time-api/"
_OCC = {"if_seq_no": digits, "if_primary_term": digits}

CALLS = (
    Call("GET", "/", "install-and-configure/install-opensearch/"),
    Call("GET", "/{index}", _INDEX + "get-index/", {"ignore_unavailable": _YES_NO, "flat_settings": _YES_NO}),
    Call(
        "PUT", "/{index}", _INDEX + "create-index/", {"timeout": text, "wait_for_active_shards": text}, CREATE
    ),
    Call("DELETE", "/{index}", _INDEX + "delete-index/", {"ignore_unavailable": _YES_NO, "timeout": text}),
    Call("PUT", "/{index}/_block/{block}", _INDEX + "blocks/", {"timeout": text}),
    Call(
        "PUT",
        "/{index}/_settings",
        _INDEX + "update-settings/",
        {"timeout": text},
        shape({"index": INDEX_SETTINGS}, ["index"]),
    ),
    Call("POST", "/{index}/_refresh", _INDEX + "refresh/", {"ignore_unavailable": _YES_NO}),
    Call(
        "POST",
        "/{index}/_bulk",
        _DOCUMENT + "bulk/",
        {"routing": text, "require_alias": _YES_NO, "refresh": _REFRESH, "timeout": text},
        "lines",
    ),
    Call(
        "PUT",
        "/{index}/_doc/{document}",
        _DOCUMENT + "index-document/",
        {
            "routing": text,
            "require_alias": _YES_NO,
            "refresh": _REFRESH,
            "op_type": words("index", "create"),
            **_OCC,
        },
        anything,
    ),
    Call(
        "GET",
        "/{index}/_doc/{document}",
        _DOCUMENT + "get-documents/",
        {"routing": text, "realtime": _YES_NO, "_source_includes": text},
    ),
    Call(
        "DELETE",
        "/{index}/_doc/{document}",
        _DOCUMENT + "delete-document/",
        {"routing": text, "refresh": _REFRESH, **_OCC},
    ),
    Call(
        "POST",
        "/{index}/_mget",
        _DOCUMENT + "multi-get/",
        {"routing": text, "realtime": _YES_NO, "_source_includes": text},
        shape({"ids": each(text)}, ["ids"]),
    ),
    Call(
        "POST",
        "/{index}/_delete_by_query",
        _DOCUMENT + "delete-by-query/",
        {
            "routing": text,
            "conflicts": words("abort", "proceed"),
            "refresh": _REFRESH,
            "max_docs": digits,
            "scroll_size": digits,
        },
        shape({"query": query}, ["query"]),
    ),
    Call("POST", "/{index}/_count", _SEARCH + "count/", {"routing": text}, shape({"query": query})),
    Call(
        "POST",
        "/{index}/_search",
        _SEARCH + "search/",
        {"routing": text, "allow_partial_search_results": _YES_NO},
        SEARCH,
    ),
    Call("POST", "/_search", _SEARCH + "search/", {"allow_partial_search_results": _YES_NO}, SEARCH),
    Call(
        "POST",
        "/{index}/_search/point_in_time",
        _PIT,
        {"keep_alive": text, "routing": text, "allow_partial_pit_creation": _YES_NO},
        None,
        ("keep_alive",),
    ),
    Call("DELETE", "/_search/point_in_time", _PIT, {}, shape({"pit_id": each(text)}, ["pit_id"])),
)

BULK_ACTIONS: Mapping[str, Rule] = {  # api-reference/document-apis/bulk/
    "index": shape({"_id": text, "routing": text, **dict.fromkeys(_OCC, whole(0, 1 << 62))}),
    "create": shape({"_id": text, "routing": text}),
    "delete": shape({"_id": text, "routing": text}, ["_id"]),
}
