"""A laboratory: one small disk with an installation on it, put back to its beginning before each fault."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.faults.below import Board, Rule, compiled
from tests.faults.means import disk
from tests.faults.trial import Ended, FaultyHome
from tests.harness import install_plugin_models, plugin_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from tests.faults.workloads import Workload

DISK_MEGABYTES = 96


@dataclass
class Lab:
    """``home`` lies on a disk of its own, with music and state; ``apart`` does not."""

    home: FaultyHome
    apart: Path
    library: Path
    counted: dict[tuple[str, str, Path], int] = field(default_factory=dict)

    def put_back(self, workload: Workload) -> None:
        """The installation is as it was when the workload had been prepared, on an empty disk."""
        kept = self.apart / workload.name.replace(" ", "-")
        for path in self.home.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.home.music.mkdir()
        self.home.log.touch()
        if not kept.exists():
            workload.prepare(self.home)
            shutil.copytree(self.home.folder, kept, symlinks=True)
        else:
            shutil.copytree(kept, self.home.folder, symlinks=True, dirs_exist_ok=True)
        workload.ready(self.home)

    @contextmanager
    def board(self, *rules: Rule) -> Iterator[Board]:
        """Renaming is so quick that nothing could happen in its middle: each file takes a hundredth of a second."""
        pace = Rule("rename", self.home.music, 0, seconds=0.01)
        with Board(self.library, self.apart / "board", rules, [pace]) as board:
            yield board

    def attempt(
        self,
        workload: Workload,
        board: Board | None = None,
        middle: Callable[[Any], None] | None = None,
        prefix: Sequence[str] = (),
        **variables: str,
    ) -> Ended:
        """Run the workload's command; ``middle`` is called with the process once, in the middle of its work."""
        name, left = workload.middle

        def hear(event: dict[str, Any], process: Any) -> None:
            nonlocal left
            if event.get("event") == name:
                left -= 1
                if left == 0 and middle is not None:
                    middle(process)

        steered = board.environment if board else {}
        return self.home.attempt(
            *workload.arguments(self.home),
            prefix=prefix,
            on_event=hear,
            **{**workload.variables, **steered, **variables},
        )

    def calls(self, workload: Workload, call: str, path: Path) -> int:
        """How many such calls the workload makes when nothing goes wrong. The installation is as it was afterwards."""
        key = (workload.name, call, path)
        if key not in self.counted:
            with self.board(Rule(call, path, skip=1 << 60)) as board:
                self.attempt(workload, board)
                self.counted[key] = board.seen
            self.put_back(workload)
        return self.counted[key]

    def wreckage(self, workload: Workload) -> list[str]:
        """What is wrong right after the fault."""
        return self.home.broken_databases() + workload.kept(self.home)

    def losses(self, workload: Workload) -> list[str]:
        """What is missing or wrong when the command is run once more, without any fault."""
        ended = self.attempt(workload)
        workload.afterwards(self.home)
        wrong = [*ended.wrong, *self.home.broken_databases()]
        if ended.told not in workload.good_ends:
            wrong.append(f"run again it ended with {ended.code}: {ended.told} {ended.stderr[-500:]}")
        return wrong + workload.lost(self.home)


@contextmanager
def laboratory(folder: Path, megabytes: int = DISK_MEGABYTES) -> Iterator[Lab]:
    """Everything that trials need; the disk is gone afterwards."""
    apart = folder / "apart"
    apart.mkdir(parents=True)
    path = install_plugin_models(folder / "site")
    with disk(folder / "disk", megabytes) as small:
        yield Lab(FaultyHome(small, plugin_environment(path)), apart, compiled(apart))
