"""zvec behind one small door: build an index of vectors in a new folder, open it to read, ask for candidates.

Measured with zvec 0.8 (Linux): any number of processes may hold a collection open read-only at once; a
writer shuts out all others, so a collection is written once, closed, and from then on only read. A reader
goes on answering after its folder was renamed or removed.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING
from zlib import crc32

from reprise.drafts import PRIVATE_FOLDER, private_folder, write_private

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import zvec
    from zvec import Collection

    from reprise.core.ports import Vectors

FIELD = "vector"
COLLECTION = "zvec"
MANIFEST = "index.json"
FORMAT = 1

ROUNDS = 5
"""Of k-means, which divides the vectors into lists."""

LEAST_PROBED = 48
PROBED = 1 / 6
"""The share of the lists that a question looks into. See the package's notes for what it finds."""

READ_BYTES = 1 << 20


class IndexUnusable(Exception):
    """The index cannot be read; the rows answer instead."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was made of. It is written last, with a checksum of every other file."""

    format: int
    token: str
    seq: int
    count: int
    dimension: int
    files: dict[str, tuple[int, int]]


def available() -> bool:
    """Whether zvec is there: it has no build for every platform."""
    return importlib.util.find_spec("zvec") is not None  # importing it costs 0.3 s of CPU


def build(
    folder: Path,
    token: str,
    seq: int,
    dimension: int,
    about: int,
    blocks: Iterable[tuple[list[int], Vectors]],
) -> Manifest:
    """Write an index of ``blocks`` (keys, vectors of shape (n, dimension)), ``about`` so many vectors in all,
    into the new ``folder``.

    Raises ``IndexUnusable`` when zvec or the disk will not have it.
    """
    try:
        private_folder(folder.parent)
        folder.mkdir(mode=PRIVATE_FOLDER)
        count = _fill(str(folder / COLLECTION), _schema(dimension, about), blocks)
        manifest = Manifest(FORMAT, token, seq, count, dimension, _checksums(folder / COLLECTION))
        write_private(folder / MANIFEST, json.dumps(asdict(manifest)).encode())
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise IndexUnusable(str(error)) from error
    return manifest


def _fill(path: str, schema: zvec.CollectionSchema, blocks: Iterable[tuple[list[int], Vectors]]) -> int:
    import zvec

    collection = zvec.create_and_open(path, schema)
    count = 0
    try:
        for keys, vectors in blocks:
            _insert(collection, keys, vectors)
            count += len(keys)
        collection.flush()
        collection.optimize()
    finally:
        collection.close()
    return count


def lists(count: int) -> int:
    """Into how many lists ``count`` vectors are divided: 506 of 198 each for 100,000."""
    return max(1, round(1.6 * math.sqrt(count)))


def probes(count: int) -> int:
    """How many of the lists a question looks into; all of them below 900 vectors."""
    return min(lists(count), max(LEAST_PROBED, round(PROBED * lists(count))))


def _schema(dimension: int, count: int) -> zvec.CollectionSchema:
    import zvec

    shape = zvec.IVFIndexParam(metric_type=zvec.MetricType.IP, n_list=lists(count), n_iters=ROUNDS)
    field = zvec.VectorSchema(FIELD, zvec.DataType.VECTOR_FP32, dimension, index_param=shape)
    return zvec.CollectionSchema(name=COLLECTION, fields=[], vectors=[field])


def _insert(collection: Collection, keys: list[int], vectors: Vectors) -> None:
    import zvec

    for start in range(0, len(keys), 1000):  # zvec takes 1024 documents at most in one call
        part = range(start, min(start + 1000, len(keys)))
        states = collection.insert([zvec.Doc(id=str(keys[i]), vectors={FIELD: vectors[i]}) for i in part])
        failed = next((state for state in states if not state.ok()), None)
        if failed is not None:
            raise IndexUnusable(str(failed))


def read_manifest(folder: Path) -> Manifest:
    try:
        told = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        files = {str(name): (int(size), int(crc)) for name, (size, crc) in told.pop("files").items()}
        manifest = Manifest(**told, files=files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise IndexUnusable(f"its manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise IndexUnusable(f"its format is {manifest.format}, not {FORMAT}")
    return manifest


class Index:
    """An index opened to read."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Raises ``IndexUnusable`` when any byte of it is not as it was written."""
        self.manifest = manifest
        self._collection = _open(folder, manifest)

    def candidates(self, query: Vectors, k: int) -> list[int]:
        """The keys of about the ``k`` nearest to ``query`` (dimension,), in no reliable order."""
        import zvec

        width = zvec.IVFQueryParam(nprobe=probes(self.manifest.count))
        wanted = zvec.Query(field_name=FIELD, vector=query, param=width)
        try:
            found = self._collection.query(wanted, topk=k, output_fields=[])
            return [int(document.id) for document in found]
        except (RuntimeError, ValueError) as error:
            raise IndexUnusable(str(error)) from error


def _open(folder: Path, manifest: Manifest) -> Collection:
    try:
        if _checksums(folder / COLLECTION) != manifest.files:
            raise IndexUnusable("its files are not those that were written")
        import zvec

        option = zvec.CollectionOption(read_only=True)
        collection = zvec.open(str(folder / COLLECTION), option)
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        raise IndexUnusable(str(error)) from error
    if collection.stats.doc_count == manifest.count:
        return collection
    collection.close()
    raise IndexUnusable(f"it holds {collection.stats.doc_count} vectors, not {manifest.count}")


def _checksums(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and crc32 of every file with content; 0.05 s for the index of 100,000 × 160."""
    found = {}
    for parent, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(parent, name)
            size, crc = _checksum(path)
            if size and name != "LOG":  # a log of the key-value store inside, written by whoever opens it
                found[os.path.relpath(path, folder)] = (size, crc)
    return found


def _checksum(path: str) -> tuple[int, int]:
    size = crc = 0
    with open(path, "rb") as file:
        while chunk := file.read(READ_BYTES):
            size, crc = size + len(chunk), crc32(chunk, crc)
    return size, crc
