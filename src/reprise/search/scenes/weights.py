"""How much each channel counts: what was asked for, within bounds, shared out among those that answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.search.scenes.query import CONTENT, Channel

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reprise.core.video_records import SearchPreferences

USUAL: Mapping[str, float] = {
    Channel.TRANSCRIPT: 0.45,
    Channel.VISUAL: 0.25,
    Channel.SUMMARY: 0.10,
    Channel.LEXICAL: 0.20,
    Channel.IMAGE: 0.25,
}
"""Without pictures that words can find, which is the rule, the first four sum to 1; with them all are shared out anew."""

PERSON_SHARE = 0.65
"""What the person counts where a query names one; the content counts the rest."""

MOST_SEEN = 0.8
"""Of the channels of what is seen (visual and image) together: a picture alone is a poor witness."""

LEAST_LEXICAL = 0.05
"""Of the exact words: they are always looked at."""

_SEEN = (Channel.VISUAL, Channel.IMAGE)
_DECIMALS = 9


def chosen(
    asked: Mapping[str, float] | None, saved: SearchPreferences | None
) -> tuple[dict[str, float], float]:
    """The weights of content, bounded, which sum to 1, and the person's share: as asked, else as saved, else the usual."""
    wanted = asked or (saved.weights if saved else None) or USUAL
    content: dict[str, float] = {channel: wanted.get(channel, 0.0) for channel in CONTENT}
    share = min(max(wanted.get(Channel.PERSON, PERSON_SHARE), 0.0), 1.0)
    return bounded(content if any(content.values()) else USUAL, CONTENT), share


def to_keep(content: Mapping[str, float], share: float) -> dict[str, float]:
    """The weights as preferences hold them: those of content, and the person's share unless it is the usual one."""
    return dict(content) | ({Channel.PERSON: share} if share != PERSON_SHARE else {})


def with_person(content: Mapping[str, float], share: float) -> dict[str, float]:
    """Weights of content beside the person's share of 0 to 1; without content the person counts alone."""
    if not content:
        return {Channel.PERSON: 1.0}
    return _scaled(content, 1 - share) | {Channel.PERSON: share}


def bounded(weights: Mapping[str, float], present: Collection[str]) -> dict[str, float]:
    """Weights of the channels that are ``present``, in the proportions given, within the bounds; 0 is left out.

    They sum to 1, unless only channels of what is seen are there: those get no more than ``MOST_SEEN`` even alone.
    """
    shares = _normal({channel: weights.get(channel, 0.0) for channel in present})
    if Channel.LEXICAL in shares and shares[Channel.LEXICAL] < LEAST_LEXICAL:
        others = _normal({channel: share for channel, share in shares.items() if channel != Channel.LEXICAL})
        shares = _scaled(others, 1 - LEAST_LEXICAL) | {
            Channel.LEXICAL: LEAST_LEXICAL if any(others.values()) else 1.0
        }
    shares = _with_bounded_sight(shares)
    rounded = {channel: round(share, _DECIMALS) for channel, share in shares.items()}
    return {channel: share for channel, share in rounded.items() if share}


def _with_bounded_sight(shares: dict[str, float]) -> dict[str, float]:
    seen = {channel: share for channel, share in shares.items() if channel in _SEEN}
    if sum(seen.values()) <= MOST_SEEN:
        return shares
    others = {channel: share for channel, share in shares.items() if channel not in _SEEN}
    return _scaled(_normal(seen), MOST_SEEN) | _scaled(_normal(others), 1 - MOST_SEEN)


def _normal(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {channel: weight / total if total else 0.0 for channel, weight in weights.items()}


def _scaled(weights: Mapping[str, float], factor: float) -> dict[str, float]:
    return {channel: weight * factor for channel, weight in weights.items()}
