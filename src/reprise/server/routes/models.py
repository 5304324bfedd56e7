"""The embedding models: what they are, what they need, and which vectors they have here."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from reprise.app import App
from reprise.core.space import Space, SpaceState
from reprise.core.spec import ModelCard
from reprise.errors import RepriseError
from reprise.server.access import Seen, SignedIn, TheHouse
from reprise.server.model_list import EXTRA, ModelList, Shelf
from reprise.server.problems import responses

router = APIRouter(prefix="/api/v1", tags=["models"])


class Speed(BaseModel):
    """What it managed the last time on this machine."""

    audio_seconds_per_second: float


class Vectors(BaseModel):
    """One space of vectors."""

    space: str
    vectors: int


class Serving(Vectors):
    """The space that answers searches."""

    switched_at: float


class Model(BaseModel):
    """One model. Of a broken one only the name and what is wrong are known."""

    name: str
    description: str = ""
    dimension: int | None = None
    memory_mb: Annotated[int | None, Field(description="Of one process")] = None
    licence: str = ""
    commercial_use: bool = True
    sample_rate: int | None = None
    coverage: Annotated[str, Field(description="How much of a track it hears")] = ""
    reads_text: bool = False
    execution: Annotated[str, Field(description="per_core, exclusive or windowed")] = ""
    extra: Annotated[str, Field(description="The extra of the package that it needs")] = ""
    installed: bool = Field(description="Whether the packages that it needs are here")
    ready: bool = Field(description="Whether its weights are here too; else a job fetches them first")
    missing: Annotated[str, Field(description="Of its weights")] = ""
    broken: Annotated[str, Field(description="Why it cannot even say what it is")] = ""
    cure: str = ""
    speed: Speed | None = None
    serving: Serving | None = None
    filling: Vectors | None = None


class Models(BaseModel):
    """All of them, by name."""

    items: list[Model]


@router.get("/models", responses=responses(401))
def models(house: TheHouse, app: Seen, _: SignedIn) -> Models:
    """The registered models, the ones that cannot run included."""
    shelf = house.service(ModelList).shelf(app.owner)
    found = [_model(app, shelf, card) for card in shelf.cards.values()]
    found += [_broken(name, error) for name, error in shelf.broken.items()]
    return Models(items=sorted(found, key=lambda model: model.name))


def _model(app: App, shelf: Shelf, card: ModelCard) -> Model:
    extra = EXTRA if card.repository else ""
    installed = shelf.extra_there or not extra
    speed = shelf.speeds.get(card.name)
    return Model(
        name=card.name,
        description=card.summary,
        dimension=card.spec.dimension,
        memory_mb=card.memory_mb,
        licence=card.licence,
        commercial_use=card.commercial_use,
        sample_rate=card.spec.sample_rate,
        coverage=card.coverage,
        reads_text=card.reads_text,
        execution=card.execution,
        extra=extra,
        installed=installed,
        ready=installed and not card.missing,
        missing=card.missing,
        cure=_cure(card, installed=installed),
        speed=Speed(audio_seconds_per_second=speed) if speed is not None else None,
        serving=_serving(app, card.name),
        filling=_filling(app, card.name),
    )


def _cure(card: ModelCard, *, installed: bool) -> str:
    if not installed:
        return f"install what it needs: pip install 'reprise[{EXTRA}]'"
    return f"a job fetches them, or ahead of it: reprise models fetch {card.name}" if card.missing else ""


def _broken(name: str, error: RepriseError) -> Model:
    return Model(name=name, installed=False, ready=False, broken=error.message, cure=error.cure)


def _serving(app: App, model: str) -> Serving | None:
    pointer = app.catalogue().spaces.pointer(app.owner, model)
    if pointer is None:
        return None
    space = pointer.space
    return Serving(space=space.name, vectors=_vectors(app, space), switched_at=pointer.switched_at)


def _filling(app: App, model: str) -> Vectors | None:
    """The newest space that is to take over once it is full."""
    states = {SpaceState.FILLING, SpaceState.VERIFYING}
    spaces = [space for space in app.catalogue().spaces.all(app.owner) if space.model == model]
    filling = [space for space in spaces if space.state in states]
    return Vectors(space=filling[-1].name, vectors=_vectors(app, filling[-1])) if filling else None


def _vectors(app: App, space: Space) -> int:
    return app.catalogue().ledger.counts(app.owner, space.id)["vectors"]
