"""M3U playlists, and the names that cue sheets hold. The first byte says which."""

from __future__ import annotations

from reprise.rename.references.playlists import cue_edits, m3u_edits
from tests.fuzz.targets.rewriting import check_rewriting


def one(data: bytes) -> None:
    if data[:1] == b"F":
        check_rewriting(data, cue_edits, "list.cue")
    else:
        check_rewriting(data, m3u_edits, "list.m3u8")
