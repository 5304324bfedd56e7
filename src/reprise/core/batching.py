"""A batch size that halves when memory is short and grows back when it is not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class AdaptiveBatch:
    """The size of the next batch, 1 to ``largest``.

    ``grow_after`` successes in a row double it again, so that one heavy item does not slow the rest of a run.
    """

    largest: int
    grow_after: int = 8
    size: int = 0
    _successes: int = 0

    def __post_init__(self) -> None:
        self.size = self.size or self.largest

    def too_large(self, items: int) -> bool:
        """Halve what did not fit, once for all batches of that size; ``False`` when one item alone was too large."""
        self._successes = 0
        if items <= 1:
            return False
        self.size = max(1, min(self.size, items // 2))
        return True

    def succeeded(self) -> bool:
        """Count a success; ``True`` when the size grew."""
        self._successes += 1
        if self.size >= self.largest or self._successes < self.grow_after:
            return False
        self._successes = 0
        self.size = min(self.largest, self.size * 2)
        return True


@dataclass(slots=True)
class TimedBatch:
    """How many items to hand to a worker at once so that a message is worth about ``target_seconds``.

    Cheap items travel in large messages (their overhead is shared), dear ones alone (nobody waits for them).
    """

    target_seconds: float = 0.25
    largest: int = 256
    seconds_per_item: float | None = None

    def observe(self, items: int, seconds: float) -> None:
        """Learn from a finished message: an exponential mean with weight one half."""
        if items <= 0:
            return
        latest = max(seconds / items, 1e-6)
        known = self.seconds_per_item
        self.seconds_per_item = latest if known is None else (known + latest) / 2

    @property
    def size(self) -> int:
        if self.seconds_per_item is None:
            return 1
        return max(1, min(self.largest, int(self.target_seconds / self.seconds_per_item)))
