"""The actor ``reprocess``: what a worker does when the doorbell rings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from reprise.runners.dramatiq.bell import ACTOR, VERSION
from reprise.runners.dramatiq.brokers import QUEUE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

LIMIT_MS = 7_200_000
"""Two hours: the outer fuse. A slice takes minutes, and ends by itself."""
RETRIES = 3
FIRST_WAIT_MS = 30_000
LONGEST_WAIT_MS = 600_000

log = logging.getLogger(__name__)


def declare(broker: Any, serve: Callable[[str], bool]) -> Any:
    """Declare the actor on this broker; returns it.

    ``serve`` is told the id of the job that somebody rang for, works for a while on whatever is next, and says whether
    it could. If not, the message comes again after 30 seconds, then later, three times; after that whoever reconciles
    rings anew. How often an item was tried is counted by the ledger, never by the broker.
    """
    import dramatiq
    from dramatiq.errors import Retry
    from dramatiq.middleware import Shutdown

    def reprocess(*arguments: object, **facts: object) -> None:
        job_id = understood(arguments, facts)
        if job_id is None:
            return
        try:
            if not serve(job_id):
                raise Retry(f"job {job_id} needs a server that is away")
        except Shutdown:
            log.warning("job %s did not let go in time: what was in hand has been given back", job_id)

    as_actor: Any = dramatiq.actor(
        broker=broker,
        actor_name=ACTOR,
        queue_name=QUEUE,
        time_limit=LIMIT_MS,
        max_retries=RETRIES,
        min_backoff=FIRST_WAIT_MS,
        max_backoff=LONGEST_WAIT_MS,
        notify_shutdown=True,
    )
    return as_actor(reprocess)


def understood(arguments: Sequence[object], facts: Mapping[str, object]) -> str | None:
    """The job's id; ``None`` for a message that another release wrote in another way."""
    if facts.get("version", VERSION) != VERSION or len(arguments) != 1 or not isinstance(arguments[0], str):
        log.warning(
            "a message is dropped that this release does not understand: %s %s", arguments, dict(facts)
        )
        return None
    return arguments[0]
