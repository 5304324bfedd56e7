"""All proofs of reliability in one run: ``python -m benchmarks.soak [--quick] [--document]``.

Kills, faults injected below, random sequences against an oracle, odd files, fuzzed parsers, every route with every role, and at
last a library of 100,000 tracks under 200 clients. Takes about an hour; with ``--quick`` some minutes, at a small scale.
With ``--document`` the table in ``docs/reliability.md`` is written anew, with the machine and the date. What else is
given goes to each proof.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks import (
    proof_faults,
    proof_fuzz,
    proof_kills,
    proof_odd_files,
    proof_routes,
    proof_soak,
    proof_stateful,
)
from benchmarks.measure import ROOT
from benchmarks.run import write_document

if TYPE_CHECKING:
    from collections.abc import Sequence

PROOFS = (proof_kills, proof_faults, proof_stateful, proof_odd_files, proof_fuzz, proof_routes, proof_soak)
DOCUMENT = ROOT / "docs" / "reliability.md"


def main(arguments: Sequence[str]) -> int:
    """Exit code 0 when nothing broke in this run, 1 otherwise."""
    forwarded = [word for word in arguments if word != "--document"]
    rows = [row for proof in PROOFS for row in proof.main(forwarded)]
    if "--document" in arguments:
        write_document(DOCUMENT, "proofs", rows)
    return 0 if all(row.kept is not False for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
