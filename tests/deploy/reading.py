"""The files for deployers, as their readers see them: YAML merged and with its variables filled in; commands; settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import yaml  # type: ignore[import-untyped]

from reprise.known_settings import PREFIX, SETTINGS
from reprise.settings import FILE_SUFFIX, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?:(:?[-?+])([^}]*))?\}")


def documents(path: Path) -> list[dict[str, Any]]:
    """All documents of a YAML file."""
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


def filled(value: Any, variables: Mapping[str, str]) -> Any:
    """With ``${NAME}`` and ``${NAME:-default}`` replaced as Compose does, ``$$`` for a dollar. A name without either fails."""
    if isinstance(value, dict):
        return {key: filled(one, variables) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, variables) for one in value]
    if not isinstance(value, str):
        return value
    return _VARIABLE.sub(lambda match: _variable(match, variables), value).replace("$$", "$")


def _variable(match: re.Match[str], variables: Mapping[str, str]) -> str:
    name, how, default = match.groups()
    if variables.get(name):
        return variables[name]
    assert how == ":-", f"{name} has no default"
    return str(default)


def variables_of(text: str) -> set[str]:
    return {match[1] for match in _VARIABLE.finditer(text)}


def assert_parses(words: list[str]) -> None:
    """A command line of ours, as click parses it before it runs anything."""
    from reprise.cli.main import cli

    assert words[0] == "reprise", words
    command: click.Command = cli
    parent: click.Context | None = None
    rest = words[1:]
    while True:
        context = command.make_context(command.name, list(rest), parent=parent)
        left = [*context._protected_args, *context.args] if isinstance(command, click.Group) else []
        if not left:
            return
        assert isinstance(command, click.Group)
        _, child, rest = command.resolve_command(context, left)
        assert child is not None
        command, parent = child, context


def assert_settings(environment: Mapping[str, str], secrets: Path) -> None:
    """Each ``REPRISE_`` variable sets a setting, to a value that is allowed; files of secrets are read from ``secrets``."""
    ours = {name: value for name, value in environment.items() if name.startswith(PREFIX)}
    known = {row.variable for row in SETTINGS} | {f"{PREFIX}HOME"}
    known |= {row.variable + FILE_SUFFIX for row in SETTINGS if row.secret}
    assert ours.keys() <= known
    for row in SETTINGS:
        assert not (row.secret and "://" in ours.get(row.variable, "") and "@" in ours[row.variable]), (
            "a secret"
        )
        if path := ours.get(row.variable + FILE_SUFFIX):
            ours[row.variable + FILE_SUFFIX] = str(secrets / Path(path).name)
    load_settings({}, ours, Path("/nowhere"))
