"""Collections of Rekordbox and of Traktor."""

from __future__ import annotations

from reprise.rename.references.collections import rekordbox_edits, traktor_edits
from tests.fuzz.targets.rewriting import check_rewriting


def one(data: bytes) -> None:
    check_rewriting(data, rekordbox_edits, "list.xml")
    check_rewriting(data, traktor_edits, "list.nml")
