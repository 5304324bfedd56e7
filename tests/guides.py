"""Documents that are guides: what they tell to do, to be done by tests."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def steps(name: str) -> list[tuple[str, str]]:
    """Commands (``sh``) and settings (``toml``) of a document as they stand there, one after the other."""
    found: list[tuple[str, str]] = []
    text = (DOCS / name).read_text(encoding="utf-8")
    for kind, block in re.findall(r"^```(sh|toml)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        found += [(kind, line) for line in block.splitlines()] if kind == "sh" else [(kind, block)]
    return found
