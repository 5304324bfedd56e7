"""The answer to a question: what sounds like its seeds, by one model or several."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.search.admission import Admission
from reprise.search.diversity import candidates_for, diversified
from reprise.search.fusion import merged
from reprise.search.neighbours import Neighbours
from reprise.search.query import Merge
from reprise.search.ranking import Ranking
from reprise.search.space_queries import space_queries_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reprise.core.items import Item
    from reprise.core.ports import Hit
    from reprise.search.query import Query
    from reprise.search.space_queries import SearchPorts, SpaceQuery


@dataclass(frozen=True, slots=True)
class Match:
    """One track of an answer.

    ``score``: of one model, the cosine similarity, -1 to 1 (less what negatives take); of several, what the rule gives.
    ``scores``: each model's own, of those that have embedded the track.
    """

    item: Item
    score: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Found:
    """An answer with where it comes from, and what a person should know of it."""

    query: Query
    space_queries: tuple[SpaceQuery, ...]
    matches: list[Match]
    warnings: tuple[str, ...] = ()

    @property
    def space(self) -> str:
        """Names of the spaces that answered, in the order of their models."""
        return ",".join(space_query.space.name for space_query in self.space_queries)

    @property
    def model(self) -> str:
        return ",".join(space_query.model for space_query in self.space_queries)

    @property
    def partial(self) -> bool:
        """The first space of a model is still filling: more may come."""
        return any(space_query.partial for space_query in self.space_queries)


def find(ports: SearchPorts, query: Query) -> Found:
    """The tracks that the question asks for, best first; what the question names is left out.

    Raises ``NotFound`` when no model knows any seed, ``UsageError`` for a text that cannot be compared.
    """
    space_queries, warnings = space_queries_of(ports, query)
    admission = Admission(ports.catalogue, ports.owner, query.exclusions, query.named_items)
    rankings = [
        Ranking(
            Neighbours(ports.store, ports.owner, space_query.space.name, admission),
            space_query,
            query.negative_strength,
        )
        for space_query in space_queries
    ]
    agreement = min(query.agreement, len(space_queries))
    if agreement < query.agreement:
        warnings.append(
            f"only {len(space_queries)} of {len(query.models)} models can answer: {agreement} must agree"
        )
    hits = _hits(rankings, query, agreement)
    scores = _scores(rankings, hits)
    matches = [Match(admission.item(hit.key), hit.score, scores[hit.key]) for hit in hits]
    if len(matches) < query.limit:
        warnings += _why_so_few(query, agreement, admission, len(matches))
    return Found(query, tuple(space_queries), matches, tuple(warnings))


def _hits(rankings: Sequence[Ranking], query: Query, agreement: int) -> list[Hit]:
    count = candidates_for(query.limit) if query.diversity else query.limit
    hits = merged(rankings, query.merge, agreement, count)
    if not query.diversity:
        return hits
    keys = [hit.key for hit in hits]
    vectors = [ranking.vectors(keys) for ranking in rankings]
    return diversified(hits, vectors, query.diversity, query.limit)


def _scores(rankings: Sequence[Ranking], hits: Sequence[Hit]) -> dict[int, dict[str, float]]:
    if len(rankings) == 1:
        model = rankings[0].space_query.model
        return {hit.key: {model: hit.score} for hit in hits}
    keys = [hit.key for hit in hits]
    told = {ranking.space_query.model: ranking.scores(keys) for ranking in rankings}
    return {key: {model: scores[key] for model, scores in told.items() if key in scores} for key in keys}


def _why_so_few(query: Query, agreement: int, admission: Admission, count: int) -> list[str]:
    """What kept tracks out of an answer that is empty, or that the question itself made short."""
    narrowed = agreement > 1 or (query.merge is Merge.INTERSECTION and len(query.models) > 1)
    if count and not narrowed and not admission.excludes:
        return []
    found = f"{count} found" if count else "nothing found"
    reasons = [f"{number:,} {reason}" for reason, number in sorted(admission.refused.items())]
    if query.exclusions.items:
        reasons.append(f"{len(query.exclusions.items):,} excluded by name")
    if narrowed:
        reasons.append("the rest is not listed by enough models")
    elif not reasons:
        reasons.append("nothing else is embedded")
    return [f"{found}: {', '.join(reasons)}"]
