"""Where one owner's words of one space lie, and in which tables."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from reprise.stores.sqlite_files import FileKind

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = {"tags": 4.0, "transcript": 3.0, "description": 2.0, "summary": 2.0, "combined": 1.0}
"""What a word counts in each field, beside one in ``combined``. The columns of the table, in this order."""

WORDS = f"CREATE VIRTUAL TABLE words USING fts5 ({', '.join(FIELDS)}, tokenize = 'ascii')"

KIND = FileKind(
    application=0x5250524C,  # "RPRL": RePRise Lexical
    format=1,
    tables=f"""
        CREATE TABLE title (owner TEXT NOT NULL, space TEXT NOT NULL);
        CREATE TABLE scene (key INTEGER PRIMARY KEY, video INTEGER NOT NULL);
        CREATE INDEX scene_video ON scene (video);
        {WORDS};
    """,
    page_bytes=4096,
    what="words",
    idle_readers=2,
)


def place(folder: Path, owner: str, space: str) -> Path:
    """Owners are any text, so their files are named by a digest of it; the file itself says whose it is."""
    return folder / space / f"{hashlib.sha256(owner.encode()).hexdigest()[:32]}.sqlite"
