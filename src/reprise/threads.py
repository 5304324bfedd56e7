"""How many threads the numeric libraries may use. They read it once, when they are first imported."""

from __future__ import annotations

import os

VARIABLES = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def use_threads(count: int) -> None:
    """Processes that share the cores by their number must not share them by threads as well."""
    for variable in VARIABLES:
        os.environ[variable] = str(count)


def use_one_thread_by_default() -> None:
    """For the process that a person starts: its searches are too short for threads, and on a machine whose cores
    are busy with embedding, threads that wait for each other made them eight times slower."""
    for variable in VARIABLES:
        os.environ.setdefault(variable, "1")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
