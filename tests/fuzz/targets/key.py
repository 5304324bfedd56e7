"""Notations of keys."""

from __future__ import annotations

from reprise.core.musical_key import MusicalKey


def one(data: bytes) -> None:
    found = MusicalKey.parse(data.decode("utf-8", "replace"))
    if found is None:
        return
    assert 0 <= found.tonic < 12
    assert found.relative.relative == found
    for written in (found.name, found.long_name, found.camelot, found.open_key):
        assert MusicalKey.parse(written) == found, written
