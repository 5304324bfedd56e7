"""Who gets which name in a folder, when several want the same, or somebody has it who stays.

Names are the same if a file system somewhere says so: NTFS, exFAT and macOS do not part ``A`` from ``a``, and macOS not
``é`` from ``e`` and an accent. A name is free once the file that has it now gets another: so chains, swaps and cycles
come out as they were meant, and only what truly clashes is numbered.
"""

from __future__ import annotations

import os
import re
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from reprise.rename.names import MAX_BYTES, numbered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NUMBER = re.compile(rb" \(([0-9]{1,6})\)\.[^.]*$")


class Wish(NamedTuple):
    """A file called ``old`` that is to be called ``stem`` + ``suffix``; ``stem`` is legal and fits."""

    old: bytes
    stem: str
    suffix: str

    @property
    def wanted(self) -> str:
        return self.stem + self.suffix


def clash_key(name: bytes) -> str:
    """Equal for names that some file system takes for the same.

    Canonical caseless matching, as Unicode defines it (section 3.13, D145).
    """
    if name.isascii():
        return name.lower().decode()
    return _key_of_text(os.fsdecode(name))


def settled(wishes: Sequence[Wish], staying: Iterable[bytes], limit: int = MAX_BYTES) -> list[str]:
    """The name that each file gets, in the order of ``wishes``.

    Args:
        wishes: of all files of the folder that may get another name, those included that have the right one.
        staying: the names of everything else in it.
        limit: how many bytes a name may have.

    Returns:
        The names; all different, from each other and from those that stay. Whoever has the name that it wants keeps
        it; then the first in the order gets it; others are numbered, " (2)", " (3)", and those that are numbered so
        already keep their number.
    """
    return _Folder(wishes, staying, limit).names()


class _Folder:
    def __init__(self, wishes: Sequence[Wish], staying: Iterable[bytes], limit: int) -> None:
        self._wishes = wishes
        self._limit = limit
        self._keys = [_key_of_text(wish.wanted) for wish in wishes]
        self._taken = {clash_key(name) for name in staying}
        self._names: list[str | None] = [None] * len(wishes)
        self._next: dict[str, int] = {}

    def names(self) -> list[str]:
        self._leave_those_that_have_it()
        self._give(to_numbered=False)
        self._give(to_numbered=True)
        self._keep_numbers()
        self._number_the_rest()
        return [name for name in self._names if name is not None]

    def _leave_those_that_have_it(self) -> None:
        for place, wish in enumerate(self._wishes):
            if os.fsencode(wish.wanted) == wish.old:
                self._take(place, wish.wanted)

    def _give(self, *, to_numbered: bool) -> None:
        """The first comes first; but "Song (2)" stands back behind another file that wants to be "Song"."""
        for place, wish in enumerate(self._wishes):
            if self._names[place] is not None or self._keys[place] in self._taken:
                continue
            if to_numbered or not self._is_numbered(wish):
                self._take(place, wish.wanted)

    def _keep_numbers(self) -> None:
        for place, wish in enumerate(self._wishes):
            if (
                self._names[place] is None
                and self._is_numbered(wish)
                and clash_key(wish.old) not in self._taken
            ):
                self._take(place, os.fsdecode(wish.old), clash_key(wish.old))

    def _number_the_rest(self) -> None:
        for place, wish in enumerate(self._wishes):
            if self._names[place] is None:
                name = self._numbered(wish, self._keys[place])
                self._take(place, name, _key_of_text(name))

    def _numbered(self, wish: Wish, key: str) -> str:
        number = self._next.get(key, 2)
        while _key_of_text(name := numbered(wish.stem, number, wish.suffix, self._limit)) in self._taken:
            number += 1
        self._next[key] = number + 1
        return name

    def _is_numbered(self, wish: Wish) -> bool:
        """Whether the file's name now is the one that it wants, and a number."""
        found = _NUMBER.search(wish.old)
        if found is None or int(found[1]) < 2:
            return False
        name = numbered(wish.stem, int(found[1]), wish.suffix, self._limit)
        return _key_of_text(name) == clash_key(wish.old)

    def _take(self, place: int, name: str, key: str = "") -> None:
        self._names[place] = name
        self._taken.add(key or self._keys[place])


def _key_of_text(name: str) -> str:
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
