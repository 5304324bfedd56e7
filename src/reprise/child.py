"""The composition root of a model process: ``python -m reprise.child OPTIONS``, started by the engine only."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from reprise.threads import use_threads

if TYPE_CHECKING:
    from reprise.core.ports import Audio
    from reprise.media.decode import DecodeLimits


@dataclass(frozen=True, slots=True)
class ChildOptions:
    """What a model process is told on its command line. File numbers are inherited from the parent."""

    model: str
    role: str
    connection: int
    slot: int
    threads: int
    min_decoded: float
    max_seconds: float

    def command(self) -> list[str]:
        return [sys.executable, "-m", "reprise.child", json.dumps(asdict(self))]


class MediaReader:
    """Implements ``engine.worker.Reader`` with the decoder and digests of ``reprise.media``."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits

    def open_audio(self, path: bytes, sample_rate: int) -> Audio:
        from reprise.media.decode import AudioFile

        return AudioFile(path, sample_rate, self._limits)

    def digest(self, path: bytes) -> bytes:
        from reprise.media.essence import essence_digest

        return essence_digest(path)


def main() -> None:
    options = ChildOptions(**json.loads(sys.argv[1]))
    use_threads(options.threads)  # before numpy is imported
    _serve(options)


def _serve(options: ChildOptions) -> None:
    from reprise.engine.messages import NotReady, Role, Slot
    from reprise.engine.worker import Worker
    from reprise.errors import RepriseError
    from reprise.media.decode import DecodeLimits
    from reprise.models.registry import load_model

    connection: Connection = Connection(options.connection)
    try:
        model = load_model(options.model)
    except RepriseError as error:
        connection.send(NotReady(error.code, error.message, error.cure))
        return
    reader = MediaReader(DecodeLimits(options.min_decoded, options.max_seconds))
    Worker(connection, Slot(options.slot), model, reader, Role(options.role)).serve()


if __name__ == "__main__":
    main()
