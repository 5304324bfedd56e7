"""What the routes of videos, scenes and persons take."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query
from pydantic import BaseModel, Field, StringConstraints, model_validator

from reprise.core.listing import MOST_ID
from reprise.core.video import Description, Segment, TextSource, Transcript
from reprise.search.scenes.query import Fusion, SceneQuery
from reprise.server.listing_view import VISIBLE_NAME, WHOLE, ItemId

VideoId = Annotated[int, Path(ge=1, le=MOST_ID, description="A video's id")]
SceneId = Annotated[int, Path(ge=1, le=MOST_ID, description="A scene's id")]
PersonId = Annotated[int, Path(ge=1, le=MOST_ID, description="A person's id")]
PhotoId = Annotated[int, Path(ge=1, le=MOST_ID, description="A photo's id")]
LibraryNumber = Annotated[int, Query(ge=1, le=MOST_ID, description="Only of this library")]
Offset = Annotated[int, Query(ge=0, le=2**31)]
Limit = Annotated[int, Query(ge=1, le=1000)]

MOST_SECONDS = 1e7  # 115 days
Seconds = Annotated[float, Field(ge=0, le=MOST_SECONDS, allow_inf_nan=False, strict=True)]

_KEPT = r"^[^\x00]*$"  # what databases can keep
Spoken = Annotated[str, StringConstraints(max_length=5000, pattern=_KEPT)]
Written = Annotated[str, StringConstraints(max_length=20_000, pattern=_KEPT)]
Tag = Annotated[str, StringConstraints(max_length=200, pattern=_KEPT)]
Language = Annotated[str, StringConstraints(max_length=20, pattern=r"^[A-Za-z-]*$")]
PersonName = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=VISIBLE_NAME), Field(examples=["Ada"])
]
Question = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1000, pattern=_KEPT),
    Field(description="person:NAME, or a known name, looks for a person", examples=["person:Ada, on a boat"]),
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)]


class ToIngest(BaseModel):
    """A library of videos, or one video of it."""

    library_id: ItemId
    video_id: ItemId | None = None


class SpokenSegment(BaseModel):
    """Words with their time in seconds from the start of the video."""

    start: Seconds
    end: Seconds
    text: Spoken

    @model_validator(mode="after")
    def _forward(self) -> SpokenSegment:
        if self.end < self.start:
            raise ValueError("it ends before it begins")
        return self


class NewTranscript(BaseModel):
    """What is said in a video; it replaces what was read or heard, and nothing replaces it by itself."""

    language: Language = Field(default="", description="ISO 639-1; empty: nobody knows", examples=["en"])
    segments: list[SpokenSegment] = Field(
        max_length=100_000, examples=[[{"start": 0.5, "end": 2.0, "text": "Good morning."}]]
    )

    def transcript(self) -> Transcript:
        ordered = sorted(self.segments, key=lambda one: (one.start, one.end))
        told = tuple(Segment(one.start, one.end, one.text) for one in ordered)
        return Transcript(TextSource.IMPORTED, told, self.language.lower())


class SceneChange(BaseModel):
    """What somebody writes about a scene; what is left out stays."""

    description: Written | None = Field(default=None, examples=["Two people on a boat."])
    summary: Annotated[str, StringConstraints(max_length=5000, pattern=_KEPT)] | None = None
    tags: Annotated[list[Tag], Field(max_length=200)] | None = Field(default=None, examples=[["boat", "sea"]])

    def of(self, before: Description) -> Description:
        tags = (
            before.tags
            if self.tags is None
            else tuple(dict.fromkeys(t.strip() for t in self.tags if t.strip()))
        )
        return Description(
            before.description if self.description is None else self.description,
            before.summary if self.summary is None else self.summary,
            tags,
            TextSource.IMPORTED,
        )  # fmt: skip


class ChannelWeights(BaseModel):
    """How much each channel counts, 0 to 1; they are scaled so that they sum to 1."""

    transcript: Share | None = None
    visual: Share | None = None
    summary: Share | None = None
    lexical: Share | None = None
    image: Share | None = None
    person: Share | None = None

    def given(self) -> dict[str, float] | None:
        """Those that are named; ``None`` when none is."""
        return self.model_dump(exclude_none=True) or None


class SceneQuestion(BaseModel):
    """What to look for, where, and how the channels are weighed."""

    query: Question
    video_id: ItemId | None = None
    library_id: ItemId | None = None
    limit: Annotated[int, WHOLE] = Field(default=10, ge=1, le=100)
    threshold: Share | None = Field(
        default=None,
        description="Similarity below which the words of a scene say nothing; left out: each channel's own",
    )
    min_fused_score: Share | None = Field(default=None, description="Of the answer as a whole")
    fusion: Fusion | None = Field(default=None, description="Left out: as saved, else minmax")
    channel_weights: ChannelWeights | None = Field(default=None, description="Left out: as saved")
    use_saved_preferences: bool = Field(
        default=True, strict=True, description="Where this question says nothing"
    )
    save_weights: bool = Field(
        default=False, strict=True, description="Keep these weights and this fusion for the next time"
    )

    def asked(self) -> SceneQuery:
        """Raises ``UsageError`` for what makes no sense."""
        return SceneQuery(
            text=self.query,
            video_id=self.video_id,
            library_id=self.library_id,
            limit=self.limit,
            weights=self.channel_weights.given() if self.channel_weights else None,
            fusion=self.fusion,
            threshold=self.threshold,
            least_score=self.min_fused_score or 0.0,
            use_saved=self.use_saved_preferences,
            save=self.save_weights,
        )


class PreferenceForm(BaseModel):
    """How scenes are to be searched when a question does not say so."""

    weights: ChannelWeights
    fusion: Fusion = Fusion.MINMAX


class NewPerson(BaseModel):
    name: PersonName


class PersonChange(BaseModel):
    """What becomes different; what is left out stays."""

    name: PersonName | None = None
    archived: Annotated[bool, Field(strict=True)] | None = Field(
        default=None, description="Archived persons are not found by name"
    )
