"""What the server's errors mean to us, one by one: those that no server of the tests can be brought to give."""

from __future__ import annotations

import pytest

from reprise.errors import DiskFull, RepriseError, StoreAway, StoreError, StoreRefused
from reprise.stores.milvus.address import parsed
from reprise.stores.milvus.connection import Connection, NoCollection, NotLoaded
from tests.stores.kinds.milvus import need

ERRORS: dict[tuple[int, str], type[RepriseError]] = {
    (7, "disk quota exceeded"): DiskFull,
    (9, "force deny: disk quota exceeded, please allocate more resources"): DiskFull,
    (3, "memory limit exceeded"): StoreError,
    (1, "service not ready[standalone=1]: Initializing"): StoreAway,
    (2, "service unavailable"): StoreAway,
    (8, "[upsert] Retry timeout: 30s, message=request is rejected by limiter"): StoreAway,
    (65535, "node not healthy, state=Abnormal"): StoreAway,
    (1400, "invalid credential"): StoreRefused,
    (65535, "auth check failure, please check username and password are correct"): StoreRefused,
    (1401, "permission deny to ada in the `music` database"): StoreRefused,
    (800, "database not found[database=music]"): StoreRefused,
    (100, "collection not found[database=default][collection=x]"): NoCollection,
    (101, "collection not loaded[collection=1]"): NotLoaded,
    (65535, "fail to get shard leaders from QueryCoord: channel not available"): NotLoaded,
    (1100, "invalid parameter"): StoreError,
}


@pytest.mark.parametrize("told", ERRORS, ids=lambda told: told[1][:30])
def test_every_error_of_the_server_is_one_of_ours(told: tuple[int, str]) -> None:
    need("pymilvus")
    from pymilvus.exceptions import MilvusException

    connection = Connection(parsed("http://ada:very-secret@milvus:19530/music"), 1)
    code, text = told
    meant = connection._meant(MilvusException(code, f"{text}; sent with ada:very-secret"))
    assert type(meant) is ERRORS[told]
    assert meant.cure or isinstance(meant, NoCollection | NotLoaded)
    assert text.split("[")[0][:20] in meant.message
    assert "very-secret" not in f"{meant.message} {meant.cure}"
