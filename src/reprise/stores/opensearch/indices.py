"""Indices with an alias before them: made, found again, recognised as ours, and deleted when nobody is in them.

Everybody asks the alias (``reprise-vectors-SPACE``); the index behind it carries a number (``reprise.vectors.1.SPACE``),
so that another may take its place in one step. No alias can be the name of an index: behind the prefix stands a hyphen
in the one and a full stop in the other. What the mapping's ``_meta`` does not call ours is never touched.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reprise.errors import StoreError
from reprise.stores.opensearch.errors import CURE_BLOCKED, kind_and_reason, of_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from reprise.stores.opensearch.server import Server

FORMAT = 1
"""Raised when documents of another release could not be read any more."""

_TRIES = 5

MAX_OWNER_BYTES = 32_766
"""Lucene's longest keyword."""


@dataclass(frozen=True)
class Place:
    """Where one space lies: ``kind`` is ``vectors`` or ``words``, ``name`` the space, with what else tells it apart."""

    prefix: str
    kind: str
    name: str

    @property
    def alias(self) -> str:
        return f"{self.prefix}-{self.kind}-{self.name}"

    def index(self, number: int) -> str:
        return f"{self.prefix}.{self.kind}.{number}.{self.name}"

    def meta(self, number: int, **facts: Any) -> dict[str, Any]:
        """What the mapping says of the index."""
        told = {"made_by": "reprise", "format": FORMAT, "number": number}
        return {**told, "kind": self.kind, "name": self.name, **facts}


@dataclass(frozen=True)
class Found:
    """An index of ours. ``blocked``: it takes no writes, for somebody is about to delete it."""

    index: str
    meta: dict[str, Any]
    blocked: bool

    @property
    def number(self) -> int:
        return int(self.meta["number"])


def digest(owner: str) -> str:
    """32 hex digits: owners are any text, which neither names of indices nor routings are."""
    return hashlib.sha256(owner.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def check_owner(owner: str) -> None:
    """What OpenSearch can keep as a keyword."""
    try:
        size = len(owner.encode())
    except UnicodeEncodeError as error:
        raise StoreError(f"{owner!r} is no name of an owner: it is no text") from error
    if size > MAX_OWNER_BYTES:
        raise StoreError(
            f"a name of an owner of {size} bytes is longer than OpenSearch keeps: {MAX_OWNER_BYTES}"
        )


def find(server: Server, place: Place) -> Found | None:
    """The index behind the alias. Raises ``StoreError`` when what goes by that name is not ours."""
    with server.asked() as client:
        answer = client.indices.get(index=place.alias, params={"ignore": 404})
    if "error" in answer:
        return None
    if len(answer) != 1:
        raise _foreign(server, place, f"it names {len(answer)} indices")
    ((name, told),) = answer.items()
    meta = told.get("mappings", {}).get("_meta", {})
    if meta.get("made_by") != "reprise" or (meta.get("kind"), meta.get("name")) != (place.kind, place.name):
        raise _foreign(server, place, "it was not made by Reprise for this")
    if meta.get("format") != FORMAT:
        raise StoreError(f"{name} was written by another release of Reprise", cure="upgrade Reprise")
    blocked = told["settings"]["index"].get("blocks", {}).get("write")
    return Found(name, meta, str(blocked).lower() == "true")


def make(server: Server, place: Place, number: int, body: dict[str, Any]) -> bool:
    """Make the index and its alias in one step; ``False`` when there is one of that number."""
    name = place.index(number)
    with server.asked() as client:
        whole = {**body, "aliases": {place.alias: {}}}
        answer = client.indices.create(index=name, body=whole, params={"ignore": 400})
    if "error" not in answer:
        return True
    if answer["error"].get("type") == "resource_already_exists_exception":
        return False
    raise of_status(server.address.shown, int(answer["status"]), *kind_and_reason(answer))


def ensure(
    server: Server, place: Place, fits: Callable[[Found], bool], body: Callable[[int], dict[str, Any]]
) -> None:
    """Make it unless there is one that ``fits``. One that does not gives way if nobody is in it.

    ``fits`` raises ``StoreError`` when it must not give way. Others may make and drop at the same moment.
    """
    number = 1
    for _ in range(_TRIES):
        found = find(server, place)
        if found is None:
            make(server, place, number, body(number))
            continue
        if fits(found) and not found.blocked:
            return
        number = (
            found.number + 1
        )  # never the same name: whoever deletes the old one late must not hit the new one
        retire(server, found)
    raise StoreError(f"{place.alias} is made and dropped by others at this moment", cure="try again")


def retire(server: Server, found: Found) -> bool:
    """Delete the index unless somebody has a title in it; whether it is gone.

    Writes are shut out first, and those under way have ended when that returns, so nobody can enter while we look
    (https://docs.opensearch.org/latest/api-reference/index-apis/blocks/).
    """
    if not found.blocked:
        with server.asked() as client:
            answer = client.indices.add_block(index=found.index, block="write", params={"ignore": 404})
        if "error" in answer:
            return True
    if not holders(server, found):
        delete(server, found)
        return True
    if found.blocked:
        raise StoreError(f"{found.index} takes no writes", cure=CURE_BLOCKED)
    with server.asked() as client:
        client.indices.put_settings(index=found.index, body={"index": {"blocks": {"write": False}}})
    return False


def holders(server: Server, found: Found) -> int:
    """How many owners have a title in it."""
    server.refresh(found.index)
    return server.count(found.index, {"exists": {"field": "holder"}}, None)


def delete(server: Server, found: Found) -> None:
    with server.asked() as client:
        client.indices.delete(index=found.index, params={"ignore": 404})


def _foreign(server: Server, place: Place, why: str) -> StoreError:
    return StoreError(
        f"{server.address.shown} has something else under the name {place.alias}: {why}; it was not touched",
        cure="put another PREFIX into the URL: https://HOST:9200/PREFIX",
    )
