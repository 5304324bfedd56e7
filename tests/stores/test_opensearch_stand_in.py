"""The stand-in for OpenSearch can fail: it refuses what the manual does not have, and writes it down."""

from __future__ import annotations

import json
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.opensearch import an_opensearch
from tests.servers.opensearch.schema import CALLS
from tests.servers.opensearch.serving import StandIn, running

if TYPE_CHECKING:
    from collections.abc import Iterator

VECTOR = {"type": "knn_vector", "dimension": 2, "method": {"name": "hnsw", "space_type": "cosinesimil"}}
MAPPINGS = {
    "dynamic": "strict",
    "_routing": {"required": True},
    "_source": {"excludes": ["v"]},
    "properties": {"key": {"type": "long"}, "v": VECTOR, "crc": {"type": "long", "index": False}},
}


@pytest.fixture
def stand_in() -> Iterator[StandIn]:
    """With an index ``one`` of two documents, routed by ``r``, behind the alias ``a``."""
    with running() as made:
        body = {
            "settings": {"index": {"knn": True, "number_of_shards": 5}},
            "mappings": MAPPINGS,
            "aliases": {"a": {}},
        }
        assert ask(made, "PUT", "/one", body)[0] == 200
        lines = "".join(f'{{"index": {{"_id": "{n}"}}}}\n{{"key": {n}, "v": [1, {n}]}}\n' for n in (1, 2))
        assert ask(made, "POST", "/a/_bulk?routing=r", lines, "application/x-ndjson")[0] == 200
        yield made


def ask(
    stand_in: StandIn, method: str, target: str, body: Any = None, kind: str = "application/json"
) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", stand_in.port, timeout=10)
    try:
        sent = body if body is None or isinstance(body, str) else json.dumps(body)
        connection.request(method, target, sent, {"Content-Type": kind} if sent is not None else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


KNN = {"v": {"vector": [1, 0], "k": 2}}
SCRIPT = {"source": "knn_score", "lang": "knn", "params": {"field": "v", "query_value": [1, 0]}}
TERM = {"term": {"key": 1}}
NEW = {"properties": {"v": VECTOR}}

WRONG: dict[str, tuple[str, str, Any, str]] = {
    "unknown path": ("GET", "/one/_nothing", None, "illegal_argument_exception"),
    "unknown method": ("DELETE", "/one/_count", None, "illegal_argument_exception"),
    "unknown parameter": ("POST", "/one/_count?route=r", {}, "illegal_argument_exception"),
    "wrong parameter": ("POST", "/one/_search?allow_partial_search_results=maybe", {}, "parsing_exception"),
    "parameter missing": ("POST", "/one/_search/point_in_time", None, "action_request_validation_exception"),
    "body where none is": ("POST", "/one/_refresh", {}, "illegal_argument_exception"),
    "no JSON": ("POST", "/one/_search", "{", "json_parse_exception"),
    "unknown key": ("POST", "/one/_search", {"sizes": 3}, "parsing_exception"),
    "wrong type": ("POST", "/one/_search", {"size": "3"}, "parsing_exception"),
    "page too large": ("POST", "/one/_search", {"size": 10_001}, "parsing_exception"),
    "unknown query": ("POST", "/one/_search", {"query": {"knnn": {}}}, "parsing_exception"),
    "two queries": ("POST", "/one/_search", {"query": {**TERM, "match_all": {}}}, "parsing_exception"),
    "too many terms": (
        "POST",
        "/one/_count",
        {"query": {"terms": {"key": [1] * 65_537}}},
        "illegal_argument_exception",
    ),
    "field not indexed": (
        "POST",
        "/one/_count",
        {"query": {"term": {"crc": 1}}},
        "illegal_argument_exception",
    ),
    "k too large": (
        "POST",
        "/one/_search",
        {"query": {"knn": {"v": {**KNN["v"], "k": 10_001}}}},
        "parsing_exception",
    ),
    "k missing": ("POST", "/one/_search", {"query": {"knn": {"v": {"vector": [1, 0]}}}}, "parsing_exception"),
    "vector of another dimension": (
        "POST",
        "/one/_search",
        {"query": {"knn": {"v": {"vector": [1, 0, 0], "k": 2}}}},
        "illegal_argument_exception",
    ),
    "no space_type": (
        "POST",
        "/one/_search",
        {"query": {"script_score": {"query": TERM, "script": SCRIPT}}},
        "parsing_exception",
    ),
    "sort by nothing": (
        "POST",
        "/one/_search",
        {"sort": [{"name": "asc"}]},
        "search_phase_execution_exception",
    ),
    "search_after without sort": (
        "POST",
        "/one/_search",
        {"search_after": [1]},
        "illegal_argument_exception",
    ),
    "unknown setting": ("PUT", "/two", {"settings": {"index": {"shards": 1}}}, "parsing_exception"),
    "unknown type": (
        "PUT",
        "/two",
        {"mappings": {"properties": {"x": {"type": "vector"}}}},
        "parsing_exception",
    ),
    "dimension too large": (
        "PUT",
        "/two",
        {"mappings": {"properties": {"v": {**VECTOR, "dimension": 16_001}}}},
        "parsing_exception",
    ),
    "no analyzer": (
        "PUT",
        "/two",
        {"mappings": {"properties": {"x": {"type": "text", "analyzer": "nori"}}}},
        "mapper_parsing_exception",
    ),
    "bad name": ("PUT", "/Two", {"mappings": NEW}, "invalid_index_name_exception"),
    "delete by alias": ("DELETE", "/a", None, "illegal_argument_exception"),
    "fixed setting": (
        "PUT",
        "/one/_settings",
        {"index": {"number_of_shards": 2}},
        "illegal_argument_exception",
    ),
    "unknown block": ("PUT", "/one/_block/all", None, "illegal_argument_exception"),
    "no routing": ("GET", "/one/_doc/1", None, "routing_missing_exception"),
    "id too long": (
        "PUT",
        f"/one/_doc/{'x' * 513}?routing=r",
        {"key": 1},
        "action_request_validation_exception",
    ),
    "field not mapped": ("PUT", "/one/_doc/1?routing=r", {"keys": 1}, "strict_dynamic_mapping_exception"),
    "text for a number": ("PUT", "/one/_doc/1?routing=r", {"key": "one"}, "mapper_parsing_exception"),
    "number out of range": ("PUT", "/one/_doc/1?routing=r", {"key": 2**63}, "mapper_parsing_exception"),
    "short vector": ("PUT", "/one/_doc/1?routing=r", {"v": [1]}, "mapper_parsing_exception"),
    "zero vector": ("PUT", "/one/_doc/1?routing=r", {"v": [0, 0]}, "mapper_parsing_exception"),
    "bulk without its last newline": (
        "POST",
        "/a/_bulk?routing=r",
        '{"delete":{"_id":"1"}}',
        "illegal_argument_exception",
    ),
    "bulk of an unknown action": (
        "POST",
        "/a/_bulk?routing=r",
        '{"put":{"_id":"1"}}\n{}\n',
        "illegal_argument_exception",
    ),
    "bulk without a document": (
        "POST",
        "/a/_bulk?routing=r",
        '{"index":{"_id":"1"}}\n',
        "illegal_argument_exception",
    ),
    "bulk with an unknown key": (
        "POST",
        "/a/_bulk?routing=r",
        '{"index":{"_key":"1"}}\n{}\n',
        "parsing_exception",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_the_manual_does_not_have_is_refused_and_written_down(stand_in: StandIn, name: str) -> None:
    method, target, body, kind = WRONG[name]
    media = "application/x-ndjson" if "_bulk" in target else "application/json"
    status, answer = ask(stand_in, method, target, body, media)
    assert (status, answer["error"]["type"]) == (400, kind)
    (refused,) = stand_in.refused
    assert kind in refused


def test_the_kind_of_a_body_is_looked_at(stand_in: StandIn) -> None:
    assert ask(stand_in, "POST", "/one/_search", {}, "text/plain")[0] == 406
    assert len(stand_in.refused) == 1


def test_what_the_state_forbids_is_answered_and_not_written_down(stand_in: StandIn) -> None:
    assert ask(stand_in, "GET", "/nothing")[0] == 404
    assert ask(stand_in, "PUT", "/one", {"mappings": NEW})[0] == 400
    assert ask(stand_in, "PUT", "/one/_doc/1?routing=r&op_type=create", {"key": 1})[0] == 409
    assert ask(stand_in, "PUT", "/one/_doc/1?routing=r&if_seq_no=77&if_primary_term=1", {"key": 1})[0] == 409
    assert ask(stand_in, "PUT", "/one/_doc/9?routing=r&require_alias=true", {"key": 1})[0] == 404
    assert ask(stand_in, "GET", "/one/_doc/99?routing=r") == (
        404,
        {"_index": "one", "_id": "99", "found": False},
    )
    assert ask(stand_in, "PUT", "/one/_block/write")[0] == 200
    assert ask(stand_in, "PUT", "/one/_doc/1?routing=r", {"key": 1})[0] == 403
    assert stand_in.refused == []


def test_nothing_is_found_before_a_refresh(stand_in: StandIn) -> None:
    assert ask(stand_in, "POST", "/a/_count", {})[1]["count"] == 0
    assert ask(stand_in, "GET", "/a/_doc/1?routing=r")[1]["_source"] == {"key": 1}
    ask(stand_in, "POST", "/a/_refresh")
    assert ask(stand_in, "POST", "/a/_count", {})[1]["count"] == 2


def test_nothing_is_found_on_another_shard(stand_in: StandIn) -> None:
    ask(stand_in, "POST", "/a/_refresh")
    held = stand_in.node.indices["one"]
    elsewhere = next(word for word in "abcdefgh" if held.shard(word) != held.shard("r"))
    assert ask(stand_in, "POST", "/a/_count?routing=r", {})[1]["count"] == 2
    assert ask(stand_in, "POST", f"/a/_count?routing={elsewhere}", {})[1]["count"] == 0
    assert ask(stand_in, "GET", f"/a/_doc/1?routing={elsewhere}")[0] == 404


def test_a_test_that_was_refused_something_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENSEARCH_URL", raising=False)

    def misbehave() -> None:
        with an_opensearch() as url:
            port = int(url.split(":")[2].split("/")[0])
            connection = HTTPConnection("127.0.0.1", port, timeout=10)
            connection.request("GET", "/_cat/nothing")
            connection.getresponse().read()
            connection.close()

    with pytest.raises(AssertionError, match="no handler found"):
        misbehave()


def test_every_call_of_the_table_has_its_page() -> None:
    assert all(call.page.endswith("/") and "/" in call.page for call in CALLS)
    assert len({(call.method, call.path) for call in CALLS}) == len(CALLS)
