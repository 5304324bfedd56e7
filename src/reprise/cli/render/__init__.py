"""The same events as a bar, as JSON lines, as a log."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.events import Emit, Event
    from reprise.settings import Settings


@contextmanager
def rendering(settings: Settings, *, as_json: bool, **besides: str) -> Iterator[Emit]:
    """Where events go: JSON lines, or a bar on a terminal and plain lines in a pipe; and the log beside them.

    ``besides``: what each JSON line and each record of the log says too.
    """
    from reprise.cli.render.log import make_log

    log = make_log(settings.text("log_level"), settings.text("log_format"), besides)
    with _shown(besides, as_json=as_json) as show:

        def emit(event: Event) -> None:
            log(event)
            show(event)

        yield emit


@contextmanager
def _shown(besides: dict[str, str], *, as_json: bool) -> Iterator[Emit]:
    if as_json:
        from reprise.cli.common import write_json

        yield lambda event: write_json(event.as_dict() | besides)
        return
    if sys.stderr.isatty():
        from reprise.cli.render.bar import Bar

        with Bar() as bar:
            yield bar.show
        return
    from reprise.cli.render.lines import Lines

    yield Lines().show
