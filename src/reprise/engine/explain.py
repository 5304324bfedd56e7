"""Why an item is in the state it is in, per model, in words and facts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reprise.core.plan import RowState
from reprise.core.space import SpaceState
from reprise.core.spec import TRACKS, fingerprint, fingerprint_inputs
from reprise.errors import item_error

if TYPE_CHECKING:
    from reprise.core.items import Item
    from reprise.core.records import Catalogue, RowView
    from reprise.core.spec import ModelCard


@dataclass(frozen=True, slots=True)
class Verdict:
    """One model's view of an item. ``differences`` are fingerprint inputs: name, then, now."""

    model: str
    space: str
    space_state: str
    state: str
    why: str
    up_to_date: bool
    attempts: int
    job_id: str | None
    cure: str
    differences: list[tuple[str, str, str]]
    spec_version: str = ""
    """Of the pipeline that the row was done by."""


def explain(catalogue: Catalogue, cards: dict[str, ModelCard], item: Item) -> list[Verdict]:
    """One verdict for each space that knows the item, and one for each model that does not know it yet."""
    rows = [
        row for row in catalogue.ledger.rows(item.owner, item.id) if row.space.state is not SpaceState.DROPPED
    ]
    verdicts = [_verdict(catalogue, cards.get(row.space.model), item, row) for row in rows]
    known = {row.space.fingerprint for row in rows}
    cards_of_kind = [card for card in cards.values() if card.spec.subject.kind is item.kind]
    unknown = [card for card in cards_of_kind if fingerprint(card.spec) not in known]
    return verdicts + [_unknown(card) for card in unknown]


def _verdict(catalogue: Catalogue, card: ModelCard | None, item: Item, row: RowView) -> Verdict:
    differences = _differences(catalogue, card, item.owner, row)
    current = not differences and row.state == RowState.DONE and row.digest == row.current
    failed = row.state in {RowState.FAILED, RowState.DISMISSED} and row.error_code
    return Verdict(
        model=row.space.model,
        space=row.space.name,
        space_state=row.space.state,
        state=row.state,
        why=_why(row, differences),
        up_to_date=current,
        attempts=row.attempts,
        job_id=row.job_id,
        cure=item_error(row.error_code, "").cure if failed and row.error_code else "",
        differences=differences,
        spec_version=row.spec_version or "",
    )


def _why(row: RowView, differences: list[tuple[str, str, str]]) -> str:
    if row.state in {RowState.FAILED, RowState.DISMISSED}:
        return f"failed: {row.error_code}: {row.error_message}"
    if row.state in {RowState.PENDING, RowState.LEASED}:
        last = f"; last time: {row.error_code}: {row.error_message}" if row.error_code else ""
        return f"waits for its turn because it is {row.reason}{last}"
    if differences:
        changed = ", ".join(name for name, _, _ in differences)
        return f"made by an earlier version of the model ({changed} changed); the next run makes it anew"
    if row.digest != row.current:
        what = "its audio" if row.space.subject == TRACKS else "what the model looks at"
        return f"{what} changed after it was embedded; the next run embeds it again"
    if not row.has_vector:
        return "looked at; what the model looks for is not in it, so there is no vector"
    return "embedded; fingerprint and content are equal, so it is not computed again"


def _differences(
    catalogue: Catalogue, card: ModelCard | None, owner: str, row: RowView
) -> list[tuple[str, str, str]]:
    if card is None or fingerprint(card.spec) == row.space.fingerprint:
        return []
    then = catalogue.spaces.inputs(owner, row.space.id)
    now = dict(fingerprint_inputs(card.spec))
    names = list(dict.fromkeys([*then, *now]))
    return [
        (name, str(then.get(name, "")), str(now.get(name, "")))
        for name in names
        if then.get(name) != now.get(name)
    ]


def _unknown(card: ModelCard) -> Verdict:
    return Verdict(
        model=card.name,
        space="",
        space_state="",
        state="missing",
        why="this model has not been asked for it; run: reprise embed",
        up_to_date=False,
        attempts=0,
        job_id=None,
        cure="",
        differences=[],
    )
