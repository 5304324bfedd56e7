"""A process that writes batches until it is killed; as a program: address of the store."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from typing import TYPE_CHECKING

from reprise.stores.milvus import MilvusStore
from tests.stores.samples import DIMENSION, OWNER, SPACE, unit

if TYPE_CHECKING:
    from typing import NoReturn

BATCH = 100
MOST = 20_000


def killed_writer(url: str, after: int) -> list[int]:
    """The keys that a writer was told are stored; it is killed while it writes on, ``after`` batches from its start.

    Key ``n`` has row ``n`` of ``unit(m, seed=3)``, whatever ``m`` is.
    """
    with subprocess.Popen([sys.executable, "-m", __name__, url], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        acknowledged = [int(writer.stdout.readline()) for _ in range(after)]
        writer.kill()
        acknowledged += [int(line) for line in writer.stdout.read().splitlines() if line.isdigit()]
    return list(range((max(acknowledged) + 1) * BATCH))


def main(url: str) -> NoReturn:
    store = MilvusStore(url, timeout=30)
    store.create(OWNER, SPACE, DIMENSION)
    rows = unit(MOST, seed=3)
    for batch in count():
        keys = range(batch * BATCH, (batch + 1) * BATCH)
        store.upsert(OWNER, SPACE, keys, rows[keys.start : keys.stop])
        print(batch, flush=True)
    raise AssertionError


if __name__ == "__main__":
    main(sys.argv[1])
