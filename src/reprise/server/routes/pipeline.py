"""The pipeline of videos: what "latest" means here, step by step."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from reprise.core.items import ItemKind
from reprise.server.access import Seen
from reprise.server.problems import responses
from reprise.server.video_view import Versioned, step_facts

router = APIRouter(prefix="/api/v1", tags=["pipeline"])


class StepFacts(BaseModel):
    """One step. ``works_on``: the kind of item that it visits, each once in a run."""

    name: str = Field(examples=["scene_text"])
    summary: str
    works_on: ItemKind
    models: list[str]
    version: int
    enabled: bool
    disabled: str = Field(description="Why it does not run here, with the cure; empty: it runs")
    idempotent: bool


class PipelineFacts(Versioned):
    """All steps in their order."""

    steps: list[StepFacts]


@router.get("/pipeline", responses=responses(401, 422, 503))
def show_pipeline(app: Seen) -> PipelineFacts:
    """The steps that make the embeddings of videos and persons, and their version."""
    spec = app.installed.pipeline
    return PipelineFacts(
        spec_version=spec.version, steps=[StepFacts(**step_facts(step)) for step in spec.steps]
    )
