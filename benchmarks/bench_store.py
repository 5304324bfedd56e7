"""The embedded vector store beside plain numpy, in one run: ``python benchmarks/bench_store.py --json``.

Clustered unit vectors of uneven clusters. Times are medians; ratios are against numpy's product and
partition over the same matrix in memory, measured between the store's own queries.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reprise.stores.embedded import EmbeddedStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from reprise.core.ports import Hit, Vectors

OWNER, SPACE = "bench", "bench-000000000000"
CLUSTERS = 2000
K = 10

COLD = """
import sys, time
start = time.perf_counter()
from pathlib import Path
import numpy as np
from reprise.stores.embedded import EmbeddedStore
loaded = time.perf_counter()
store = EmbeddedStore(Path(sys.argv[1]), index_from=int(sys.argv[3]))
store.search("bench", "bench-000000000000", np.load(sys.argv[2]), 10)
print(loaded - start, time.perf_counter() - loaded)
store.close()
"""


def clustered(count: int, dimension: int) -> Vectors:
    """Unit vectors around centres whose clusters differ in size (1/rank) and width."""
    rng = np.random.default_rng(20261120)
    centres = rng.normal(size=(CLUSTERS, dimension)).astype(np.float32)
    weights = 1 / np.arange(1, CLUSTERS + 1)
    which = rng.choice(CLUSTERS, count, p=weights / weights.sum())
    width = rng.uniform(0.1, 1.2, CLUSTERS).astype(np.float32)[which]
    found = centres[which] + rng.standard_normal((count, dimension), dtype=np.float32) * width[:, None]
    unit: Vectors = found / np.linalg.norm(found, axis=1, keepdims=True)
    return unit


def seconds(body: Callable[[], object]) -> float:
    start = time.perf_counter()
    body()
    return time.perf_counter() - start


def median_ms(body: Callable[[Vectors], object], queries: Vectors) -> float:
    return 1000 * float(np.median([seconds(lambda q=q: body(q)) for q in queries]))  # type: ignore[misc]


def write(store: EmbeddedStore, vectors: Vectors, batch: int) -> float:
    """Milliseconds per vector."""

    def body() -> None:
        for start in range(0, len(vectors), batch):
            part = vectors[start : start + batch]
            store.upsert(OWNER, SPACE, range(start, start + len(part)), part)

    return 1000 * seconds(body) / len(vectors)


def by_numpy(vectors: Vectors, query: Vectors) -> NDArray[np.intp]:
    near = vectors @ query
    best = np.argpartition(near, len(near) - K)[len(near) - K :]
    return best[np.argsort(-near[best])]


def recall(found: Sequence[Sequence[Hit]], truth: Sequence[Sequence[Hit]]) -> float:
    same = [len({h.key for h in a} & {h.key for h in b}) for a, b in zip(found, truth, strict=True)]
    return sum(same) / (K * len(same))


def cold(folder: Path, query: Vectors, index_from: int) -> dict[str, float]:
    """A fresh process: importing the store, then opening it and answering one question. Milliseconds."""
    at = folder / "query.npy"
    np.save(at, query)
    command = [sys.executable, "-c", COLD, str(folder), str(at), str(index_from)]
    runs = [
        [
            1000 * float(x)
            for x in subprocess.run(command, capture_output=True, check=True, text=True).stdout.split()
        ]
        for _ in range(3)
    ]
    return {"import_ms": sorted(r[0] for r in runs)[1], "first_answer_ms": sorted(r[1] for r in runs)[1]}


def measure(count: int, dimension: int, batch: int, folder: Path) -> dict[str, object]:
    vectors = clustered(count, dimension)
    picked = np.random.default_rng(1).integers(0, count, 200)
    queries = vectors[picked]
    before_mb = peak_mb()
    store = EmbeddedStore(folder, index_from=1)
    store.create(OWNER, SPACE, dimension)
    out: dict[str, object] = {"vectors": count, "dimension": dimension, "batch": batch}
    out["insert_ms_per_vector"] = write(store, vectors, batch)
    out["upsert_ms_per_vector"] = write(store, vectors, batch)
    out["write_memory_mb"] = peak_mb() - before_mb
    out["exact_first_ms"] = 1000 * seconds(lambda: store.search(OWNER, SPACE, queries[0], K))
    out["numpy_ms"] = median_ms(lambda q: by_numpy(vectors, q), queries)
    out["exact_ms"] = median_ms(lambda q: store.search(OWNER, SPACE, q, K), queries)
    truth = [store.search(OWNER, SPACE, q, K) for q in queries]
    out["exact_cold"] = cold(folder, queries[0], count + 1)
    out["build_s"] = seconds(lambda: store.flush(OWNER, SPACE))
    out["indexed_open_ms"] = 1000 * seconds(lambda: store.search(OWNER, SPACE, queries[0], K))
    out["indexed_ms"] = median_ms(lambda q: store.search(OWNER, SPACE, q, K), queries)
    found = [store.search(OWNER, SPACE, q, K) for q in queries]
    out["indexed_recall_at_10"] = recall(found, truth)
    out["indexed_cold"] = cold(folder, queries[0], 1)
    out["verify_s"] = seconds(lambda: store.verify(OWNER, SPACE))
    out["peak_memory_mb"] = peak_mb()
    out["disk_mb"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    store.close()
    out["exact_to_numpy"] = _ratio(out, "exact_ms", "numpy_ms")
    out["indexed_to_numpy"] = _ratio(out, "indexed_ms", "numpy_ms")
    return out


def _ratio(out: dict[str, object], over: str, under: str) -> float:
    return float(str(out[over])) / float(str(out[under]))


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=100_000)
    parser.add_argument("--dimension", type=int, default=160)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--json", action="store_true", help="one JSON object on one line")
    chosen = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        out = measure(chosen.vectors, chosen.dimension, chosen.batch, Path(folder))
    if chosen.json:
        print(json.dumps(out))
        return 0
    for name, value in out.items():
        print(f"{name:24} {value:.4g}" if isinstance(value, float) else f"{name:24} {value}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
