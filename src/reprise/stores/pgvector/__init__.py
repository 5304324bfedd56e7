"""Vectors in PostgreSQL, by its extension pgvector: where a server of PostgreSQL is at hand anyway.

- ``connections``: to one database, opened on demand, replaced when the server left them.
- ``errors``: what PostgreSQL says, as our errors.
- ``schema``: our schema in the database; a table for each owner of each space.
- ``rows``: batches in PostgreSQL's binary COPY format.
- ``index``: HNSW for a large owner, built while others write.
- ``searching``: candidates from the server, scored again here.
- ``store``: the port.

Why a table for each owner: an approximate index over all owners' vectors is asked for the nearest and filtered
afterwards, so that an owner with few of many is answered badly; a table of its own has an index of its own, an exact
scan reads nobody else's rows, and dropping an owner's space is one statement. Partitions of one table would add a lock
on their parent and nothing else.

Why an index only from 50,000 vectors on, and why a rich one (``benchmarks/bench_pgvector.py``: uneven clusters, dimension 512,
top 10 of 100 questions, PostgreSQL 18, pgvector 0.8, two cores under much other load, so that times differ by a factor of 3):

=====================  ====================================  ==============  ==========  =============
vectors                way                                   question        recall@10   whole answers
=====================  ====================================  ==============  ==========  =============
20,000                 exact                                 49 ms           1           100
20,000                 m 16, ef 128, breadth 200, 400, 800   39, 44, 93 ms   0.98-0.996  88, 91, 96
20,000                 m 32, ef 200, breadth 200, 400, 800   12, 11, 18 ms   0.99-1.0    95, 98, 100
50,000                 exact                                 120 ms          1           100
50,000                 m 32, ef 200, breadth 800             40 ms           1.000       100
100,000                exact (numpy in memory: 74 ms)        273 ms          1           100
100,000                m 16, ef 128, breadth 200             37 ms           0.970       85
=====================  ====================================  ==============  ==========  =============

With pgvector's own m 16, ef 64 no breadth found more than 95 whole answers of 100 among even clusters either. Building took 52 s for
20,000 and 144 s for 50,000 at m 32, and 270 s for 100,000 at m 16; writing 1,000 rows into such an index took 9 to 23 s. So small owners are better off
without.

Writing in batches of 10,000 took 1.0 to 1.4 times as long as COPY of the same into the same kind of table.
"""

from reprise.stores.pgvector.abilities import PGVECTOR
from reprise.stores.pgvector.store import PgvectorStore

ABILITIES = (PGVECTOR,)

__all__ = ["ABILITIES", "PgvectorStore"]
