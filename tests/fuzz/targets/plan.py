"""Plans of renaming: damaged ones are refused, and one with a right digest moves nothing out of its folder.

Bytes that begin with ``{"reprise_plan"`` are a file as it is; others are rows, to which a header and a right end are put.
"""

from __future__ import annotations

import hashlib
import json

from reprise.core.renaming import RowStatus
from reprise.errors import BadPlan
from reprise.rename.moves import planned_moves
from reprise.rename.planfile import PlanReader
from tests.fuzz.targets import check_said, scratch

_HEADER = {
    "reprise_plan": 1, "root": "/m", "folder": "", "recursive": True, "template": "{title}", "created_at": 1.0,
    "audio": False, "sidecars": True,
}  # fmt: skip


def one(data: bytes) -> None:
    path = scratch() / "plan"
    path.write_bytes(data if data.startswith(b'{"reprise_plan"') else _whole(data))
    try:
        plan = PlanReader(path)
    except BadPlan as error:
        check_said(error)
        return
    with plan:
        for read in (_check_rows, _check_moves):
            try:
                read(plan)
            except BadPlan as error:
                check_said(error)


def _whole(rows: bytes) -> bytes:
    content = json.dumps(_HEADER).encode() + b"\n" + rows
    return content + json.dumps({"end": True, "sha256": hashlib.sha256(content).hexdigest()}).encode() + b"\n"


def _check_rows(plan: PlanReader) -> None:
    rows = list(plan.rows())
    assert len(rows) == len(plan) == sum(plan.header.counts.values())
    assert rows == [plan.row(number) for number in range(len(plan))]
    for status in RowStatus:
        assert len(plan.numbers(status)) == plan.header.counts[status]


def _check_moves(plan: PlanReader) -> None:
    planned = list(plan.renames())
    assert len(planned) == plan.header.counts[RowStatus.RENAME]
    for one in planned:
        assert one.number >= 0
        assert b".." not in one.folder.split(b"/")
        assert not one.folder.startswith(b"/")
        for name in (one.old, one.new):
            assert name not in (b"", b".", b"..")
            assert b"/" not in name
            assert b"\0" not in name
    if len({(one.folder, one.old) for one in planned}) < len(planned):
        return  # no plan that this product makes: a folder holds a name once
    moves = list(planned_moves(planned))
    assert sorted((one.folder, one.old, one.new) for one in moves) == sorted(
        (one.folder, one.old, one.new) for one in planned
    )
    assert [move.turn for move in moves] == sorted(move.turn for move in moves)
