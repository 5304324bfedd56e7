"""OpenSearch as a store of vectors and as an index of words, through opensearch-py.

- ``address``: the one URL that says where it is and how indices are made.
- ``server``: the connection, the check of its version, and requests whose every answer is looked at.
- ``errors``: what it says, told as our errors.
- ``indices``: indices behind aliases, and what tells ours from others'.
- ``documents``: what lies in an index of vectors. ``searching``: the nearest of them. ``store``: the port.
- ``lexical``: the index of words.

A space is one index for all owners; each owner has a shard of it by routing, and a title. Above ``?exact=`` vectors of
an owner, a search goes through a graph (HNSW) and is approximate; below it compares all.
"""

from reprise.stores.opensearch.abilities import OPENSEARCH
from reprise.stores.opensearch.lexical import OpenSearchLexicalIndex
from reprise.stores.opensearch.store import OpenSearchStore

ABILITIES = (OPENSEARCH,)

__all__ = ["ABILITIES", "OpenSearchLexicalIndex", "OpenSearchStore"]
