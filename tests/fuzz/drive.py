"""Run by a child process: coverage-guided fuzzing of one target with atheris, until a time is over or a fault is found.

``python -m tests.fuzz.drive TARGET FOLDER… -OPTION…``: inputs are read from all folders, and what reaches a new branch is
written into the first one. Options are libFuzzer's.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from tests.fuzz.targets import PRODUCT, target

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    atheris: Any = importlib.import_module("atheris")  # of the group "fuzz": no test needs it
    name, *rest = arguments
    with atheris.instrument_imports(include=list(PRODUCT[name])):
        for module in PRODUCT[name]:
            importlib.import_module(module)
    atheris.Setup([sys.argv[0], *rest], target(name))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
