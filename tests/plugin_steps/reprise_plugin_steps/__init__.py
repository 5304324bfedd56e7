"""A user's own package of steps, for tests: what a package has to bring to add a kind of embedding to the pipeline.

``MOOD`` embeds the summary of each scene, ``TALLY`` counts the words of each scene and keeps the counts in a file of
its own. ``Cuts`` is no step: it stands in for finding scenes, from a file that names them. Variables of the environment
tell the rest:

``PLUGIN_MODELS_LOG``: a file to which each load and item appends a line; ``PLUGIN_STEPS_FOLDER``: where counts are kept;
``PLUGIN_STEPS_SECONDS``: how long a mood takes; ``PLUGIN_STEPS_FAILS``: the name of a direct step that fails.
A summary that begins with ``raise`` fails, one that begins with ``nothing`` has no mood, one with ``crash`` ends the process.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reprise.core.choices import ModelChoices
from reprise.core.items import ItemKind
from reprise.core.pipeline import Step
from reprise.core.scene_texts import lexical_fields
from reprise.core.spec import Execution, ModelCard, ModelSpec, Subject
from reprise.core.video import (
    Extract,
    FoundScene,
    FrameKind,
    SavedFrame,
    Segment,
    TextSource,
    Transcript,
    VideoFacts,
)
from reprise.errors import NothingToSee, Unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from numpy.typing import NDArray

    from reprise.core.plan import Operation
    from reprise.core.ports import Document, StepPorts
    from reprise.errors import ItemError

DIMENSION = 8

MOOD = Step("mood", "the mood of each scene's summary", ItemKind.SCENE, ("plugin-mood",), after="scene_image")
TALLY = Step("tally", "how many words a scene has", ItemKind.SCENE, ("plugin-tally",))


def note(*words: object) -> None:
    with open(os.environ["PLUGIN_MODELS_LOG"], "a", encoding="utf-8") as log:
        log.write(" ".join(map(str, words)) + "\n")


def spec_of(name: str, dimension: int, subject: Subject) -> ModelSpec:
    """A spec whose fields of sound say that there is none."""
    return ModelSpec(name, dimension, "none", 0, "none", "none", 0, 0, "none", "l2", 0, 1, (), subject)


class Mood:
    """A ``ReadingModel``: what it reads is a text, what it makes of it a vector."""

    name = "plugin-mood"
    execution = Execution.PER_CORE
    subject = Subject(ItemKind.SCENE, "summary")

    @property
    def card(self) -> ModelCard:
        spec = spec_of(self.name, DIMENSION, self.subject)
        return ModelCard(self.name, "for tests", spec, self.execution, "MIT", "tests", 64)

    def load(self) -> None:
        note("load", self.name)

    def read(self, document: Document) -> NDArray[np.float32]:
        text = document.text or Path(os.fsdecode(document.file)).read_bytes().hex()
        word = text.split(maxsplit=1)[0]
        note("item", self.name, text.replace(" ", "_")[:60])
        time.sleep(float(os.environ.get("PLUGIN_STEPS_SECONDS", "0")))
        if word == "raise":
            raise Unreadable("it was to fail")
        if word == "nothing":
            raise NothingToSee("it has no mood")
        if word == "crash":
            os._exit(9)
        return _vector_of(text)

    def encode(self, prepared: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
        return np.stack(prepared)

    def canaries(self) -> Sequence[NDArray[np.float32]]:
        return list(np.eye(2, DIMENSION, dtype=np.float32))


class HeavyMood(Mood):
    """The same as one that holds a device: a batch at a time, in one process, read ahead of it by others."""

    name = "plugin-heavy-mood"
    execution = Execution.EXCLUSIVE


class Silent(Mood):
    """Costs next to nothing, the log included: what is left is what the engine costs."""

    name = "plugin-silent"

    def read(self, document: Document) -> NDArray[np.float32]:
        return _vector_of(document.text)


def _vector_of(text: str) -> NDArray[np.float32]:
    seed = np.frombuffer(hashlib.sha256(text.encode()).digest()[:DIMENSION], np.uint8)
    vector: NDArray[np.float32] = (seed.astype(np.float32) - 127.5) / 127.5
    return vector


class Tally:
    """A ``DirectStep`` that keeps what it makes itself: a row per item in a small database of its own."""

    name = "plugin-tally"

    @property
    def card(self) -> ModelCard:
        spec = spec_of(self.name, 0, Subject(ItemKind.SCENE, "lexical"))
        return ModelCard(self.name, "for tests", spec, Execution.DIRECT, "MIT", "tests", 0)

    def attach(self, ports: StepPorts) -> None:
        self.ports = ports

    def open(self, owner: str, space: str) -> None:
        self._do("CREATE TABLE IF NOT EXISTS tally (owner TEXT, space TEXT, key INTEGER, words INTEGER,"
                 " PRIMARY KEY (owner, space, key))")  # fmt: skip

    def work(self, owner: str, space: str, operations: Sequence[Operation]) -> Sequence[ItemError | None]:
        if os.environ.get("PLUGIN_STEPS_FAILS") == self.name:
            raise RuntimeError("it was to fail as a whole")
        answers = [self._count(operation) for operation in operations]
        rows = [
            (owner, space, operation.item_id, answer)
            for operation, answer in zip(operations, answers, strict=True)
        ]
        self._do(
            "INSERT OR REPLACE INTO tally VALUES (?, ?, ?, ?)",
            [row for row in rows if isinstance(row[3], int)],
        )
        return [None if isinstance(answer, int) else answer for answer in answers]

    def keys(self, owner: str, space: str) -> Iterator[int]:
        sql = "SELECT key FROM tally WHERE owner = ? AND space = ? ORDER BY key"
        return iter([row[0] for row in self._ask(sql, (owner, space))])

    def forget(self, owner: str, space: str, keys: Collection[int]) -> None:
        rows = [(owner, space, key) for key in keys]
        self._do("DELETE FROM tally WHERE owner = ? AND space = ? AND key = ?", rows)

    def drop(self, owner: str, space: str) -> None:
        self._do("DELETE FROM tally WHERE owner = ? AND space = ?", [(owner, space)])

    def _count(self, operation: Operation) -> int | ItemError:
        words = " ".join(lexical_fields(operation.text).values()).split()
        note("item", self.name, operation.item_id)
        return Unreadable("it was to fail") if "raise" in words else len(words)

    @staticmethod
    def _file() -> Path:
        return Path(os.environ["PLUGIN_STEPS_FOLDER"]) / "tally.sqlite"

    def _ask(self, sql: str, values: Sequence[object]) -> list[tuple[int]]:
        with closing(sqlite3.connect(self._file())) as connection:
            return connection.execute(sql, values).fetchall()

    def _do(self, sql: str, rows: Sequence[Sequence[object]] = ((),)) -> None:
        with closing(sqlite3.connect(self._file())) as connection, connection:
            connection.executemany(sql, rows)


class Cuts:
    """A ``TellingModel``: finds the scenes that the file names as JSON, as [[start, end, said, picture], …]."""

    name = "plugin-cuts"
    execution = Execution.PER_CORE

    def __init__(self) -> None:
        self._choices = ModelChoices()

    def configure(self, choices: ModelChoices) -> None:
        self._choices = choices

    @property
    def card(self) -> ModelCard:
        spec = spec_of(self.name, 0, Subject(ItemKind.VIDEO))
        return ModelCard(self.name, "for tests", spec, self.execution, "MIT", "tests", 64, most_processes=1)

    def load(self) -> None:
        note("load", self.name)

    def tell(self, document: Document) -> Extract:
        note("item", self.name, os.path.basename(os.fsdecode(document.file)))
        try:
            rows = json.loads(Path(os.fsdecode(document.file)).read_bytes())
        except ValueError as error:
            raise Unreadable("it is no JSON") from error
        said = tuple(Segment(start, end, text) for start, end, text, _ in rows if text)
        facts = VideoFacts(max((row[1] for row in rows), default=0.0), 8, 8, 25.0, has_video=True)
        scenes = tuple(self._scene(index, *row) for index, row in enumerate(rows))
        return Extract(facts, scenes, Transcript(TextSource.SIDECAR, said, "en") if said else None)

    def _scene(self, index: int, start: float, end: float, _said: str, picture: str) -> FoundScene:
        if not picture:
            return FoundScene(index, start, end)
        content = picture.encode()
        digest = hashlib.sha256(content).digest()
        name = f"{digest.hex()[:2]}/{digest.hex()}.jpg"
        target = Path(self._choices.media) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        frame = SavedFrame(FrameKind.KEYFRAME, 0, (start + end) / 2, name.encode(), digest, 8, 8)
        return FoundScene(index, start, end, (frame,))


class HeavyCuts(Cuts):
    """Says that it holds a device, which what tells and embeds nothing cannot."""

    name = "plugin-heavy-cuts"
    execution = Execution.EXCLUSIVE


class Look(Mood):
    """Reads the picture that stands for a scene."""

    name = "plugin-look"
    subject = Subject(ItemKind.SCENE, "image")


MODELS = (Mood, HeavyMood, Silent, Tally, Cuts, HeavyCuts, Look)
STEPS = {"mood": "MOOD", "tally": "TALLY"}
