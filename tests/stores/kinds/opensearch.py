"""OpenSearch: exact below ``?exact=``, and always through the graph. On the stand-in the latter is exact too."""

from __future__ import annotations

import os
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from tests.servers.opensearch import an_opensearch
from tests.stores.kinds.traits import Traits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reprise.stores.opensearch import OpenSearchStore
    from tests.stores.kinds.traits import Opener


def _opener(options: str) -> Opener:
    @contextmanager
    def opened(_folder: Path) -> Iterator[OpenSearchStore]:
        from reprise.stores.opensearch import OpenSearchStore

        with an_opensearch(options) as url, closing(OpenSearchStore(url, timeout=60)) as store:
            yield store

    return opened


KINDS: dict[str, Opener] = {
    "opensearch": _opener("replicas=0"),
    "opensearch, several shards": _opener("replicas=0&shards=3"),
    "opensearch, approximate": _opener("replicas=0&exact=0"),
}

TRAITS = (
    {"opensearch, approximate": Traits(exact=False, recall=0.95)} if os.environ.get("OPENSEARCH_URL") else {}
)
