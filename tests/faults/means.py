"""Real ways to take from a process what it needs: room on the disk, rights, memory, file descriptors, the database."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.disks import AS_ROOT
from tests.faults.below import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

MEBIBYTE = 1 << 20
CGROUP = Path("/sys/fs/cgroup/memory")


@contextmanager
def disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system of its own of that size."""
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if not (AS_ROOT and shutil.which("mount") and subprocess.run(command, check=False).returncode == 0):
        missing("the right to mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(folder: Path, leave: int) -> Path:
    """Use up the disk but for ``leave`` bytes; returns the file that does, whose removal frees it."""
    ballast = folder / "ballast"
    with (
        suppress(OSError),
        ballast.open("wb", buffering=0) as file,
    ):  # somebody else may be quicker to fill it
        while (left := shutil.disk_usage(folder).free - leave) > 0:
            file.write(bytes(min(left, MEBIBYTE)))
    return ballast


def bound_by_permissions() -> tuple[str, ...]:
    """What to put before a command so that the rights of files hold for it; root has ways around them."""
    if not AS_ROOT:
        return ()
    if shutil.which("setpriv") is None:
        missing("setpriv, to run a command without root's rights")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner", "--")


def with_limit(option: str, amount: int) -> tuple[str, ...]:
    """What to put before a command that is to run under a limit of the shell's ``ulimit``."""
    return ("sh", "-c", f'ulimit -{option} {amount} && exec "$@"', "sh")


@contextmanager
def memory(megabytes: int) -> Iterator[tuple[str, ...]]:
    """What to put before a command, and all it starts together have that much memory.

    A group of the kernel's memory controller where one can be made; else a limit on the addresses of each process.
    """
    group = CGROUP / f"reprise-{os.getpid()}"
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(megabytes * MEBIBYTE))
    except OSError:
        yield with_limit("v", megabytes * 1024)
        return
    try:
        yield ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
    finally:
        with suppress(
            OSError
        ):  # a process that is still being buried: the group is empty, and goes with the machine
            group.rmdir()


def use_up_descriptors(pid: int, spare: int = 0) -> None:
    """From now on the process can open ``spare`` more files than it has."""
    open_now = max(int(name) for name in os.listdir(f"/proc/{pid}/fd"))
    _, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now + 1 + spare, hard))


@contextmanager
def held(database: Path) -> Iterator[None]:
    """Another program writes into the database as long as the block lasts."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")


def running_in(home: Path) -> list[psutil.Process]:
    """Processes that work with this state folder."""
    wanted, found = str(home), []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get("REPRISE_HOME") == wanted:
                found.append(process)
    return found
