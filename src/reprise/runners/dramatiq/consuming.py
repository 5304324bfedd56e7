"""A worker process's end of the broker: one message at a time, in one thread, until somebody says stop."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reprise.runners.dramatiq.brokers import QUEUE, broker_for, close, telling
from reprise.runners.dramatiq.reprocess import declare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

IDLE_MS = 500
"""How often an idle worker asks, at the longest."""
LAST_MS = 10_000
"""How long the end of the message in hand is waited for once it has been interrupted."""

log = logging.getLogger(__name__)


@contextmanager
def consuming(url: str, timeout: float, serve: Callable[[str], bool]) -> Iterator[None]:
    """Inside the block ``serve`` is called, in a thread of its own, whenever somebody rings; see ``declare``.

    A broker that goes away is called again every few seconds. On leaving, a call that is under way is interrupted;
    whoever wants it to end in order sees to that before. Raises ``BadSetting``, ``BrokerError`` without the library.
    """
    with telling(url):
        from dramatiq import Worker

        broker = broker_for(url, timeout)
        declare(broker, serve)
        broker.emit_after("process_boot")  # starts what watches over the time limit
        worker = Worker(broker, queues={QUEUE}, worker_threads=1, worker_timeout=IDLE_MS)
        worker.queue_prefetch = 1  # a message in the hand of a busy worker is lost to idle ones
        worker.start()
    try:
        yield
    finally:
        worker.stop(timeout=LAST_MS)
        close(broker)
