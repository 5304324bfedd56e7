"""The answer to a question: the scenes that fit its words and show whom it names."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from reprise.core.video_records import SearchPreferences
from reprise.errors import NotFound, RepriseError, SearchDown, UsageError
from reprise.search.scenes.answer import ChannelReport, SceneAnswer, SceneMatch, State, Support
from reprise.search.scenes.channels import Answered, Asking, within
from reprise.search.scenes.fusion import displayed, fused
from reprise.search.scenes.intent import is_lookup
from reprise.search.scenes.naming import persons_in
from reprise.search.scenes.query import CONTENT, Channel, Fusion
from reprise.search.scenes.spaces import Readings, Spaces
from reprise.search.scenes.waiting import answers
from reprise.search.scenes.weights import bounded, chosen, to_keep, with_person

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reprise.core.video import Person, Video
    from reprise.search.scenes.channels import ScenePorts
    from reprise.search.scenes.fusion import Fused, Listed
    from reprise.search.scenes.query import SceneQuery

    Told = Mapping[str, Answered | RepriseError]


def find_scenes(ports: ScenePorts, query: SceneQuery) -> SceneAnswer:
    """The scenes that the question asks for, best first. Channels that cannot answer are left out and named.

    Raises ``NotFound`` for a video, a library or a person that the owner does not have, ``SearchDown`` when no channel can
    answer and one of them should.
    """
    began = time.perf_counter()
    saved = ports.catalogue.preferences.get(ports.owner) if query.use_saved else None
    weights, share = chosen(query.weights, saved)
    fusion = query.fusion or _saved_fusion(saved)
    persons, rest = persons_in(query.text, ports.catalogue.persons.all(ports.owner))
    rest = rest if rest or persons else query.text
    told = _told(ports, query, _wanted(weights, rest, persons), persons, rest)
    lists = {channel: answer.listed for channel, answer in told.items() if isinstance(answer, Answered)}
    counted = _counted(lists, weights, share)
    found, support = _supported(fused(lists, counted, fusion), rest)
    matches = _matches(ports, [one for one in found if one.score >= query.least_score], support, query.limit)
    if query.save:
        _save(ports, weights, share, fusion)
    return SceneAnswer(
        query,
        tuple(persons),
        rest,
        ports.pipeline.version,
        fusion,
        tuple(_report(channel, told, counted, weights, rest) for channel in Channel),
        tuple(matches),
        time.perf_counter() - began,
    )


def _saved_fusion(saved: SearchPreferences | None) -> Fusion:
    return Fusion(saved.fusion) if saved and saved.fusion in list(Fusion) else Fusion.MINMAX


def _wanted(weights: Mapping[str, float], rest: str, persons: Sequence[Person]) -> list[Channel]:
    content = [channel for channel in CONTENT if rest and weights.get(channel)]
    return [*content, Channel.PERSON] if persons else content


def _told(
    ports: ScenePorts,
    query: SceneQuery,
    wanted: Sequence[Channel],
    persons: Sequence[Person],
    rest: str,
) -> Told:
    """What each channel says, or why it says nothing. Raises ``SearchDown`` when there is nothing but faults."""
    asking = Asking(
        ports,
        Spaces(ports.catalogue, ports.owner, ports.pipeline),
        Readings(ports.encoder, rest),
        rest,
        persons,
        within(ports.catalogue, ports.owner, query.video_id, query.library_id),
        query.threshold,
    )
    told = answers({channel: partial(asking.ask, channel) for channel in wanted}, ports.channel_seconds)
    faults = {
        name: error for name, error in told.items() if isinstance(error, RepriseError) and _is_fault(error)
    }
    if faults and not any(isinstance(answer, Answered) for answer in told.values()):
        reasons = "; ".join(f"{name}: {_reason(error)}" for name, error in faults.items())
        raise SearchDown(f"nothing can answer now: {reasons}")
    return told


def _counted(lists: Mapping[str, Listed], weights: Mapping[str, float], share: float) -> dict[str, float]:
    """What each channel that answers counts. Of a person and content the one that lists something counts alone."""
    content = bounded(weights, [channel for channel in lists if channel != Channel.PERSON])
    if Channel.PERSON not in lists:
        return content
    if not any(lists[channel].hits for channel in content):
        return with_person({}, share)
    return with_person(content, share if lists[Channel.PERSON].hits else 0.0)


def _is_fault(error: RepriseError) -> bool:
    return not isinstance(error, UsageError)


def _supported(found: list[Fused], rest: str) -> tuple[list[Fused], Support]:
    """A lookup is answered by scenes that hold its words, if there are any."""
    if not is_lookup(rest):
        return found, Support.SEMANTIC
    holding = [one for one in found if Channel.LEXICAL in one.parts]
    return (holding, Support.SUPPORTED) if holding else (found, Support.BEST_GUESS)


def _matches(ports: ScenePorts, found: Sequence[Fused], support: Support, limit: int) -> list[SceneMatch]:
    """The first ``limit`` whose videos are there."""
    videos: dict[int, Video | None] = {}
    matches: list[SceneMatch] = []
    for start in range(0, len(found), limit):
        part = found[start : start + limit]
        scenes = ports.catalogue.videos.scenes_by_id(ports.owner, [one.key for one in part])
        for one in part:
            scene = scenes.get(one.key)
            if scene is None:
                continue
            if scene.video_id not in videos:
                videos[scene.video_id] = _present(ports, scene.video_id)
            if video := videos[scene.video_id]:
                display = displayed(one.score, guessed=support is Support.BEST_GUESS)
                matches.append(SceneMatch(scene, video, one.score, display, one.parts, support))
        if len(matches) >= limit:
            break
    return matches[:limit]


def _present(ports: ScenePorts, video_id: int) -> Video | None:
    try:
        video = ports.catalogue.videos.get(ports.owner, video_id)
    except NotFound:  # it went while the channels answered
        return None
    return None if video.missing_since else video


def _save(ports: ScenePorts, weights: Mapping[str, float], share: float, fusion: Fusion) -> None:
    kept = SearchPreferences(to_keep(weights, share), fusion)
    ports.catalogue.preferences.put(ports.owner, kept, time.time())


def _report(
    channel: Channel, told: Told, counted: Mapping[str, float], weights: Mapping[str, float], rest: str
) -> ChannelReport:
    answer = told.get(channel)
    if answer is None:
        return ChannelReport(channel, State.UNASKED, _why_unasked(channel, weights, rest))
    if isinstance(answer, RepriseError):
        state = State.FAILED if _is_fault(answer) else State.ABSENT
        return ChannelReport(channel, state, _reason(answer))
    state = State.PARTIAL if answer.partial else State.ANSWERED
    found, weight = len(answer.listed.hits), counted.get(channel, 0.0)
    return ChannelReport(channel, state, answer.partial, weight, found, answer.space.name)


def _why_unasked(channel: Channel, weights: Mapping[str, float], rest: str) -> str:
    if channel is Channel.PERSON:
        return "the query names no person"
    return "the query only names persons" if weights.get(channel) and not rest else "its weight is 0"


def _reason(error: RepriseError) -> str:
    return f"{error.message}; {error.cure}" if error.cure else error.message
