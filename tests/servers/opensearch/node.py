"""The stand-in without its HTTP: indices in memory, and an answer for each call of the table."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

from tests.servers.opensearch.indices import Document, Index
from tests.servers.opensearch.rules import Refusal
from tests.servers.opensearch.schema import BULK_ACTIONS, MAX_DIMENSION, MAX_ID_BYTES
from tests.servers.opensearch.searching import Search

Params = dict[str, str]
Answer = tuple[int, dict[str, Any]]

_FORBIDDEN = set(' ,:"*+/\\|?#><')


@dataclass
class Node:
    """``hurt``: ids of documents that a bulk does not take, with the status and error that it tells instead."""

    version: str = "3.1.0"
    distribution: str = "opensearch"
    indices: dict[str, Index] = field(default_factory=dict)
    points: dict[str, tuple[Index, dict[str, Document], str | None]] = field(default_factory=dict)
    hurt: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def _version(self) -> tuple[int, int]:
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    # names

    def named(self, name: str) -> Index:
        """The index of that name, or the one behind the alias."""
        if name in self.indices:
            return self.indices[name]
        found = [index for index in self.indices.values() if name in index.aliases]
        if not found:
            raise Refusal(404, "index_not_found_exception", f"no such index [{name}]", expected=True)
        if len(found) > 1:
            raise Refusal(
                400, "illegal_argument_exception", f"alias [{name}] has more than one index", expected=True
            )
        return found[0]

    def _writable(self, name: str, params: Params) -> Index:
        known = name in self.indices or any(name in index.aliases for index in self.indices.values())
        if not known and params.get("require_alias") != "true":
            reason = f"[{name}] would be made by itself (action.auto_create_index), which no test wants"
            raise Refusal(400, "illegal_argument_exception", reason)
        index = self.named(name)
        if params.get("require_alias") == "true" and name in self.indices:
            reason = f"no such index [{name}] and [require_alias] request flag is [true] and [{name}] is not an alias"
            raise Refusal(404, "index_not_found_exception", reason, expected=True)
        return index

    # calls on indices

    def get_root(self, _params: Params, _body: Any) -> Answer:
        version = {"number": self.version, "distribution": self.distribution}
        if not self.distribution:
            del version["distribution"]
        return 200, {"name": "stand-in", "cluster_name": "test", "version": version, "tagline": "…"}

    def get_index(self, _params: Params, _body: Any, index: str) -> Answer:
        found = self.named(index)
        settings = {"index": {**found.settings, "uuid": found.name}}
        return 200, {found.name: {"aliases": found.aliases, "mappings": found.mappings, "settings": settings}}

    def put_index(self, _params: Params, body: Any, index: str) -> Answer:
        if index in self.indices or any(index in one.aliases for one in self.indices.values()):
            reason = f"index [{index}/x] already exists"
            raise Refusal(400, "resource_already_exists_exception", reason, expected=True)
        for name in (index, *body.get("aliases", {})):
            _check_name(name)
        mappings = {"properties": {}, **body.get("mappings", {})}
        settings = body.get("settings", {}).get("index", {})
        _check_mapping(mappings["properties"], settings)
        if clash := [alias for alias in body.get("aliases", {}) if alias in self.indices]:
            raise Refusal(
                400, "invalid_alias_name_exception", f"an index has the name [{clash[0]}]", expected=True
            )
        self.indices[index] = Index(index, dict(settings), mappings, dict(body.get("aliases", {})))
        return 200, {"acknowledged": True, "shards_acknowledged": True, "index": index}

    def delete_index(self, _params: Params, _body: Any, index: str) -> Answer:
        if index not in self.indices:
            found = self.named(index)
            reason = f"The provided expression [{index}] matches an alias of [{found.name}], specify the index instead."
            raise Refusal(400, "illegal_argument_exception", reason)
        del self.indices[index]
        return 200, {"acknowledged": True}

    def put_block(self, _params: Params, _body: Any, index: str, block: str) -> Answer:
        if block not in {"metadata", "read", "read_only", "write"}:
            raise Refusal(400, "illegal_argument_exception", f"No block found with name {block}")
        found = self.named(index)
        found.settings["blocks"] = {**found.settings.get("blocks", {}), block: True}
        told = [{"name": found.name, "blocked": True}]
        return 200, {"acknowledged": True, "shards_acknowledged": True, "indices": told}

    def put_settings(self, _params: Params, body: Any, index: str) -> Answer:
        found = self.named(index)
        if fixed := {"knn", "number_of_shards", "analysis", "similarity"} & set(body["index"]):
            raise Refusal(
                400, "illegal_argument_exception", f"Can't update non dynamic settings [{sorted(fixed)}]"
            )
        found.settings |= body["index"]
        return 200, {"acknowledged": True}

    def post_refresh(self, _params: Params, _body: Any, index: str) -> Answer:
        self.named(index).refresh()
        return 200, {"_shards": _shards()}

    # calls on documents

    def post_bulk(self, params: Params, body: bytes, index: str) -> Answer:
        lines = _lines(body)
        items: list[dict[str, Any]] = []
        while lines:
            action, told = _action(lines.pop(0))
            source = _object(lines.pop(0)) if action != "delete" and lines else None
            if action != "delete" and source is None:
                raise Refusal(400, "illegal_argument_exception", f"the action [{action}] has no document")
            items.append({action: self._bulk_item(action, told, source, params, index)})
        return 200, {
            "took": 1,
            "errors": any("error" in one for item in items for one in item.values()),
            "items": items,
        }

    def _bulk_item(
        self, action: str, told: dict[str, Any], source: dict[str, Any] | None, params: Params, name: str
    ) -> dict[str, Any]:
        id_ = told.get("_id") or secrets.token_hex(10)
        shown = {"_index": name, "_id": id_}
        try:
            index = self._writable(name, params)
            index.refuse_block()
            if id_ in self.hurt:
                status, error = self.hurt[id_]
                return {**shown, "status": status, "error": error}
            _check_id(id_)
            routing = told.get("routing", params.get("routing"))
            if action == "delete" or source is None:
                gone = index.remove(id_, routing)
                return {**shown, "status": 200 if gone else 404, "result": "deleted" if gone else "not_found"}
            result = "updated" if id_ in index.live else "created"
            seq_no = index.put(id_, routing, source).seq_no
        except Refusal as refusal:
            if not refusal.expected:
                raise
            return {
                **shown,
                "status": refusal.status,
                "error": {"type": refusal.kind, "reason": refusal.reason},
            }
        return {**shown, "status": 201 if result == "created" else 200, "result": result, "_seq_no": seq_no}

    def put_doc(self, params: Params, body: Any, index: str, document: str) -> Answer:
        found = self._writable(index, params)
        found.refuse_block()
        _check_id(document)
        held = found.find(document, params.get("routing"))
        if params.get("op_type") == "create" and held is not None:
            raise Refusal(
                409,
                "version_conflict_engine_exception",
                f"[{document}]: document already exists",
                expected=True,
            )
        if "if_seq_no" in params and (held is None or held.seq_no != int(params["if_seq_no"])):
            raise Refusal(
                409, "version_conflict_engine_exception", f"[{document}]: another version", expected=True
            )
        made = found.put(document, params.get("routing"), body)
        _refresh_as_told(found, params)
        told = {
            "_index": found.name,
            "_id": document,
            "_seq_no": made.seq_no,
            "_primary_term": 1,
            "_shards": _shards(),
        }
        return (200, {**told, "result": "updated"}) if held else (201, {**told, "result": "created"})

    def get_doc(self, params: Params, _body: Any, index: str, document: str) -> Answer:
        found = self.named(index)
        held = found.find(document, params.get("routing"))
        if held is None:
            return 404, {"_index": found.name, "_id": document, "found": False}
        return 200, {**_shown(found, held, params), "_seq_no": held.seq_no, "_primary_term": 1, "found": True}

    def delete_doc(self, params: Params, _body: Any, index: str, document: str) -> Answer:
        found = self.named(index)
        found.refuse_block()
        gone = found.remove(document, params.get("routing"))
        _refresh_as_told(found, params)
        told = {"_index": found.name, "_id": document, "_shards": _shards()}
        return (200, {**told, "result": "deleted"}) if gone else (404, {**told, "result": "not_found"})

    def post_mget(self, params: Params, body: Any, index: str) -> Answer:
        found = self.named(index)
        docs = []
        for id_ in body["ids"]:
            held = found.find(id_, params.get("routing"))
            gone = {"_index": found.name, "_id": id_, "found": False}
            docs.append({**_shown(found, held, params), "found": True} if held else gone)
        return 200, {"docs": docs}

    def post_delete_by_query(self, params: Params, body: Any, index: str) -> Answer:
        found = self.named(index)
        matched = self._search(found, found.seen, params.get("routing")).scored(body["query"])
        if matched:
            found.refuse_block()
        most = int(params.get("max_docs", 1 << 60))
        deleted = sum(found.remove(document.id, document.routing) for document, _ in matched[:most])
        conflicts = len(matched[:most]) - deleted
        _refresh_as_told(found, params)
        return 200, {
            "took": 1,
            "timed_out": False,
            "total": deleted + conflicts,
            "deleted": deleted,
            "version_conflicts": conflicts,
            "failures": [],
        }

    # searches

    def post_count(self, params: Params, body: Any, index: str) -> Answer:
        found = self.named(index)
        matched = self._search(found, found.seen, params.get("routing")).scored(
            body.get("query", {"match_all": {}})
        )
        return 200, {"count": len(matched), "_shards": _shards()}

    def post_search(self, params: Params, body: Any, index: str = "") -> Answer:
        if "pit" in body:
            if index or "routing" in params:
                raise Refusal(
                    400, "action_request_validation_exception", "[indices] cannot be used with point in time"
                )
            if body["pit"]["id"] not in self.points:
                raise Refusal(
                    404, "search_phase_execution_exception", "No search context found", expected=True
                )
            found, seen, routing = self.points[body["pit"]["id"]]
        else:
            found, routing = self.named(index), params.get("routing")
            found.refresh_when_due()
            seen = found.seen
        search = self._search(found, seen, routing)
        hits = _page(found, search.scored(body.get("query", {"match_all": {}})), body)
        return 200, {"took": 1, "timed_out": False, "_shards": _shards(), "hits": {"hits": hits}}

    def _search(self, index: Index, seen: dict[str, Document], routing: str | None) -> Search:
        shard = None if routing is None else index.shard(routing)
        reached = [one for one in seen.values() if shard in (None, index.shard(one.routing))]
        return Search(index, reached, self._version)

    def post_point_in_time(self, params: Params, _body: Any, index: str) -> Answer:
        found = self.named(index)
        name = secrets.token_urlsafe(30)
        self.points[name] = (found, found.seen, params.get("routing"))
        return 200, {"pit_id": name, "_shards": _shards(), "creation_time": 1}

    def delete_point_in_time(self, _params: Params, body: Any) -> Answer:
        pits = [
            {"pit_id": name, "successful": self.points.pop(name, None) is not None} for name in body["pit_id"]
        ]
        return 200, {"pits": pits}


def _shards() -> dict[str, int]:
    return {"total": 1, "successful": 1, "skipped": 0, "failed": 0}


def _check_name(name: str) -> None:
    """api-reference/index-apis/create-index/: index naming restrictions."""
    if (
        name != name.lower()
        or name.startswith(("_", "-"))
        or set(name) & _FORBIDDEN
        or len(name.encode()) > 255
    ):
        raise Refusal(400, "invalid_index_name_exception", f"Invalid index name [{name}]")


def _check_mapping(fields: dict[str, Any], settings: dict[str, Any]) -> None:
    analyzers = {"whitespace", "standard", *settings.get("analysis", {}).get("analyzer", {})}
    for name, mapped in fields.items():
        for role in ("analyzer", "search_analyzer"):
            if mapped.get(role, "standard") not in analyzers:
                raise Refusal(
                    400, "mapper_parsing_exception", f"analyzer [{mapped[role]}] not found for [{name}]"
                )
        if mapped["type"] == "knn_vector" and mapped["dimension"] > MAX_DIMENSION:
            raise Refusal(400, "mapper_parsing_exception", "Dimension value cannot be greater than 16000")


def _check_id(id_: str) -> None:
    if len(id_.encode()) > MAX_ID_BYTES:
        raise Refusal(
            400, "action_request_validation_exception", f"id [{id_}] is too long, must be no longer than 512"
        )


def _lines(body: bytes) -> list[bytes]:
    if not body.endswith(b"\n"):
        raise Refusal(
            400, "illegal_argument_exception", "The bulk request must be terminated by a newline [\\n]"
        )
    return body[:-1].split(b"\n")


def _action(line: bytes) -> tuple[str, dict[str, Any]]:
    told = _object(line)
    if len(told) != 1 or next(iter(told)) not in BULK_ACTIONS:
        raise Refusal(400, "illegal_argument_exception", f"Malformed action/metadata line: {line[:100]!r}")
    ((action, body),) = told.items()
    BULK_ACTIONS[action](body, action)
    return action, body


def _object(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError as error:
        raise Refusal(400, "json_parse_exception", str(error)) from error
    if not isinstance(told, dict):
        raise Refusal(400, "illegal_argument_exception", f"an object was expected: {line[:100]!r}")
    return told


def _refresh_as_told(index: Index, params: Params) -> None:
    if params.get("refresh", "false") != "false":
        index.refresh()


def _shown(index: Index, document: Document, params: Params) -> dict[str, Any]:
    wanted = params.get("_source_includes")
    names = wanted.split(",") if wanted else document.source
    source = {name: document.source[name] for name in names if name in document.source}
    return {"_index": index.name, "_id": document.id, "_routing": document.routing, "_source": source}


def _page(index: Index, matched: list[tuple[Document, float]], body: dict[str, Any]) -> list[dict[str, Any]]:
    orders = [_order(index, one) for one in body.get("sort", [{"_score": "desc"}])]
    after = body.get("search_after")
    if after is not None and ("sort" not in body or len(after) != len(orders)):
        raise Refusal(400, "illegal_argument_exception", "search_after has not as many values as sort")

    def values(document: Document, score: float) -> list[Any]:
        return [score if name == "_score" else document.fields.get(name, 0) for name, _ in orders]

    def place(row: list[Any]) -> list[Any]:
        return [-value if falling else value for value, (_, falling) in zip(row, orders, strict=True)]

    ranked = sorted(
        ((place(values(*one)), one) for one in matched), key=lambda pair: (pair[0], pair[1][0].seq_no)
    )
    rest = [one for where, one in ranked if after is None or where > place(after)]
    scoring = any(name == "_score" for name, _ in orders)
    hits = []
    for document, score in rest[: body.get("size", 10)]:
        hit: dict[str, Any] = {"_index": index.name, "_id": document.id, "_score": score if scoring else None}
        if document.routing != document.id:
            hit["_routing"] = document.routing
        if body.get("_source", True):
            wanted = body["_source"] if isinstance(body.get("_source"), list) else document.source
            hit["_source"] = {name: document.source[name] for name in wanted if name in document.source}
        hits.append(hit | ({"sort": values(document, score)} if "sort" in body else {}))
    return hits


def _order(index: Index, told: dict[str, Any]) -> tuple[str, bool]:
    ((name, how),) = told.items()
    mapped = index.fields.get(name, {})
    if name != "_score" and (
        not mapped or mapped["type"] in {"text", "binary"} or mapped.get("doc_values") is False
    ):
        raise Refusal(
            400, "search_phase_execution_exception", f"No mapping found for [{name}] in order to sort on"
        )
    return name, (how if isinstance(how, str) else how["order"]) == "desc"
