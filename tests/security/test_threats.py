"""The table of threats and the tests that guard them say the same."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
OF_THE_TABLE_ITSELF = "test_threats.py"


def named_in(path: Path) -> set[str]:
    return {
        node.name
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def rows() -> list[list[str]]:
    """The cells of the table of threats."""
    lines = PAGE.read_text().split("| who | threat |")[1].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


def test_every_line_has_a_test_that_there_is() -> None:
    known = {path: named_in(path) for path in {ROOT / file for file, _ in NAMED.findall(PAGE.read_text())}}
    for who, threat, defence, guards in rows():
        named = NAMED.findall(guards)
        assert who, threat
        assert defence, threat
        assert named, f"nothing guards: {threat}"
        assert [f"{file}::{name}" for file, name in named if name not in known[ROOT / file]] == [], threat
        assert guards.count("::") == len(named), f"not all of these can be read: {guards}"


def test_every_test_of_security_stands_in_the_table() -> None:
    named = {(file, name) for row in rows() for file, name in NAMED.findall(row[3])}
    there = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in (ROOT / "tests" / "security").glob("test_*.py")
        if path.name != OF_THE_TABLE_ITSELF
        for name in named_in(path)
    }
    assert there - named == set(), "say in docs/security.md against what these stand"


def test_what_is_not_defended_is_said() -> None:
    frank = PAGE.read_text().split("### What is not defended")[1]
    assert frank.count("\n- **") >= 8
