"""Which track a person means: an id, a path, or words of its title and artist. And which folder."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from reprise.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.items import Item
    from reprise.core.records import Catalogue

CHOICES_SHOWN = 10
CUT_TEXT = re.compile(r"(.+), track (\d+)")
"""How ``Item.display_path`` names a track of a cue sheet."""


def resolve_item(catalogue: Catalogue, owner: str, text: str) -> Item:
    """The one item that ``text`` means. Raises ``NotFound``, or ``UsageError`` that lists the candidates.

    Tried in this order: an item's id, a path of an existing or known file (``album.flac, track 2`` for a track of a
    cue sheet), words that title, artist, album or path hold. Among several matches the one whose title is exactly the
    text wins.
    """
    if item := _by_id(catalogue, owner, text) or _by_path(catalogue, owner, text):
        return item
    found = _by_cut(catalogue, owner, text) or catalogue.items.by_text(owner, text, CHOICES_SHOWN + 1)
    if not found:
        raise NotFound(
            f"no track of {owner!r} is called {text!r}",
            cure="give a path, an id, or words of title and artist",
        )
    exact = [item for item in found if (item.tags.title or "").lower() == text.lower() or item.label == text]
    if len(found) > 1 and len(exact) != 1:
        names = "".join(
            f"\n  {item.id}  {item.label}  ({item.display_path})" for item in found[:CHOICES_SHOWN]
        )
        raise UsageError(f"{text!r} fits several tracks:{names}", cure="name one by its id")
    return exact[0] if len(found) > 1 else found[0]


def _by_id(catalogue: Catalogue, owner: str, text: str) -> Item | None:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        return None
    return catalogue.items.get(owner, [int(text)]).get(int(text))


def resolve_folder(catalogue: Catalogue, owner: str, text: str) -> tuple[int, bytes]:
    """The library and the path in it that a folder means: as typed, or relative to a library that holds it.

    Raises ``NotFound`` when no library of the owner holds such a folder.
    """
    raw = os.fsencode(text)
    libraries = catalogue.libraries.all(owner)
    for absolute in (os.path.abspath(raw), os.path.realpath(raw)):
        for library in libraries if os.path.isdir(absolute) else ():
            root = library.root.rstrip(b"/") + b"/"
            if (absolute.rstrip(b"/") + b"/").startswith(root):
                return library.id, absolute[len(root) :]
    for library in libraries:
        if not os.path.isabs(raw) and os.path.isdir(os.path.join(library.root, raw)):
            return library.id, os.path.normpath(raw)
    raise NotFound(f"no library of {owner!r} holds a folder {text!r}", cure="see: reprise libraries")


def _by_path(catalogue: Catalogue, owner: str, text: str) -> Item | None:
    """A path as typed (links resolved in its folder only, as the scan does), or relative to a library."""
    for library_id, relative in _places(catalogue, owner, text):
        if item := catalogue.items.by_path(owner, library_id, relative):
            return item
    return None


def _by_cut(catalogue: Catalogue, owner: str, text: str) -> list[Item]:
    """The tracks of a file that a cue sheet cuts; the one whose number is said, as people are shown it."""
    said = CUT_TEXT.fullmatch(text)
    file, number = (said[1], int(said[2])) if said else (text, None)
    for library_id, relative in _places(catalogue, owner, file):
        tracks = catalogue.items.cuts(owner, library_id, relative)
        chosen = [track for track in tracks if number is None or (track.cut and track.cut.number == number)]
        if chosen:
            return chosen
    return []


def _places(catalogue: Catalogue, owner: str, text: str) -> Iterator[tuple[int, bytes]]:
    """Where the file may be that a text means: a library, and a path relative to its root."""
    raw = os.fsencode(text)
    absolute = os.path.abspath(raw)
    folder, name = os.path.split(absolute)
    candidates = (absolute, os.path.join(os.path.realpath(folder), name))
    for library in catalogue.libraries.all(owner):
        root = library.root + b"/"
        inside = [path[len(root) :] for path in candidates if path.startswith(root)]
        yield from ((library.id, relative) for relative in (*inside, raw))
