"""What commands share that carry out several jobs in turn: their lines, and one end for all of them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING

from reprise.core.events import JobFinished, PartFinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.events import Emit, Event
    from reprise.settings import Settings


@contextmanager
def rendering_parts(settings: Settings, spec_version: str, *, as_json: bool) -> Iterator[Emit]:
    """Where events of the jobs go; every line names the version of the pipeline. The end of each is that of a part."""
    from reprise.cli.render import rendering

    with rendering(settings, as_json=as_json, spec_version=spec_version) as emit:

        def as_part(event: Event) -> None:
            emit(PartFinished(**asdict(event)) if isinstance(event, JobFinished) else event)

        yield as_part
