"""What is moved beside tables: the vectors of a space, and the words of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reprise.core.made_up_paths import video_of
from reprise.core.moving import Page
from reprise.core.ports import LexicalDocument
from reprise.core.scene_texts import lexical_fields
from reprise.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.moving import Key, Marks
    from reprise.core.ports import LexicalIndex, VectorStore

PAGE_BYTES = 8 << 20
"""Of vectors in one transaction of a store: each waits for its disk."""
MOST_ROWS = 8000
WORDS_ROWS = 500
FLOAT_BYTES = 4
ROW_BYTES = 60
"""What a vector takes beside its numbers."""
WORDS_BYTES = 1000
"""What the words of a scene are taken for: a guess, for a percentage."""


class Owned(NamedTuple):
    """A space of one owner, as stores know it."""

    owner: str
    space: str


def is_unknown(error: StoreError) -> bool:
    """Whether a store says that it has no such space; servers that are away and damaged files are kinds of their own."""
    return type(error) is StoreError


def count_of(counted: Callable[[str, str], int], owned: Owned) -> int | None:
    """How many a store has, or ``None`` when it does not know the space. Raises the other ``StoreError`` kinds."""
    try:
        return counted(owned.owner, owned.space)
    except StoreError as error:
        if is_unknown(error):
            return None
        raise


@dataclass(frozen=True, slots=True)
class VectorPart:
    """The vectors of one space and owner. A row is its key (8 bytes, little-endian) and its float32 bytes."""

    owned: Owned
    dimension: int
    size: int
    source: VectorStore
    target: VectorStore
    marks: Marks

    @property
    def name(self) -> str:
        return f"vectors {self.owned.space} of {self.owned.owner}"

    @property
    def weight(self) -> int:
        return self.size * (self.dimension * FLOAT_BYTES + ROW_BYTES)

    @property
    def _batch(self) -> int:
        return max(1, min(MOST_ROWS, PAGE_BYTES // (self.dimension * FLOAT_BYTES)))

    def read(self) -> Iterator[Page]:
        return _vector_pages(self.source, self.owned, self._batch)

    def read_back(self, *, ordered: bool = False) -> Iterator[Page]:
        """Stores scan in key order anyway."""
        del ordered
        return _vector_pages(self.target, self.owned, self._batch)

    def begin(self, mark: Key | None) -> None:
        if mark is None:
            self.target.drop(*self.owned)
        self.target.create(*self.owned, self.dimension)

    def write(self, page: Page, after: int) -> None:
        keys = [key for (key,) in page.keys[after:]]
        self.target.upsert(*self.owned, keys, page.rows[after:])
        self.marks.put(self.name, page.keys[-1])

    def finish(self) -> None:
        self.target.flush(*self.owned)


def _vector_pages(store: VectorStore, owned: Owned, batch: int) -> Iterator[Page]:
    for keys, vectors in store.scan(*owned, batch):
        plain = [int(key) for key in keys]
        yield Page([(key,) for key in plain], list(_vector_blobs(plain, vectors)), vectors)


def _vector_blobs(keys: Sequence[int], vectors: NDArray[np.float32]) -> Iterator[bytes]:
    import numpy as np

    flat = memoryview(np.ascontiguousarray(vectors, dtype="<f4").tobytes())
    width = len(flat) // len(keys) if keys else 0
    for place, key in enumerate(keys):
        yield key.to_bytes(8, "little") + flat[place * width : (place + 1) * width]


@dataclass(frozen=True, slots=True)
class WordsPart:
    """The words of one space and owner. They are indexed anew from the texts of the catalogue, so a row is its key.

    ``texts``: of these items, path and text, ascending by id; an item without words is left out.
    """

    owned: Owned
    size: int
    source: LexicalIndex
    target: LexicalIndex
    marks: Marks
    texts: Callable[[str, Sequence[int]], Sequence[tuple[int, bytes, str]]]

    @property
    def name(self) -> str:
        return f"words {self.owned.space} of {self.owned.owner}"

    @property
    def weight(self) -> int:
        return self.size * WORDS_BYTES

    def read(self) -> Iterator[Page]:
        for keys in _parts(self.source.keys(*self.owned)):
            found = self.texts(self.owned.owner, keys)
            documents = [
                LexicalDocument(key, video_of(path) or 0, lexical_fields(text)) for key, path, text in found
            ]
            yield _keys_page([key for key, _, _ in found], documents)

    def read_back(self, *, ordered: bool = False) -> Iterator[Page]:
        del ordered
        for keys in _parts(self.target.keys(*self.owned)):
            yield _keys_page(keys, [])

    def begin(self, mark: Key | None) -> None:
        if mark is None:
            self.target.drop(*self.owned)
        self.target.create(*self.owned)

    def write(self, page: Page, after: int) -> None:
        self.target.upsert(*self.owned, page.rows[after:])
        self.marks.put(self.name, page.keys[-1])

    def finish(self) -> None:
        """An index of words is ready as it is."""


def _keys_page(keys: Sequence[int], documents: Sequence[LexicalDocument]) -> Page:
    return Page([(key,) for key in keys], [key.to_bytes(8, "little") for key in keys], documents)


def _parts(keys: Iterator[int]) -> Iterator[list[int]]:
    part: list[int] = []
    for key in keys:
        part.append(key)
        if len(part) == WORDS_ROWS:
            yield part
            part = []
    if part:
        yield part
