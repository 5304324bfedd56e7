"""Serato's crates and database."""

from __future__ import annotations

from reprise.rename.references.serato import edits
from tests.fuzz.targets.rewriting import check_rewriting


def one(data: bytes) -> None:
    check_rewriting(data, edits, "list.crate")
