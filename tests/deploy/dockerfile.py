"""A Dockerfile as its instructions, and a stage of it carried out in a folder, where there is no engine to build it."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """``words``: what follows the keyword, as text."""

    keyword: str
    words: str

    @property
    def listed(self) -> list[str]:
        """Of the form that is a JSON list."""
        found = json.loads(self.words)
        assert isinstance(found, list)
        return found


@dataclass(frozen=True)
class Stage:
    """What one ``FROM`` begins."""

    base: str
    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def all(self, keyword: str) -> list[Instruction]:
        return [one for one in self.instructions if one.keyword == keyword]

    def last(self, keyword: str) -> Instruction:
        return self.all(keyword)[-1]


def stages_of(text: str) -> list[Stage]:
    """Lines joined where they go on; comments left out, also between the lines of one instruction."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    stages: list[Stage] = []
    for line in filter(None, map(str.strip, joined.splitlines())):
        keyword, _, words = line.partition(" ")
        if keyword == "FROM":
            base, _, name = words.partition(" AS ")
            stages.append(Stage(base, name))
        else:
            stages[-1].instructions.append(Instruction(keyword, words.strip()))
    return stages


@dataclass(frozen=True)
class Bench:
    """A folder that stands for the file system of a stage: what the stage calls ``/build`` lies below it.

    The base image's Python is the one that runs the tests, in an environment of its own.
    """

    root: Path
    context: Path
    folders: tuple[str, ...]
    arguments: Mapping[str, str]

    def carry_out(self, stage: Stage) -> None:
        environment = {**os.environ, **self.arguments}
        subprocess.run([sys.executable, "-m", "venv", str(self.root / "base")], check=True)
        environment["PATH"] = f"{self.root / 'base' / 'bin'}:{environment['PATH']}"
        where = self.root
        for one in stage.instructions:
            if one.keyword == "ENV":
                environment |= dict(pair.split("=", 1) for pair in shlex.split(one.words))
            elif one.keyword == "WORKDIR":
                where = self.inside(one.words)
                where.mkdir(parents=True)
            elif one.keyword == "COPY":
                self._copy(one, where)
            elif one.keyword == "RUN":
                self._run(one, where, environment)

    def inside(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def _copy(self, one: Instruction, where: Path) -> None:
        *sources, target = shlex.split(one.words)
        for source in sources:
            path = self.context / source
            if path.is_dir():
                left_out = shutil.ignore_patterns("node_modules", "__pycache__", "dist")
                shutil.copytree(path, where / target, ignore=left_out)
            else:
                shutil.copy(path, where / target)

    def _run(self, one: Instruction, where: Path, environment: Mapping[str, str]) -> None:
        command = one.words
        for folder in self.folders:
            command = re.sub(rf"(?<![\w.]){re.escape(folder)}\b", str(self.inside(folder)), command)
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=where,
            env=dict(environment),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
