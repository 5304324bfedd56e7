"""An answer: the scenes, what each channel said of them, and which channels had nothing to say, and why."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reprise.core.video import Person, Scene, Video
    from reprise.search.scenes.fusion import Part
    from reprise.search.scenes.query import Channel, Fusion, SceneQuery


class State(StrEnum):
    """What became of a channel. ``PARTIAL``: its space is still being filled. ``ABSENT``: it has nothing to answer from
    here, which is no fault. ``FAILED``: it should have answered. ``UNASKED``: the question did not need it."""

    ANSWERED = "answered"
    PARTIAL = "partial"
    ABSENT = "absent"
    FAILED = "failed"
    UNASKED = "unasked"


class Support(StrEnum):
    """What a scene was found by. ``SUPPORTED``: it holds the words that are looked up. ``BEST_GUESS``: no scene does.
    ``SEMANTIC``: the query asks for a meaning."""

    SUPPORTED = "supported"
    BEST_GUESS = "best_guess"
    SEMANTIC = "semantic"


@dataclass(frozen=True, slots=True)
class ChannelReport:
    """``weight``: what it counted in this answer. ``found``: scenes that it listed. ``reason``: why it is not all."""

    channel: Channel
    state: State
    reason: str = ""
    weight: float = 0.0
    found: int = 0
    space: str = ""


@dataclass(frozen=True, slots=True)
class SceneMatch:
    """One scene. ``score``: 0 to 1, by which the answer is ordered. ``display``: how sure one may be, 0 to 0.97.

    ``parts``: by channel, of those that list it.
    """

    scene: Scene
    video: Video
    score: float
    display: float
    parts: Mapping[str, Part]
    support: Support


@dataclass(frozen=True, slots=True)
class SceneAnswer:
    """``rest``: the query without the persons that it names. ``seconds``: what finding it took."""

    query: SceneQuery
    persons: tuple[Person, ...]
    rest: str
    spec_version: str
    fusion: Fusion
    channels: tuple[ChannelReport, ...]
    matches: tuple[SceneMatch, ...]
    seconds: float

    @property
    def weights(self) -> dict[str, float]:
        """What each channel that answered counted."""
        return {report.channel: report.weight for report in self.channels if report.weight}

    @property
    def degraded(self) -> dict[str, str]:
        """Channels that should have answered and did not, or not wholly, and why."""
        less = {State.FAILED, State.PARTIAL}
        return {report.channel: report.reason for report in self.channels if report.state in less}
