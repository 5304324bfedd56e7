"""Types of columns that both databases have."""

from __future__ import annotations

import sqlalchemy as sa

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
"""A whole number of 64 bits; SQLite has no other, and only ``INTEGER`` may number rows by itself."""

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Text in the order of its code points, whatever language a server sorts by: what is compared here and there agrees."""
