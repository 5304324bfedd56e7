"""An OpenSearch to test against: a real one where ``OPENSEARCH_URL`` names one, else a stand-in on a free port.

The stand-in is a small HTTP server that keeps indices in memory. It knows the calls, parameters and keys that the manual
documents (``schema`` is the table, with the page of each) and refuses everything else, so it shows that Reprise speaks the
documented language: right paths, framing, types, mappings, limits. It shows as well that nothing is looked for before a
refresh has made it visible, or on another shard than it was sent to. It does NOT show that OpenSearch computes as it does:
its k-NN is exact, its BM25 is Lucene's formula in Python, and it never fails by itself. For that the same tests have to run
with ``OPENSEARCH_URL`` set (https://USER:PASSWORD@HOST:9200, a user who may make and delete indices named ``t…``).
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def an_opensearch(options: str = "") -> Iterator[str]:
    """The URL of an OpenSearch, with a prefix that nobody else has. Afterwards nothing of that prefix is left, and the
    stand-in has refused nothing."""
    prefix = f"t{secrets.token_hex(6)}"
    real = os.environ.get("OPENSEARCH_URL")
    if real:
        server, _, given = real.partition("?")
        asked = "&".join(part for part in (given, options) if part)
        try:
            yield f"{server.rstrip('/')}/{prefix}?{asked}"
        finally:
            _clear(real, prefix)
        return
    from tests.servers.opensearch.serving import running

    with running() as stand_in:
        yield f"{stand_in.url}/{prefix}?{options}"
        assert not stand_in.refused, f"the stand-in refused: {stand_in.refused}"
        assert not stand_in.node.points, "a point in time was left open"


def _clear(url: str, prefix: str) -> None:
    from reprise.stores.opensearch.server import Server

    server = Server(url, timeout=60)
    try:
        with server.asked() as client:
            for name in client.indices.get(index=f"{prefix}.*"):
                client.indices.delete(index=name)
    finally:
        server.close()
