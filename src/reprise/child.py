"""The composition root of a model process: ``python -m reprise.child OPTIONS``, started by the engine only."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprise.allocator import keep_freed_memory
from reprise.threads import use_threads

if TYPE_CHECKING:
    from reprise.core.choices import ModelChoices
    from reprise.core.ports import Audio
    from reprise.core.spec import ModelCard
    from reprise.media.decode import DecodeLimits


@dataclass(frozen=True, slots=True)
class ChildOptions:
    """What a model process is told on its command line. File numbers are inherited from the parent.

    ``choices`` are the fields of ``ModelChoices``, without the secret one: anybody on the machine can read a command
    line. The process looks that one up itself, in the settings of ``home``. ``fingerprint``: of the spec that the work
    was planned with.
    """

    model: str
    role: str
    connection: int
    slot: int
    threads: int
    min_decoded: float
    max_seconds: float
    home: str
    choices: dict[str, Any]
    spool: str
    fingerprint: str

    def command(self) -> list[str]:
        return [sys.executable, "-m", "reprise.child", json.dumps(asdict(self))]


class MediaReader:
    """Implements ``engine.worker.Reader`` with the decoder and digests of ``reprise.media``."""

    def __init__(self, limits: DecodeLimits, spool: str = "") -> None:
        from reprise.media.essence import Essences

        self._limits = limits
        self._spool = Path(spool) if spool else None
        self._essences = Essences()

    def open_audio(self, path: bytes, sample_rate: int) -> Audio:
        from reprise.media.decode import AudioFile

        audio = AudioFile(path, sample_rate, self._limits)
        if self._spool is None:
            return audio
        from reprise.media.spool import SpooledAudio, spool_name

        return SpooledAudio(audio, self._spool, spool_name(path, sample_rate))

    def digest(self, path: bytes) -> bytes:
        return self._essences.digest(path)

    def video_digest(self, path: bytes) -> bytes:
        from reprise.media.video.digest import video_digest

        return video_digest(path)


def main() -> None:
    options = ChildOptions(**json.loads(sys.argv[1]))
    use_threads(options.threads)  # before numpy is imported
    _serve(options)


def _serve(options: ChildOptions) -> None:
    from reprise.core.ports import DirectStep
    from reprise.engine.messages import NotReady, Role, Slot
    from reprise.engine.worker import Worker
    from reprise.errors import ModelLoadFailed, RepriseError
    from reprise.media.decode import DecodeLimits
    from reprise.models.registry import load_model, planned_card

    role = Role(options.role)
    if role in (
        Role.EMBED,
        Role.PREPARE,
    ):  # a neural network's process has larger arrays, and its own allocator
        keep_freed_memory()
    connection: Connection = Connection(options.connection)
    choices = _choices(options)
    try:
        model = load_model(options.model, choices)
        if isinstance(model, DirectStep):
            raise ModelLoadFailed(f"{options.model} runs in no process of its own")
        _check_planned(planned_card(model, choices), options.fingerprint)
    except RepriseError as error:
        connection.send(NotReady(error.code, error.message, error.cure))
        return
    reader = MediaReader(DecodeLimits(options.min_decoded, options.max_seconds), options.spool)
    Worker(connection, Slot(options.slot), model, reader, role).serve()


def _check_planned(card: ModelCard, planned: str) -> None:
    """Weights or a package that changed since would put vectors of another meaning into the space."""
    from reprise.core.spec import fingerprint
    from reprise.errors import WeightsRefused

    if fingerprint(card.spec) != planned:
        raise WeightsRefused(
            f"the weights or the code of {card.name} changed since the work was planned",
            cure=f"{card.missing}; then run the command again" if card.missing else "run the command again",
        )


def _choices(options: ChildOptions) -> ModelChoices:
    from reprise.core.choices import Coverage, ModelChoices, as_steps
    from reprise.settings import load_settings

    given = options.choices | {
        "coverage": Coverage(options.choices["coverage"]),
        "steps": as_steps(options.choices["steps"]),
    }
    if given["endpoint"]:
        given["endpoint_key"] = load_settings({}, home=Path(options.home)).text("endpoint_key")
    return ModelChoices(**given)


if __name__ == "__main__":
    main()
