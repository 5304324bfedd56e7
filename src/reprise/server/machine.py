"""What the machine has to do now: processor, memory, graphics cards, and what the jobs take of it."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time

import psutil
from pydantic import BaseModel, Field

CARDS_SECONDS = 5.0
"""How long the driver's program may take."""
AGAIN_SECONDS = 60.0
"""After it failed, it is not asked again for so long."""
QUERY = ("--query-gpu=name,memory.used,memory.total,utilization.gpu", "--format=csv,noheader,nounits")


class Card(BaseModel):
    """One graphics card. ``percent``: how busy it is; none when the driver does not say."""

    name: str
    used_mb: float
    total_mb: float
    percent: float | None = None


class Machine(BaseModel):
    """One look at the machine."""

    cpu_percent: float = Field(description="Of all cores together, since the last look; 0 to 100")
    memory_used_mb: float
    memory_total_mb: float
    gpus: list[Card]
    job_memory_mb: float = Field(description="What the processes of jobs take that this server started")


class Gauge:
    """Looks at the machine. Threads may share it."""

    def __init__(self) -> None:
        self._program = shutil.which("nvidia-smi")
        self._not_before = 0.0
        self._lock = threading.Lock()
        psutil.cpu_percent(None)  # begins the measurement that the first look ends

    def look(self) -> Machine:
        memory = psutil.virtual_memory()
        return Machine(
            cpu_percent=psutil.cpu_percent(None),
            memory_used_mb=round((memory.total - memory.available) / 2**20, 1),
            memory_total_mb=round(memory.total / 2**20, 1),
            gpus=self._cards(),
            job_memory_mb=round(job_memory_mb(), 1),
        )

    def _cards(self) -> list[Card]:
        if self._program is None:
            return []
        with self._lock:
            if time.monotonic() < self._not_before:
                return []
            try:
                return graphics_cards(self._program)
            except (OSError, subprocess.SubprocessError, ValueError):
                self._not_before = time.monotonic() + AGAIN_SECONDS
                return []


def graphics_cards(program: str) -> list[Card]:
    """What the driver's program says. Raises ``OSError``, ``SubprocessError`` or ``ValueError`` when it says nothing."""
    told = subprocess.run(
        [program, *QUERY], capture_output=True, text=True, timeout=CARDS_SECONDS, check=True
    ).stdout
    return [_card(line) for line in told.splitlines() if line.strip()]


def _card(line: str) -> Card:
    name, used, total, percent = (part.strip() for part in line.rsplit(",", 3))
    busy = float(percent) if percent.replace(".", "", 1).isdigit() else None
    return Card(name=name, used_mb=float(used), total_mb=float(total), percent=busy)


def job_memory_mb() -> float:
    """Resident memory of this process's children and theirs, in MiB: jobs and their models run there."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue  # it has ended meanwhile
    return total / 2**20
