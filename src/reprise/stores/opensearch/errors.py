"""What OpenSearch and the way to it say, told as our errors with the cure. No password can stand in them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reprise.errors import DiskFull, RepriseError, StoreAway, StoreError, StoreRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

CURE_BLOCKED = "wait and try again; if it stays so, remove the index's setting index.blocks.write"
CURE_PLUGIN = "install OpenSearch's k-NN plugin (it belongs to the full distribution), then start it again"
CURE_ROOM = (
    "free disk space on OpenSearch's nodes; it takes writes again by itself, and the same command goes on"
)
CURE_SHARDS = "raise cluster.max_shards_per_node, add nodes, or set lexical_store to embedded"
CURE_SIZE = "raise http.max_content_length of OpenSearch, or of the proxy before it"
CURE_TLS = "name the certificates to trust: ?ca=FILE; or trust any of them: ?verify=no; or write http:// where there is no TLS"
CURE_RIGHTS = (
    "correct user and password in the URL, or give the user rights to make, read, write and delete PREFIX*"
)

_AWAY = frozenset({408, 429, 502, 503, 504})
_REASON_LETTERS = 500


class Missing(StoreError):
    """The index, or the alias, is not there."""


@contextmanager
def told(shown: str) -> Iterator[None]:
    """Errors of the body about the server ``shown`` come out as ``StoreError`` kinds or ``DiskFull``."""
    from opensearchpy import exceptions as theirs

    try:
        yield
    except theirs.SSLError as error:
        raise StoreRefused(f"{shown}: no secure connection: {_short(error)}", cure=CURE_TLS) from error
    except theirs.ConnectionError as error:
        raise StoreAway(f"{shown} does not answer: {_short(error)}") from error
    except theirs.TransportError as error:
        kind, reason = kind_and_reason(error.info if isinstance(error.info, dict) else str(error.error))
        raise of_status(shown, int(error.status_code), kind, reason) from error
    except theirs.SerializationError as error:
        raise StoreRefused(
            f"what answers at {shown} does not speak as OpenSearch does", cure="correct the URL of OpenSearch"
        ) from error


def kind_and_reason(info: Any) -> tuple[str, str]:
    """Type and reason out of the body of an answer, which may be of any form."""
    error = info.get("error", info) if isinstance(info, dict) else info
    if not isinstance(error, dict):
        return "", str(error)[:_REASON_LETTERS]
    causes = [error, *error.get("root_cause", ()), error.get("caused_by") or {}]
    reasons = dict.fromkeys(str(cause["reason"]) for cause in causes if cause.get("reason"))
    return str(error.get("type", "")), "; ".join(reasons)[:_REASON_LETTERS]


def of_status(shown: str, status: int, kind: str, reason: str) -> RepriseError:
    """The error that an answer, or one line of a bulk's answer, tells of."""
    said = f"{shown}: {kind or status}: {reason}" if reason else f"{shown} answers {status}"
    if kind == "cluster_block_exception":
        return _of_block(shown, reason, said)
    if kind == "index_not_found_exception":
        return Missing(said)
    if status in _AWAY:
        return StoreAway(said)
    refused = {
        401: StoreRefused(f"{shown} does not know the user, or the password is wrong"),
        403: StoreRefused(f"{said}: the user may not do that", cure=CURE_RIGHTS),
        413: StoreError(f"{shown} refuses a batch as too large", cure=CURE_SIZE),
    }
    return refused.get(status) or _of_reason(reason, said)


def _of_block(shown: str, reason: str, said: str) -> RepriseError:
    # the watermark's block says "read-only-allow-delete"; set by hand it says "read-only / allow delete"
    if "read-only-allow-delete" in reason or "/12/" in reason:
        return DiskFull(f"{shown} has no disk space left: {reason}", cure=CURE_ROOM)
    return StoreError(said, cure=CURE_BLOCKED)


def _of_reason(reason: str, said: str) -> RepriseError:
    if ("knn_vector" in reason and "No handler" in reason) or "unknown setting [index.knn" in reason:
        return StoreRefused(f"{said}: its k-NN plugin is missing", cure=CURE_PLUGIN)
    if "maximum" in reason and "shards open" in reason:
        return StoreError(said, cure=CURE_SHARDS)
    return StoreError(said)


def _short(error: Any) -> str:
    """Why there is no connection, without the objects that urllib3 names."""
    text = str(error.info or error.error)
    return text.rsplit(": ", 1)[-1][:_REASON_LETTERS]
