"""What every index of words refuses before it writes: one set of rules, so that indexes cannot differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.errors import StoreError
from reprise.stores.checks import MAX_KEY, check_keys
from reprise.stores.lexical.files import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.core.ports import LexicalDocument


def unknown_words(owner: str, space: str) -> StoreError:
    return StoreError(
        f"owner {owner!r} has no words in a space {space!r}",
        cure="they are indexed by: reprise reprocess --scope all",
    )


def check_documents(documents: Sequence[LexicalDocument]) -> None:
    """``StoreError`` for a key that is none or comes twice, a field that there is not, a video that is none."""
    keys = check_keys([document.key for document in documents])
    if len(set(keys)) != len(keys):
        raise StoreError("the same key comes twice in one batch")
    for document in documents:
        if unknown := sorted(set(document.fields) - set(FIELDS)):
            raise StoreError(f"there is no field {unknown[0]!r}: the fields are {', '.join(FIELDS)}")
        if not 0 <= document.video_id <= MAX_KEY:
            raise StoreError(f"the video {document.video_id} of key {document.key} is outside 0 to {MAX_KEY}")
