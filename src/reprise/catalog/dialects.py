"""What the two databases say differently; all other SQL of the catalogue is the same text for both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_TERM = 500
"""Letters of a word that count. PostgreSQL takes 2046 bytes at most: 500 letters of 4 bytes are 2000."""
LAST_PLACE = 16_383
"""PostgreSQL counts the places of words up to there; what comes later is found, but in no phrase."""
MOST_OCTETS = 500_000
"""Of the words of one item that count: PostgreSQL takes 2^20, with places and order."""


class Dialect(Protocol):
    """SQL for one kind of database."""

    @property
    def no_index(self) -> str:
        """Before a column: it is compared without any index on it, where the database takes such advice."""

    @property
    def notes_new_items(self) -> bool:
        """Whether triggers note new items too. Where several write at once, ids do not appear in their order."""

    def place_of_slash(self, octets: str) -> str:
        """Where the first ``/`` is in an expression of bytes, from 1; 0 if nowhere."""

    def lowered(self, text: str) -> str:
        """An expression of text with the letters A to Z, and maybe no others, in lower case."""

    def lowered_path(self, path: str) -> str:
        """The same for an expression of bytes; letters beyond ASCII as :meth:`path_pattern` spells them."""

    def path_pattern(self, word: str) -> str:
        """How a word stands in :meth:`lowered_path`."""

    def words(self, terms: Sequence[str]) -> str:
        """The value of ``listing_words.words`` for an item with these words, in their order."""

    @property
    def words_match(self) -> str:
        """The condition on ``listing_words`` that its words match the parameter, made by :meth:`words_query`."""

    def words_query(self, phrases: Sequence[Sequence[str]]) -> str:
        """All of these phrases; the last word of each may go on. Words are letters and digits only, so nothing in
        them is syntax."""


@dataclass(frozen=True, slots=True)
class SqliteDialect:
    """SQLite: FTS5 for words; blobs are compared as the text that they hold."""

    no_index: str = "+"
    notes_new_items: bool = False
    words_match: str = "listing_words MATCH ?"

    def place_of_slash(self, octets: str) -> str:
        return f"INSTR({octets}, X'2F')"

    def lowered(self, text: str) -> str:
        return f"LOWER({text})"

    def lowered_path(self, path: str) -> str:
        return f"LOWER(CAST({path} AS TEXT))"

    def path_pattern(self, word: str) -> str:
        return word

    def words(self, terms: Sequence[str]) -> str:
        return " ".join(terms)

    def words_query(self, phrases: Sequence[Sequence[str]]) -> str:
        return " ".join(f'"{" ".join(phrase)}"*' for phrase in phrases)


@dataclass(frozen=True, slots=True)
class PostgresDialect:
    """PostgreSQL: text search vectors for words. Paths are bytes of any kind, which no text may hold: they are
    compared with octal escapes for all that is not ASCII."""

    no_index: str = ""
    notes_new_items: bool = True
    words_match: str = "words @@ CAST(? AS TSQUERY)"

    def place_of_slash(self, octets: str) -> str:
        return f"POSITION('\\x2f'::bytea IN {octets})"

    def lowered(self, text: str) -> str:
        return f'LOWER(({text}) COLLATE "C")'

    def lowered_path(self, path: str) -> str:
        return f"LOWER(ENCODE({path}, 'escape') COLLATE \"C\")"

    def path_pattern(self, word: str) -> str:
        octets = word.replace("\\", "\\\\").encode("utf-8", "surrogateescape")
        return "".join(f"\\{octet:03o}" if octet >= 0x80 or not octet else chr(octet) for octet in octets)

    def words(self, terms: Sequence[str]) -> str:
        room, placed = MOST_OCTETS, list[str]()
        for place, term in enumerate(terms, 1):
            room -= len(term.encode())
            if room < 0:
                break
            placed.append(f"'{term[:LONGEST_TERM]}':{min(place, LAST_PLACE)}")
        return " ".join(placed)

    def words_query(self, phrases: Sequence[Sequence[str]]) -> str:
        return " & ".join(f"({_phrase(phrase)})" for phrase in phrases)


def _phrase(phrase: Sequence[str]) -> str:
    return " <-> ".join(f"'{term[:LONGEST_TERM]}'" for term in phrase) + ":*"
