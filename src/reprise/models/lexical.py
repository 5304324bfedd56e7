"""The words of scenes, for exact search: the step ``lexical``, which embeds nothing and fills the lexical index."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from reprise.core.items import ItemKind
from reprise.core.lexical_tokens import TOKENS_VERSION
from reprise.core.made_up_paths import video_of
from reprise.core.ports import LexicalDocument
from reprise.core.scene_texts import lexical_fields
from reprise.core.spec import Execution, ModelCard, ModelSpec, Subject

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reprise.core.plan import Operation
    from reprise.core.ports import LexicalIndex, StepPorts

EPOCH = 1


class Lexical:
    """``DirectStep``: every scene that has words is a document; the index keeps it by the scene's id."""

    name: ClassVar[str] = "lexical"
    _index: LexicalIndex

    @property
    def card(self) -> ModelCard:
        spec = ModelSpec(
            model=self.name,
            dimension=0,
            weights="none",
            sample_rate=0,
            mono="none",
            resampler="none",
            window=0,
            hop=0,
            pooling="none",
            normalisation="none",
            decoder_major=0,
            epoch=EPOCH,
            options=(("tokens", str(TOKENS_VERSION)),),
            subject=Subject(ItemKind.SCENE, "lexical"),
        )
        return ModelCard(
            self.name,
            "the words of each scene, for exact search",
            spec,
            Execution.DIRECT,
            licence="MIT",
            source="Reprise",
            memory_mb=0,
        )

    def attach(self, ports: StepPorts) -> None:
        self._index = ports.lexical

    def open(self, owner: str, space: str) -> None:
        self._index.create(owner, space)

    def work(self, owner: str, space: str, operations: Sequence[Operation]) -> Sequence[None]:
        """One transaction of the index. Raises ``StoreError`` and ``DiskFull``."""
        self._index.upsert(owner, space, [_document(operation) for operation in operations])
        return [None] * len(operations)

    def keys(self, owner: str, space: str) -> Iterator[int]:
        return self._index.keys(owner, space)

    def forget(self, owner: str, space: str, keys: Collection[int]) -> None:
        self._index.delete(owner, space, keys)

    def drop(self, owner: str, space: str) -> None:
        self._index.drop(owner, space)


def _document(operation: Operation) -> LexicalDocument:
    """From the very text whose digest the ledger takes down."""
    return LexicalDocument(operation.item_id, video_of(operation.path) or 0, lexical_fields(operation.text))
