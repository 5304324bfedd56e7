"""Every fault that can be put beneath a workload: how it is injected, when, and how often it really struck."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.faults import means
from tests.faults.below import Rule, failing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.faults.lab import Lab
    from tests.faults.trial import Ended
    from tests.faults.workloads import Workload

DAY = 86_400.0
HOUR = 3_600.0


@dataclass
class Trial:
    """One run with a fault. ``struck``: how many calls failed or waited for it. ``lost``: what is missing afterwards."""

    ended: Ended
    struck: int
    lost: list[str]

    @property
    def wrong(self) -> list[str]:
        return self.ended.wrong + self.lost


@dataclass(frozen=True)
class Fault:
    """``run`` injects it into a run of the workload, and removes it; it returns how the run ended and how often it struck."""

    kind: str
    name: str
    run: Callable[[Lab, Workload], tuple[Ended, int]]

    def tried(self, lab: Lab, workload: Workload) -> Trial:
        """From the beginning: the fault, then what it left behind, then the same command without a fault."""
        lab.put_back(workload)
        ended, struck = self.run(lab, workload)
        return Trial(ended, struck, lab.wreckage(workload) + lab.losses(workload))


# disk full


def disk_full(leave: int, *, in_the_middle: bool) -> Fault:
    """All but ``leave`` bytes of the disk with state and music are used up."""

    def run(lab: Lab, workload: Workload) -> tuple[Ended, int]:
        folder = lab.home.folder
        rules = [failing(call, folder, errno.ENOSPC) for call in ("write", "create", "truncate")]
        with lab.board(*rules) as board:
            if not in_the_middle:
                means.fill(folder, leave)
            fill: Any = (lambda _process: means.fill(folder, leave)) if in_the_middle else None
            ended = lab.attempt(workload, board, fill)
            struck = board.struck
        (folder / "ballast").unlink(missing_ok=True)
        return ended, struck

    return Fault("disk full", f"{leave // 1000} kB left, {_when(in_the_middle)}", run)


# errors of calls


def calls_fail(
    call: str,
    place: str,
    share: float,
    *,
    once: bool = False,
    error: int = errno.EIO,
    kind: str = "I/O error",
) -> Fault:
    """Calls on a place fail from a share of all calls on: these are counted first in a run without a fault."""

    def run(lab: Lab, workload: Workload) -> tuple[Ended, int]:
        path = place_of(lab, place)
        skip = int(lab.calls(workload, call, path) * share)
        with lab.board(Rule(call, path, error, skip=skip, most=int(once))) as board:
            return lab.attempt(workload, board), board.struck

    often = "once" if once else "from then on"
    return Fault(kind, f"{errno.errorcode[error]}: {call} in {place}, {often}, at {share:.0%}", run)


def place_of(lab: Lab, place: str) -> Path:
    state = lab.home.state
    return {
        "catalogue": state / "catalogue.sqlite",
        "spaces": state / "spaces",
        "locks": state / "locks",
        "music": lab.home.music,
        "state": state,
    }[place]


# permission lost


def rights_lost(place: str, *, in_the_middle: bool) -> Fault:
    """Nobody may read, write or enter the place any more."""

    def run(lab: Lab, workload: Workload) -> tuple[Ended, int]:
        path = place_of(lab, place)
        if not path.exists():  # the workload has never been there
            return lab.attempt(workload), 0
        mode = path.stat().st_mode
        calls = ("open", "create", "rename", "link", "stat")
        rules = [failing(call, path, errno.EACCES) for call in calls]
        with lab.board(*rules) as board, _removed(lambda: path.chmod(mode)):
            if not in_the_middle:
                path.chmod(0)
            take: Any = (lambda _process: path.chmod(0)) if in_the_middle else None
            ended = lab.attempt(workload, board, take, prefix=means.bound_by_permissions())
            return ended, board.struck

    return Fault("permission lost", f"{place}, {_when(in_the_middle)}", run)


# the database is locked


def database_locked(seconds: float, patience: float) -> Fault:
    """Another program writes for so long, while the setting ``database_timeout`` is ``patience``."""

    def run(lab: Lab, workload: Workload) -> tuple[Ended, int]:
        database = place_of(lab, "catalogue")
        with lab.board(failing("lock", database, errno.EAGAIN)) as board, ExitStack() as other:

            def hold(_process: Any) -> None:
                begun = threading.Event()
                holder = threading.Thread(target=_hold, args=(database, seconds, begun))
                holder.start()
                other.callback(holder.join)
                begun.wait()

            ended = lab.attempt(workload, board, hold, REPRISE_DATABASE_TIMEOUT=str(patience))
            return ended, board.struck

    return Fault("database is locked", f"for {seconds:g} s, patience {patience:g} s", run)


def _hold(database: Path, seconds: float, begun: threading.Event) -> None:
    with means.held(database):
        begun.set()
        threading.Event().wait(seconds)


# clock


def clock_jump(seconds: float, *, in_the_middle: bool) -> Fault:
    """The clock on the wall is off by so much from then on; the run after it has the right time again."""

    def run(lab: Lab, workload: Workload) -> tuple[Ended, int]:
        with lab.board() as board:
            if not in_the_middle:
                board.put_clock(seconds)
            jump: Any = (lambda _process: board.put_clock(seconds)) if in_the_middle else None
            ended = lab.attempt(workload, board, jump)
            ended.wrong += odd_times(ended)
            return ended, board.clock_read

    return Fault("clock jump", f"{seconds / HOUR:+,.0f} h, {_when(in_the_middle)}", run)


def odd_times(ended: Ended) -> list[str]:
    """Lengths of time that cannot be, and percents that go back."""
    wrong, percent = [], 0.0
    for event in ended.events:
        times = {name: event.get(name) or 0.0 for name in ("seconds", "eta_seconds")}
        wrong += [
            f"{event['event']}: {name} {value}" for name, value in times.items() if not 0 <= value < HOUR
        ]
        if event["event"] == "progress":
            if event["percent"] < percent:
                wrong.append(f"percent went back from {percent} to {event['percent']}")
            percent = event["percent"]
    return wrong


# slow disk


def slow_disk(milliseconds: int) -> Fault:
    def run(lab: Lab, workload: Workload) -> tuple[Ended, int]:
        rules = [
            Rule("fsync", lab.home.folder, 0, seconds=milliseconds / 1000),
            Rule("write", lab.home.folder, 0, seconds=milliseconds / 100_000),
        ]
        with lab.board(*rules) as board:
            ended = lab.attempt(workload, board)
            if ended.code:
                ended.wrong.append(f"a slow disk is no fault, but it ended with {ended.told}")
            return ended, board.struck

    return Fault("slow disk", f"{milliseconds} ms a flush, {milliseconds / 100:g} ms a write", run)


# file descriptors


def descriptors_used_up(spare: int) -> Fault:
    """In the middle, only so many more files can be opened."""

    def run(lab: Lab, workload: Workload) -> tuple[Ended, int]:
        with lab.board(*_no_descriptors(lab)) as board:
            ended = lab.attempt(workload, board, lambda process: means.use_up_descriptors(process.pid, spare))
            return ended, board.struck

    return Fault("descriptors used up", f"{spare} more in the middle", run)


def few_descriptors(most: int) -> Fault:
    def run(lab: Lab, workload: Workload) -> tuple[Ended, int]:
        with lab.board(*_no_descriptors(lab)) as board:
            ended = lab.attempt(workload, board, prefix=means.with_limit("n", most))
            return ended, board.struck

    return Fault("descriptors used up", f"{most} from the start", run)


def _no_descriptors(lab: Lab) -> list[Rule]:
    root = Path("/")
    return [failing(call, root, errno.EMFILE) for call in ("open", "create", "pipe")]


# memory


def little_memory(megabytes: int) -> Fault:
    """All processes of the command together have that much. It strikes a program that asks for twice as much, not ours."""

    def run(lab: Lab, workload: Workload) -> tuple[Ended, int]:
        with means.memory(megabytes) as prefix:
            greedy = [*prefix, sys.executable, "-c", f"b'x' * ({2 * megabytes} << 20)"]
            struck = subprocess.run(greedy, check=False, capture_output=True).returncode != 0
            ended = lab.attempt(workload, None, prefix=prefix)
        if ended.code:
            ended.wrong.append(f"{megabytes} MiB are enough, but it ended with {ended.told}")
        return ended, int(struck)

    return Fault("memory limit", f"{megabytes} MiB", run)


@contextmanager
def _removed(remove: Callable[[], object]) -> Iterator[None]:
    try:
        yield
    finally:
        remove()


def _when(in_the_middle: bool) -> str:
    return "in the middle" if in_the_middle else "from the start"
