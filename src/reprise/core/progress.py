"""Speed and time left, from seconds of audio per second of wall time, with the warm-up left out."""

from __future__ import annotations

from dataclasses import dataclass

WARM_UP_SECONDS = 2.0
MEMORY_SECONDS = 120.0


@dataclass(slots=True)
class SpeedMeter:
    """Audio seconds per wall second over the recent past.

    The first ``WARM_UP_SECONDS`` after the first result do not count: workers start, caches fill. Afterwards old
    observations fade over about ``MEMORY_SECONDS``, so that the estimate follows a machine that gets busy.
    """

    _first_at: float | None = None
    _last_at: float = 0.0
    _audio: float = 0.0
    _wall: float = 0.0

    def observe(self, now: float, audio_seconds: float) -> None:
        if self._first_at is None:
            self._first_at = self._last_at = now
            return
        step = now - self._last_at
        self._last_at = now
        if now - self._first_at < WARM_UP_SECONDS:
            return
        fade = max(0.0, 1.0 - step / MEMORY_SECONDS)
        self._audio = self._audio * fade + audio_seconds
        self._wall = self._wall * fade + step

    @property
    def audio_seconds_per_second(self) -> float | None:
        return self._audio / self._wall if self._wall > 0 and self._audio > 0 else None

    def seconds_left(self, audio_seconds_left: float) -> float | None:
        speed = self.audio_seconds_per_second
        return None if speed is None else audio_seconds_left / speed
