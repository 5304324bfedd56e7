"""What was heard of a track, beside its embeddings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from reprise.core.listing import MOST_ID
from reprise.errors import NotFound
from reprise.server.access import Seen
from reprise.server.listing_view import one_item
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1", tags=["items"])


class OtherTempo(BaseModel):
    bpm: float
    strength: float = Field(description="Share of the whole, 0 to 1")


class Tempo(BaseModel):
    """Beats per minute, and the tempos that fit as well: half, double and others."""

    bpm: float = Field(examples=[124.0])
    confidence: float = Field(description="0 to 1: that it is right in this octave", examples=[0.86])
    alternatives: list[OtherTempo]
    first_beat: float | None = Field(description="Seconds from the start to a beat")


class Key(BaseModel):
    """The key in three notations."""

    name: str = Field(examples=["Am"])
    camelot: str = Field(examples=["8A"])
    open_key: str = Field(examples=["1m"])
    tonic: int = Field(description="0 (C) to 11 (B)")
    minor: bool
    confidence: float = Field(description="0 to 1: how far it is ahead of the second")
    second: str | None = Field(description="The next best")


class HeardLoudness(BaseModel):
    """EBU R 128."""

    integrated: float = Field(description="LUFS", examples=[-9.4])
    range: float = Field(description="LU")
    true_peak: float = Field(description="dBTP")
    gain: float = Field(description="ReplayGain 2.0 in dB")


class CuePoint(BaseModel):
    kind: Literal["intro", "drop", "breakdown"]
    seconds: float
    strength: float = Field(description="0 to 1: how clear the change is")


class HeardFacts(BaseModel):
    """What was heard of a track; null is what cannot be told."""

    seconds: float = Field(description="Of sound that were heard")
    whole: bool = Field(description="Whether that is all there is")
    tempo: Tempo | None
    key: Key | None
    loudness: HeardLoudness | None
    lead_silence: float | None = Field(description="Seconds")
    tail_silence: float | None = Field(description="Seconds")
    tuning: float = Field(description="Cents from A = 440 Hz")
    cues: list[CuePoint]


@router.get("/items/{item_id}/analysis", response_model=HeardFacts, responses=responses(401, 404, 422))
def show_analysis(app: Seen, item_id: Annotated[int, Path(ge=1, le=MOST_ID)]) -> dict[str, Any]:
    """Tempo, key, loudness, silence and cues of one item. 404 as well when it has not been listened to."""
    item = one_item(app, item_id)
    heard = app.catalogue().analyses.get(app.owner, item_id)
    if heard is None:
        raise NotFound(
            f"{item.label} has not been listened to, or has changed since",
            cure="start a job with the model analysis, or: reprise analyze FOLDER",
        )
    return heard.as_dict()
