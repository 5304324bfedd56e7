"""Calls every command of the command line, one after the other: ``python -m tests.catalog.earlier.asking FOLDER``.

Prints a JSON object for each: what was called, how it ended, what it said. One process for all, because there are many.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reprise.cli.main import cli, main

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE, FOLDER = "{file}", "{folder}"
MORE = {
    "reprocess": ["--scope", "all"],
    "rename recover": ["--finish"],
    "rename check": ["{title}"],
    "rename apply": [FILE],
    "rename references": [FILE],
    "videos redo": [FOLDER],
    "videos export": [f"{FILE}.new"],
    "videos import": [FILE],
    "videos transcript": ["1", FILE],
    "persons photo add": ["1", FILE],
    "logs": [FILE],
    "split": [FOLDER, "--output", f"{FOLDER}/out"],
    "search": ["loud", "--model", "acoustic"],
    "move": ["--to-store", "pgvector", "--to-store-url", "postgresql://me@127.0.0.1:1/nowhere"],
}
"""Arguments of commands that want more than a word or a folder each."""


def commands(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """All that can be called, with the words that call them."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    if path and command.invoke_without_command:
        yield path, command
    context = click.Context(command)
    for name in command.list_commands(context):
        if (found := command.get_command(context, name)) is not None:
            yield from commands(found, (*path, name))


def arguments_of(path: tuple[str, ...], command: click.Command, folder: Path) -> list[str]:
    if (more := MORE.get(" ".join(path))) is not None:
        places = {FILE: str(folder / "file"), FOLDER: str(folder)}
        return [_filled(word, places) for word in more]
    wanted = [one for one in command.params if isinstance(one, click.Argument) and one.required]
    return [str(folder) if isinstance(one.type, click.Path) else "1" for one in wanted]


def _filled(word: str, places: dict[str, str]) -> str:
    for mark, place in places.items():
        word = word.replace(mark, place)
    return word


def ask(path: tuple[str, ...], given: list[str]) -> dict[str, object]:
    """Call one command."""
    said, code = io.StringIO(), 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main([*path, *given])
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
    return {"command": " ".join(path), "code": code, "said": said.getvalue()}


if __name__ == "__main__":
    for words, called in commands(cli):
        print(json.dumps(ask(words, arguments_of(words, called, Path(sys.argv[1])))), file=sys.__stdout__)
