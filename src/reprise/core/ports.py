"""The ports: what the engine asks of the world. Adapters implement them; tests bring fakes.

Whatever belongs to an owner names the owner first, and there is no default.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.analysis import Analysis
    from reprise.core.choices import ModelChoices
    from reprise.core.items import Tags
    from reprise.core.plan import Operation
    from reprise.core.records import Catalogue
    from reprise.core.spec import ModelCard
    from reprise.core.store_abilities import StoreAbilities
    from reprise.core.video import Description, Extract, Transcript
    from reprise.errors import ItemError

    Vectors: TypeAlias = NDArray[np.float32]
    Told: TypeAlias = Extract | Transcript | Description


@dataclass(frozen=True, slots=True)
class Hit:
    """One answer of a search. ``score`` is the cosine similarity, -1 to 1."""

    key: int
    score: float


@dataclass(frozen=True, slots=True)
class StoreReport:
    """What a store found when it checked a space. ``damaged`` lists keys whose row fails its checksum."""

    count: int
    damaged: tuple[int, ...] = ()
    index: str = "none"
    problem: str = ""


class VectorStore(Protocol):
    """Vectors by owner, space and key (an item's id). Vectors are float32, unit length, metric cosine.

    All calls raise ``StoreError`` when the store cannot do its work, and ``DiskFull`` when the disk is.
    A space that was never created raises ``StoreError`` naming it. What its ``abilities`` lack raises ``StoreUnable``.
    """

    @property
    def abilities(self) -> StoreAbilities: ...

    def create(self, owner: str, space: str, dimension: int) -> None:
        """Make the space for this owner; doing it twice is fine, with another dimension it raises."""

    def drop(self, owner: str, space: str) -> None:
        """Remove this owner's vectors of the space; a space that is not there is fine."""

    def upsert(self, owner: str, space: str, keys: Sequence[int], vectors: Vectors) -> None:
        """Write all of ``vectors`` (n, dimension) under ``keys`` in one transaction, or none of them."""

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        """Remove; returns how many were there."""

    def get(self, owner: str, space: str, keys: Collection[int]) -> Mapping[int, Vectors]:
        """The vectors that are there, each of shape (dimension,)."""

    def count(self, owner: str, space: str) -> int: ...

    def scan(self, owner: str, space: str, batch: int = 1000) -> Iterator[tuple[Sequence[int], Vectors]]:
        """All vectors in key order, ``batch`` at a time, in constant memory."""

    def search(
        self, owner: str, space: str, vector: Vectors, k: int, *, exclude: Collection[int] = ()
    ) -> list[Hit]:
        """The ``k`` nearest by cosine, best first, ties by key; never an excluded key."""

    def flush(self, owner: str, space: str) -> None:
        """Make searching fast again after many writes (build or refresh an index). Never changes answers."""

    def verify(self, owner: str, space: str) -> StoreReport: ...

    def snapshot(self, owner: str, space: str, target: Path) -> None:
        """Write this owner's vectors of the space to a new file."""

    def restore(self, owner: str, space: str, source: Path) -> None:
        """Replace this owner's vectors of the space by those of a snapshot, wholly or not at all."""

    def close(self) -> None: ...


class Audio(Protocol):
    """One file's sound, decoded on demand in constant memory."""

    @property
    def sample_rate(self) -> int: ...

    @property
    def declared_seconds(self) -> float | None:
        """What the container says; it may lie."""

    def blocks(self) -> Iterator[NDArray[np.float32]]:
        """Mono blocks of shape (n,), nominal range -1 to 1, in order. Raises ``ItemError`` kinds."""


@runtime_checkable
class SeekableAudio(Protocol):
    """Sound of which a part can be had without decoding what lies before it."""

    @property
    def sample_rate(self) -> int: ...

    @property
    def vouched_seconds(self) -> float | None:
        """The length that the container counts, not one guessed from a bit rate; ``None`` when it counts nothing."""

    def excerpt(self, start: int, samples: int) -> NDArray[np.float32] | None:
        """``samples`` samples from ``start`` on, shape (samples,); ``None`` when they are not all there."""


Tap: TypeAlias = "Callable[[int, NDArray[np.float32]], None]"
"""Hears blocks as (rate in Hz, samples of shape (channels, n), nominal range -1 to 1), in order.

The samples are overwritten once it returns. Among those of a damaged file of floats may be some that are no number.
"""


@runtime_checkable
class NativeAudio(Protocol):
    """Sound that can also be heard as the file holds it, while it is decoded for somebody else."""

    def tap(self, listener: Tap | None) -> None:
        """From now on ``listener`` hears every channel at the file's own rate of what ``blocks`` and ``excerpt`` decode.

        Rate and channels are those that the sound begins with, whatever comes later. Nothing is decoded twice.
        """


@runtime_checkable
class Described(Protocol):
    """Sound that may have words beside it."""

    def description(self) -> str | None:
        """What somebody wrote about it. Raises ``ItemError`` kinds for a text that cannot be read."""


class EmbeddingModel(Protocol):
    """One embedding method. Constructing it costs nothing and loads nothing."""

    @property
    def card(self) -> ModelCard: ...

    def load(self) -> None:
        """Bring the weights into memory. Only the process that encodes calls this."""

    def prepare(self, audio: Audio) -> NDArray[np.float32]:
        """Decode-side work of one item, without the weights: any shape that ``encode`` understands."""

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> Vectors:
        """(n, dimension), one row per prepared item, before the gate normalises them.

        Raises ``MemoryError`` when the batch is too large: it is halved and tried again.
        """

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        """Two prepared inputs that sound nothing alike; their vectors must differ (checked when it loads)."""


@runtime_checkable
class WindowedModel(Protocol):
    """A model that hears a track window by window. Constructing it costs nothing and loads nothing.

    Windows of several tracks go through :meth:`encode` together; the engine keeps what comes out and turns it into
    one vector by the spec's ``pooling`` (``reprise.core.pooling``).
    """

    @property
    def card(self) -> ModelCard: ...

    def load(self) -> None:
        """Bring the weights into memory. Only the process that encodes calls this. Raises ``ModelError`` kinds."""

    def windows(self, audio: Audio) -> Iterator[NDArray[np.float32]]:
        """Decode-side work of one item, without the weights: windows of one shape, in order, as they are decoded."""

    def encode(self, windows: Sequence[NDArray[np.float32]]) -> Sequence[NDArray[np.float32]]:
        """For each window its features, of shape (D,) or (T, D).

        Raises ``MemoryError`` when the batch is too large, ``DeviceLost`` when the device is gone.
        """

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        """Two windows that sound nothing alike; their vectors must differ (checked when it loads)."""

    def placement(self) -> str:
        """Where and how it runs once it is loaded, for people: ``cuda:0, float16``."""


@runtime_checkable
class ListeningModel(Protocol):
    """A model that also tells what it heard; otherwise it is an :class:`EmbeddingModel`, and works on its own."""

    def listen(self, audio: Audio) -> tuple[NDArray[np.float32], Analysis]:
        """What ``prepare`` gives, and what was heard, from one decoding."""


@dataclass(frozen=True, slots=True)
class Document:
    """What a model that hears no sound looks at: a text, or a file (absolute path): a picture or a video."""

    text: str = ""
    file: bytes = b""

    def __reduce__(self) -> tuple[type[Document], tuple[object, ...]]:
        """As ``core.items.InputState``."""
        return Document, (self.text, self.file)


@runtime_checkable
class ReadingModel(Protocol):
    """A model of texts or pictures; otherwise it is an :class:`EmbeddingModel`, and hears nothing."""

    def read(self, document: Document) -> NDArray[np.float32]:
        """What ``prepare`` gives of sound: the document as ``encode`` understands it, without the weights.

        Raises ``ItemError`` kinds.
        """


@runtime_checkable
class TellingModel(Protocol):
    """A model that makes no vector (its spec's dimension is 0) and tells what it found instead, which is kept."""

    @property
    def card(self) -> ModelCard: ...

    def load(self) -> None:
        """Bring into memory what it needs. Raises ``ModelError`` kinds."""

    def tell(self, document: Document) -> Told:
        """What there is in it. Raises ``ItemError`` kinds."""


@dataclass(frozen=True, slots=True)
class LexicalDocument:
    """The words of one scene by field: ``transcript``, ``description``, ``summary``, ``combined``, ``tags``."""

    key: int
    video_id: int
    fields: Mapping[str, str]


class LexicalIndex(Protocol):
    """Words by owner, space and key (a scene's id). Texts of every language, those without spaces included.

    All calls raise ``StoreError`` when the index cannot do its work, and ``DiskFull`` when the disk is.
    """

    def create(self, owner: str, space: str) -> None:
        """Make the space for this owner; doing it twice is fine."""

    def drop(self, owner: str, space: str) -> None: ...

    def upsert(self, owner: str, space: str, documents: Sequence[LexicalDocument]) -> None:
        """Write all of them in one transaction, or none."""

    def delete(self, owner: str, space: str, keys: Collection[int]) -> int:
        """Remove; returns how many were there."""

    def count(self, owner: str, space: str) -> int: ...

    def keys(self, owner: str, space: str) -> Iterator[int]:
        """All keys, ascending, in constant memory."""

    def search(
        self, owner: str, space: str, query: str, k: int, *, videos: Collection[int] = ()
    ) -> list[Hit]:
        """The ``k`` best by BM25, best first, ties by key; scores are positive and have no upper limit.

        ``videos``: of these only, unless it is empty. A query without words finds nothing.
        """

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class StepPorts:
    """What a step that the job's own process carries out may touch."""

    catalogue: Catalogue
    store: VectorStore
    lexical: LexicalIndex


@runtime_checkable
class DirectStep(Protocol):
    """What the job's own process does from what is stored. It is registered like a model; constructing it costs nothing.

    With a spec of dimension 0 it keeps what it makes itself, by owner, space and item: then ``keys`` tells of what, and
    ``open``, ``forget`` and ``drop`` are called where the store's like would be. With a dimension the store keeps its
    vectors, and of these methods none is called.
    """

    @property
    def card(self) -> ModelCard: ...

    def attach(self, ports: StepPorts) -> None:
        """Called once, before anything that follows."""

    def open(self, owner: str, space: str) -> None:
        """Make the space; doing it twice is fine."""

    def work(
        self, owner: str, space: str, operations: Sequence[Operation]
    ) -> Sequence[NDArray[np.float32] | ItemError | None]:
        """For each operation a vector, why there is none, or ``None`` when it is done and makes no vector."""

    def keys(self, owner: str, space: str) -> Iterator[int] | None:
        """The items that it keeps something of, ascending; ``None`` when it makes vectors, which the store keeps."""

    def forget(self, owner: str, space: str, keys: Collection[int]) -> None:
        """These items are gone, or have nothing in its channel any more."""

    def drop(self, owner: str, space: str) -> None: ...


@runtime_checkable
class ChoosableModel(Protocol):
    """A model that asks how it is to run."""

    def configure(self, choices: ModelChoices) -> None:
        """Called once, before anything else. Loads nothing."""


@runtime_checkable
class DownloadableModel(Protocol):
    """A model whose weights come from a model hub."""

    def fetch(self, told: Callable[[str], None]) -> None:
        """Bring the weights to disk unless they are there; ``told`` hears of licence and progress.

        Raises ``WeightsMissing`` (offline, a hub that does not answer) and ``WeightsRefused``.
        """


@runtime_checkable
class TextModel(Protocol):
    """A model that brings text and music into one space."""

    def load_text(self) -> None:
        """Bring into memory what text needs, and no more. Raises ``ModelError`` kinds."""

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """The text's vector, shape (dimension,)."""


class QueryEncoder(Protocol):
    """Turns texts into vectors that can be compared with a model's stored ones."""

    def fingerprint(self, model: str) -> str:
        """Of the installed model's spec: what it reads belongs to a space of the same fingerprint only."""

    def encode(self, model: str, texts: Sequence[str]) -> Vectors:
        """The texts' vectors, shape (n, dimension), unit length. Raises ``UsageError`` for a model that reads no text."""


class Part(NamedTuple):
    """What a scan looks at: a folder relative to the library's root, and what lies below it if ``deep``."""

    folder: bytes = b""
    deep: bool = True

    def holds(self, path: bytes) -> bool:
        """Whether the path, relative to the root, lies in this part."""
        if self.folder and not path.startswith(self.folder + b"/"):
            return False
        return self.deep or b"/" not in path[len(self.folder) + 1 :]


WHOLE = Part()


class Source(Protocol):
    """Yields the files of a library, in the byte order of their relative paths."""

    def walk(self, part: Part = WHOLE) -> Iterator[FoundFile | ScanProblem]: ...

    def tags(self, path: bytes) -> Tags:
        """Read one file's tags; what cannot be read is simply missing from the answer."""

    def digest(self, path: bytes) -> bytes:
        """32 bytes over the essence: the same after retagging, another after any change of the audio.

        Raises ``Unreadable`` or ``Vanished``.
        """

    def folders(self, folder: bytes) -> list[bytes]:
        """Names of the folders in ``folder``, which is relative to the root, in byte order; no links, nothing that a
        scan leaves out. Raises ``NotFound`` for a folder that is none of these, ``LibraryError`` for one that cannot
        be read.
        """

    def counts(self, folder: bytes) -> FolderCounts | None:
        """What lies directly in a folder; ``None`` when it cannot be read."""


class FolderCounts(NamedTuple):
    """How many folders and files of sound lie directly in a folder."""

    folders: int
    tracks: int


class FoundFile(NamedTuple):
    """A regular file with an audio suffix. ``path`` relative to the root, ``size`` bytes, ``mtime_ns``.

    A tuple: a scan makes one for each file.
    """

    path: bytes
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class ScanProblem:
    """Something in the folder that could not be looked at; what lies below it is not taken for deleted."""

    path: bytes
    code: str
    message: str
    is_folder: bool
