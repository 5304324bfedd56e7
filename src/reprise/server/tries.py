"""How often somebody may try a password."""

from __future__ import annotations

import ipaddress
import threading
import time
from typing import TYPE_CHECKING

from reprise.errors import TooManyTries

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import RateLimiter

PER_MINUTE = 10


class Tries:
    """Counts tries in this process's memory, those that succeed as well: else tries at once would pass unseen."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: tuple[RateLimiter, RateLimitItem] | None = None

    def count(self, name: str, address: str) -> None:
        """One more try for this name from this address. Raises ``TooManyTries``."""
        self._hit("address", _network(address))
        self._hit("name", name)

    def _hit(self, kind: str, who: str) -> None:
        limiter, limit = self._limiter()
        if limiter.hit(limit, kind, who):
            return
        opens_at = limiter.get_window_stats(limit, kind, who).reset_time
        wait = max(1.0, opens_at - time.time())
        raise TooManyTries(f"more than {PER_MINUTE} tries in a minute", wait=wait)

    def _limiter(self) -> tuple[RateLimiter, RateLimitItem]:
        """Made for the first try: its import would cost every start of a server a tenth of a second."""
        with self._lock:
            if self._made is None:
                from limits import RateLimitItemPerMinute
                from limits.storage import MemoryStorage
                from limits.strategies import MovingWindowRateLimiter

                self._made = MovingWindowRateLimiter(MemoryStorage()), RateLimitItemPerMinute(PER_MINUTE)
            return self._made


def _network(address: str) -> str:
    """Who has one IPv6 address has the 2^64 of its network."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False))
