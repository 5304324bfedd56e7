"""Which persons a query names, and what is left of it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from reprise.core.names import folded
from reprise.core.words import UNSPACED
from reprise.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.core.video import Person

_PREFIX = re.compile(r"\s*person\s*:\s*", re.IGNORECASE)
_UNSPACED = re.compile(f"[{UNSPACED}]")
_BETWEEN = " ,;"

_SHORTEST = 2
"""Letters of a name that is found without ``person:`` before it."""

_AFTER_NAME = re.compile(
    r"['’]s\b"
    r"|(?:에게|이랑|하고|[이가은는을를와과의도랑])(?=\s|$)"
    r"|(?<=[\u3040-\u30ff\u4e00-\u9fff])[がはをとのにも]"
)
"""What grammar hangs on a name: the genitive's s, Korean and Japanese particles."""


def persons_in(query: str, persons: Sequence[Person]) -> tuple[list[Person], str]:
    """The persons that the query names, and the rest of it without them.

    ``person:NAME, rest`` names one for certain; a known name anywhere else counts too, if it stands as a word of its own
    (in scripts without spaces: anywhere). The longest name wins; case and width do not matter. Raises ``NotFound`` for a
    name after ``person:`` that nobody has.
    """
    named = sorted(persons, key=lambda person: (-len(folded(person.name)), person.id))
    rest = " ".join(unicodedata.normalize("NFKC", query).split())
    found: dict[int, Person] = {}
    while prefix := _PREFIX.match(rest):
        person, rest = _named_first(rest[prefix.end() :], named)
        found[person.id] = person
    for person in named:
        if len(folded(person.name)) < _SHORTEST:
            continue
        while place := _place(rest, folded(person.name)):
            found.setdefault(person.id, person)
            rest = _without(rest, *place)
    return list(found.values()), rest.strip(_BETWEEN)


def _named_first(text: str, persons: Sequence[Person]) -> tuple[Person, str]:
    for person in persons:
        place = _place(text, folded(person.name))
        if place is not None and not text[: place[0]].strip():
            return person, _without(text, *place)
    name = text.split(",", 1)[0].strip()
    raise NotFound(f"there is no person {name!r}", cure="see who is known: reprise persons list")


def _place(text: str, name: str) -> tuple[int, int] | None:
    """Where a folded name stands in the text, from and to."""
    letters = [(fold, place) for place, letter in enumerate(text) for fold in letter.casefold()]
    plain = "".join(fold for fold, _ in letters)
    start = plain.find(name)
    while start >= 0:
        first, last = letters[start][1], letters[start + len(name) - 1][1] + 1
        if not (_joined(text[max(0, first - 1) : first + 1]) or _joined(text[last - 1 : last + 1])):
            return first, last
        start = plain.find(name, start + 1)
    return None


def _joined(pair: str) -> bool:
    """Whether two neighbouring letters belong to one word."""
    return len(pair) == 2 and all(letter.isalnum() and not _UNSPACED.match(letter) for letter in pair)


def _without(text: str, start: int, end: int) -> str:
    hanging = _AFTER_NAME.match(text, end)
    before, after = text[:start].strip(_BETWEEN), text[hanging.end() if hanging else end :].strip(_BETWEEN)
    return f"{before} {after}".strip()
