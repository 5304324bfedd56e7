"""Finds models by entry points of the group ``reprise.models``. The built-in ones come through the same door."""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from reprise.core.ports import ChoosableModel
from reprise.errors import ModelLoadFailed, UnknownModel

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from reprise.core.choices import ModelChoices
    from reprise.core.ports import DirectStep, EmbeddingModel, TellingModel, WindowedModel
    from reprise.core.spec import ModelCard

Registered: TypeAlias = "EmbeddingModel | WindowedModel | TellingModel | DirectStep"
GROUP = "reprise.models"


def model_names() -> list[str]:
    """Names of all registered models in alphabetical order. Imports none of them."""
    return sorted(_entry_points())


def planned_card(model: Registered, choices: ModelChoices | None) -> ModelCard:
    """The model's card as work is planned with it: its spec holds what its step of the pipeline adds."""
    card = model.card
    options = choices.step_options(card.name) if choices else ()
    if not options:
        return card
    return replace(card, spec=replace(card.spec, options=card.spec.options + options))


def load_model(name: str, choices: ModelChoices | None = None) -> Registered:
    """Construct a registered model and tell it what was chosen; its weights stay on disk until its ``load()``.

    Raises:
        UnknownModel: no package registers that name; names the ones there are.
        ModelLoadFailed: its package cannot be imported, or gives something that is no model of that name.
    """
    found = _entry_points().get(name)
    if found is None:
        raise _unknown(name)
    try:
        model: Registered = found.load()()
        if choices is not None and isinstance(model, ChoosableModel):
            model.configure(choices)
        named = model.card.name
    except Exception as error:  # anything may be wrong in a package of someone else
        reason = f"{type(error).__name__}: {error}"
        raise ModelLoadFailed(f"the model {name!r} of {_package(found)} does not load: {reason}") from error
    if named != name:
        raise ModelLoadFailed(f"the model {name!r} of {_package(found)} calls itself {named!r}")
    return model


def _entry_points() -> dict[str, EntryPoint]:
    """By name. A name that two packages register is the one found first on the import path."""
    from importlib.metadata import entry_points

    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=GROUP):
        found.setdefault(point.name, point)
    return found


def _package(point: EntryPoint) -> str:
    if point.dist is None:
        return f"the package that holds {point.value}"
    return f"the package {point.dist.name} {point.dist.version} ({point.value})"


def _unknown(name: str) -> UnknownModel:
    names = model_names()
    near = difflib.get_close_matches(name, names, n=1)
    cure = f"did you mean {near[0]!r}?" if near else "list them with: reprise models"
    return UnknownModel(f"there is no model {name!r}; there are: {', '.join(names) or 'none'}", cure=cure)
