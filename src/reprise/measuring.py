"""What ``reprise models`` asks of this machine: where weights belong, how models can run here, what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.job import never
from reprise.core.ports import WindowedModel
from reprise.errors import UsageError
from reprise.models.network import Network
from reprise.models.picture_methods import PictureModel
from reprise.models.registry import load_model
from reprise.models.ways import ways
from reprise.models.weights import Weights

if TYPE_CHECKING:
    from reprise.app import App
    from reprise.core.choices import ModelChoices
    from reprise.engine.benchmark import Measured


def weights_folder(app: App, model: str) -> str:
    """Where the model looks for its weights; empty for a model that has none of its own."""
    found = load_model(model, app.installed.choices(model))
    owner = found.method if isinstance(found, PictureModel) else found
    weights = getattr(owner, "weights", None)
    return str(weights.folder) if isinstance(weights, Weights) else ""


def ways_to_run(app: App, model: str) -> list[ModelChoices]:
    """The model's engines and precisions that this machine has; one way for a model that knows none of them."""
    choices = app.installed.choices(model)
    return ways(choices) if isinstance(load_model(model, choices), Network) else [choices]


def measure(app: App, model: str, choices: ModelChoices) -> Measured:
    """What the model gives when it runs so. Raises ``ModelError`` kinds, and ``UsageError`` for a light model."""
    from reprise.engine.benchmark import measure as measure_process

    found, card = load_model(model, choices), app.installed.card(model)
    if not isinstance(found, WindowedModel):
        raise UsageError(f"{model} hears no windows", cure=f"try: reprise embed --dry-run --model {model}")
    with app.installed.slot.held(never):
        return measure_process(
            app.installed.command(model, choices=choices),
            found.canaries(),
            window_seconds=card.spec.window / card.spec.sample_rate,
            largest_batch=app.settings.whole("batch_size") or card.batch,
            patience=app.settings.number("load_timeout"),
        )
