"""The doorbell: whoever has work for workers rings it, and it may be rung in vain or not be heard."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reprise.errors import BrokerError
from reprise.runners.dramatiq.brokers import QUEUE, REDIS_SCHEMES, broker_for, close, parsed, telling

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.core.job import Job
    from reprise.core.records import Jobs

ACTOR = "reprocess"
VERSION = 1
"""Of the message. A worker drops those of a version that it does not know."""
MOST_SECONDS = 5.0
"""Whoever rings may have somebody waiting; a broker that takes longer is away."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bell:
    """The broker at ``url``, as seen by whoever rings. Threads may share it.

    Rings are rare, minutes lie between them: each has a connection of its own, and none idles until it breaks.
    """

    url: str = field(repr=False)
    timeout: float = MOST_SECONDS

    def ring(self, job_id: str) -> None:
        """Wake a worker. Raises ``BrokerAway``, ``BrokerRefused``, ``BadSetting``."""
        with self._broker() as broker:
            from dramatiq import Message

            message: Any = Message(QUEUE, ACTOR, (job_id,), {"version": VERSION}, {})
            broker.declare_queue(QUEUE)
            broker.enqueue(message)

    def waiting(self) -> int:
        """How many messages no worker has taken yet; those that are to be tried again later do not count. Raises as above."""
        with self._broker() as broker:
            if parsed(self.url).scheme in REDIS_SCHEMES:
                return int(broker.client.llen(f"{broker.namespace}:{QUEUE}"))
            return int(broker.get_queue_message_counts(QUEUE)[0])

    def wake(self, jobs: Jobs, job: Job, patience: float = 0.0) -> bool:
        """Wake a worker for the job, unless it was done within so many seconds and nobody has come yet.

        Whether it was rung. A broker that is away is no error here: whoever reconciles rings again.
        """
        if not jobs.ring(job.owner, job.id, patience):
            return False
        try:
            self.ring(job.id)
        except BrokerError as error:
            log.warning(
                "no worker can be woken for job %s, tried again in a minute: %s", job.id, error.message
            )
            return False
        return True

    @contextmanager
    def _broker(self) -> Iterator[Any]:
        with telling(self.url):
            broker = broker_for(self.url, min(self.timeout, MOST_SECONDS))
            try:
                yield broker
            finally:
                close(broker)
