"""Vectors on this machine's disk, without a server: the default store.

- ``files``: one SQLite file per space (WAL), made whole, never removed while it may be open, refused when foreign.
- ``rows``: what SQL does to one owner's rows; every change has a number, every row a checksum.
- ``matrix``: rows in memory for exact search, caught up by the change number, bounded.
- ``ann``, ``indexes``: zvec as the derived index of a large owner, in generations that are swapped by a rename.
- ``searching``: the index's candidates, re-scored from the rows, joined with what changed since; or exactly.
- ``store``: the port.

Why an index only from 100,000 vectors on, and why lists (2 shared cores, 100,000 × 160 float32, zvec 0.8,
top 10, medians; where two figures stand, the machine was quiet or busy, or the vectors easy or hard):

===============================  ==========  =======  ===============  ==================  ===========
way                              build       CPU      question, warm   first, new process  recall@10
===============================  ==========  =======  ===============  ==================  ===========
exact, matrix in memory (64 MB)  none        none     1.6 to 8.0 ms    0.22 to 0.39 s      1
IVF, 506 lists, 1/8 to 1/6       4 to 6 s    5 s      0.5 to 2.8 ms    0.08 to 0.13 s      0.9955 to 1
HNSW m 32, ef 200/200            14 to 22 s  26-40 s  0.3 to 0.9 ms    0.08 s              0.998 to 1
HNSW m 16, ef 100/200            7 to 14 s   15-21 s  0.3 ms           not measured        0.984 to 1
HNSW m 16, ef 60/200             8 s         11 s     0.2 ms           not measured        0.985 to 1
Vamana 32/64                     4 s         6 s      0.2 ms           not measured        0.39
===============================  ==========  =======  ===============  ==================  ===========

Plain numpy took 1.4 ms where exact search took 1.6, and 8.0 where it took 8.0. At 512 dimensions: exact
8.8 ms; building lists 12 s, HNSW 85 s beside other work. At 300,000 × 160: lists 30 s. Int8 saves no build
time. HNSW with few links lost whole clusters of unevenly clustered vectors (recall 0 for single questions);
lists lose neighbours one by one. Here 1/6 of the lists are probed. Vectors with no structure at all are
found badly by lists (0.5 to 0.7). Questions of the two lower HNSW rows and of Vamana are zvec's own, without
re-scoring from the rows.

zvec: any number of processes read a collection at once, a writer shuts out all; so each generation is
written once and then only read. Every file of it is checked against its checksum when it is opened.
"""

from reprise.stores.embedded.abilities import EMBEDDED
from reprise.stores.embedded.store import EmbeddedStore

ABILITIES = (EMBEDDED,)

__all__ = ["ABILITIES", "EmbeddedStore"]
