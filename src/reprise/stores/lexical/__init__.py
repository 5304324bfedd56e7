"""Words on this machine's disk: SQLite's FTS5 as the lexical index, without a server.

**A file for each owner and space.** How much a word tells (its inverse document frequency) follows from how many
documents hold it, and FTS5 counts over a whole table. In one table of all owners a score would tell of the words of
others; with a table each in one file, every connection would read the schema of all of them, five tables an owner,
and all owners would wait for one writer. With files of their own owners share nothing, not even damage.

- ``files``: where the file of an owner and space lies, and what tables it has.
- ``scoring``: BM25 with a weight per field, and how many words of a query must match.
- ``index``: the port.

FTS5 keeps words that ``core.lexical_tokens`` has cut, with spaces between them: its tokenizer ``ascii`` splits there and
leaves every other letter alone.
"""

from reprise.stores.lexical.index import SqliteLexicalIndex

__all__ = ["SqliteLexicalIndex"]
