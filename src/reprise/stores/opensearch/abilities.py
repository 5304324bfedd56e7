"""What OpenSearch as a store of vectors can do."""

from __future__ import annotations

from reprise.core.store_abilities import StoreAbilities
from reprise.stores.opensearch.address import FORM

MAX_DIMENSION = 16_000
"""Of ``knn_vector``: https://docs.opensearch.org/latest/mappings/supported-field-types/knn-vector/"""

OPENSEARCH = StoreAbilities(
    name="OpenSearch",
    setting="opensearch",
    extra="opensearch",
    address=FORM,
    exact="up to 20,000 vectors of an owner; ?exact=N changes it",
    index="HNSW of Lucene or faiss, above; candidates are scored again from the rows",
    owner_filter="a filter inside each query, and a shard by owner",
    delete_by_item=True,
    scan=True,
    snapshot=True,
    writers=True,
    processes=True,
    transactional=False,
    largest_k=10_000,
    largest_dimension=MAX_DIMENSION,
    largest_index_dimension=None,
    tried="opensearch-py 3.2 against a stand-in that checks requests; no real server yet",
)
