"""What is injected beneath a command ends it with an error of ours, or not at all; when it is gone, nothing is missing.

These are some of what ``python -m benchmarks.proof_faults`` tries.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import pytest

from tests.faults.injected import (
    DAY,
    HOUR,
    calls_fail,
    clock_jump,
    database_locked,
    descriptors_used_up,
    disk_full,
    few_descriptors,
    little_memory,
    rights_lost,
    slow_disk,
)
from tests.faults.workloads import EMBED, RENAME

if TYPE_CHECKING:
    from tests.faults.injected import Fault
    from tests.faults.lab import Lab
    from tests.faults.workloads import Workload

CASES: dict[str, tuple[Fault, Workload, str]] = {
    "the disk is full in the middle": (disk_full(0, in_the_middle=True), EMBED, "disk_full"),
    "the disk is full before a renaming": (disk_full(60_000, in_the_middle=False), RENAME, "disk_full"),
    "vectors cannot be written": (calls_fail("write", "spaces", 0.5), EMBED, "store"),
    "the journal cannot be written": (calls_fail("write", "catalogue", 0.5), RENAME, "catalogue"),
    "one read of the catalogue fails": (calls_fail("read", "catalogue", 0.5, once=True), EMBED, "catalogue"),
    "a lock cannot be made": (calls_fail("open", "locks", 0.5), EMBED, "system"),
    "some files cannot be renamed": (
        calls_fail("rename", "music", 0.5, error=errno.ENOSPC),
        RENAME,
        "went on, some failed",
    ),
    "the state folder is closed": (rights_lost("state", in_the_middle=False), EMBED, "system"),
    "the music is closed in the middle": (
        rights_lost("music", in_the_middle=True),
        RENAME,
        "went on, some failed",
    ),
    "another program writes for a moment": (database_locked(1.0, 30.0), EMBED, "went on"),
    "another program writes for too long": (database_locked(4.0, 0.3), EMBED, "catalogue_locked"),
    "the clock jumps ahead": (clock_jump(3 * DAY, in_the_middle=True), EMBED, "went on"),
    "the clock jumps back": (clock_jump(-5 * HOUR, in_the_middle=True), EMBED, "went on"),
    "the disk is slow": (slow_disk(50), EMBED, "went on"),
    "no file can be opened any more": (descriptors_used_up(0), RENAME, ""),
    "few files can be opened": (few_descriptors(10), EMBED, ""),
    "there are 2 GiB of memory": (little_memory(2048), EMBED, "went on"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_ends_a_command_clearly_or_not_at_all_and_costs_nothing(lab: Lab, case: str) -> None:
    fault, workload, told = CASES[case]
    trial = fault.tried(lab, workload)
    assert not trial.wrong, (trial.wrong, trial.ended.events[-3:], trial.ended.stderr[-3000:])
    assert trial.struck > 0
    assert told in ("", trial.ended.told), trial.ended.events[-3:]


def test_what_is_lost_is_found_out(lab: Lab) -> None:
    """A proof that cannot fail proves nothing: a vector, a file and a byte of a database are taken away by hand."""
    lab.put_back(EMBED)
    assert lab.losses(EMBED) == []
    space = lab.home.space()
    with lab.home.app() as app:
        app.store.delete(app.owner, space.name, lab.home.stored()[:1])
    assert any("no vector of" in text for text in EMBED.lost(lab.home))
    with lab.home.app().catalogue_path.open("r+b") as file:
        file.seek(3 * 4096)
        file.write(b"\xa5" * 4096)
    assert lab.home.broken_databases()
    lab.put_back(RENAME)
    (lab.home.music / "album 0" / "00 track.mp3").unlink()
    assert any("content 0 is under []" in text for text in RENAME.kept(lab.home))
