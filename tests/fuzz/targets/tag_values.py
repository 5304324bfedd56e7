"""Texts of tags, and names of files that are read like tags: whatever is said fits into a database and on one line."""

from __future__ import annotations

from reprise.media.tags import clean_text, tags_of_metadata
from reprise.rename.words import read_name, split_mix

_NAMES = ("title", "date", "track", "disc", "bpm", "initialkey")


def one(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    tags = tags_of_metadata(dict.fromkeys(_NAMES, text), len(data) * 1_000_000)
    assert tags.title == clean_text(text)
    assert clean_text(tags.title) == tags.title
    assert tags.title is None or len(tags.title.splitlines()) == 1
    assert tags.year is None or 1900 <= tags.year <= 2099
    for number in (tags.track, tags.disc):
        assert number is None or 1 <= number < 2**31
    assert tags.bpm is None or 0 < tags.bpm < 1000
    if tags.title:
        read_name(tags.title)
        split_mix(tags.title)
