"""``reprise logs``: what a server's log says, counted."""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import common_options, example, opened, write_json, write_table
from reprise.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_FACT = re.compile(r'([A-Za-z_]\w*)=("(?:[^"\\]|\\.)*"|\S*)')
KINDS = {
    "crashes": re.compile(r"Traceback \(most recent call last\)|fault|panic|killed by signal", re.IGNORECASE),
    "socket trouble": re.compile(
        r"socket|address already in use|connection re(set|fused)|broken pipe", re.IGNORECASE
    ),
    "failed health checks": re.compile(r"not healthy|degraded|health", re.IGNORECASE),
    "retries": re.compile(r"retry|tried again|tries again|trying again", re.IGNORECASE),
    "reconnections": re.compile(r"reconnect", re.IGNORECASE),
}
"""What is looked for in warnings and errors, and in the lines of exceptions."""
MOST_MESSAGES = 10


@dataclass(slots=True)
class Findings:
    """What a log holds. ``events``: how often each event; ``messages``: warnings and errors, how often each."""

    lines: int = 0
    unreadable: int = 0
    first: str = ""
    last: str = ""
    levels: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    messages: Counter[str] = field(default_factory=Counter)

    @property
    def troubled(self) -> bool:
        return bool(self.levels["error"] or self.levels["critical"] or self.kinds["crashes"])


@click.command()
@click.argument("log", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@common_options
@example("reprise logs /var/log/reprise.log")
def logs(log: Path, owner: str | None, home: Path | None, as_json: bool) -> int:
    """Count what a server's LOG holds: errors, crashes, socket trouble, health checks, retries, items. ``-`` reads a pipe."""
    with opened(owner, home, as_json=as_json), _text(log) as lines:
        found = read_log(lines)
    if as_json:
        write_json(_facts(found))
    else:
        _show(found)
    return int(found.troubled)


@contextmanager
def _text(log: Path) -> Iterator[Iterable[str]]:
    """The lines of the file, or of standard input. Raises ``UsageError``."""
    piped = str(log) == "-"
    try:
        with open(0 if piped else log, encoding="utf-8", errors="replace", closefd=not piped) as file:
            yield file
    except OSError as error:
        raise UsageError(
            f"{log} cannot be read: {error.strerror}", cure="name the file of the log"
        ) from error


def read_log(lines: Iterable[str]) -> Findings:
    """Lines in either form that ``log_format`` names; anything else counts as unreadable, but crashes are still seen."""
    found = Findings()
    for line in lines:
        if text := line.rstrip():
            found.lines += 1
            _count(found, text)
    return found


def _count(found: Findings, line: str) -> None:
    record = _record(line)
    if record is None:
        found.unreadable += 1
        found.kinds.update(["crashes"] if KINDS["crashes"].search(line) else [])
        return
    found.first = found.first or str(record.get("timestamp", ""))
    found.last = str(record.get("timestamp", "")) or found.last
    level, event = str(record.get("level", "")), str(record.get("event", ""))
    found.levels[level] += 1
    found.events[event] += 1
    if level in {"warning", "error", "critical"}:
        found.messages[event] += 1
        found.kinds.update(name for name, pattern in KINDS.items() if pattern.search(line))


def _record(line: str) -> dict[str, Any] | None:
    if line.startswith("{"):
        try:
            facts = json.loads(line)
        except ValueError:
            return None
        return facts if isinstance(facts, dict) and "level" in facts else None
    facts = {name: _unquoted(value) for name, value in _FACT.findall(line)}
    return facts if "level" in facts and "event" in facts else None


def _unquoted(value: str) -> str:
    return value[1:-1].replace('\\"', '"') if value.startswith('"') else value


def _facts(found: Findings) -> dict[str, Any]:
    return {
        "event": "log_read",
        "lines": found.lines,
        "unreadable": found.unreadable,
        "first": found.first,
        "last": found.last,
        "levels": dict(found.levels),
        "found": {name: found.kinds[name] for name in KINDS},
        "events": dict(found.events.most_common()),
        "messages": dict(found.messages.most_common(MOST_MESSAGES)),
    }


def _show(found: Findings) -> None:
    span = f", {found.first} to {found.last}" if found.first else ""
    click.echo(f"{found.lines:,} lines{span}; {found.unreadable:,} in no form of ours\n")
    rows: list[tuple[object, ...]] = [(f"{level}s", found.levels[level]) for level in ("error", "warning")]
    rows += [(name, found.kinds[name]) for name in KINDS]
    write_table("", ("what", "lines"), rows)
    if found.messages:
        write_table("", ("warning or error", "times"), list(found.messages.most_common(MOST_MESSAGES)))
    write_table("", ("event", "times"), list(found.events.most_common(MOST_MESSAGES)))
