"""The catalogue (libraries, items, spaces, jobs) and the ledger, in a relational database.

``database`` is the thin seam to a driver, ``sqlite`` the embedded one. The SQL in ``libraries``, ``items``,
``spaces``, ``jobs`` and ``ledger`` is the part that SQLite and PostgreSQL share; ``migrations`` makes the tables.
"""
