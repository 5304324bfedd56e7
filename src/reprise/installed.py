"""The models of one installation: what the settings and this machine make of what is registered."""

from __future__ import annotations

import os
import platform
import socket
from dataclasses import asdict, replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from reprise.core.job import never
from reprise.core.pipeline import VIDEO_PIPELINE
from reprise.core.spec import DECODER_MB, Execution, fingerprint
from reprise.errors import (
    EndpointLost,
    ModelLoadFailed,
    RepriseError,
    UnknownModel,
    UsageError,
    WeightsMissing,
)
from reprise.threads import cores

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reprise.core.choices import Coverage, ModelChoices, Steps
    from reprise.core.events import Emit
    from reprise.core.job import Control
    from reprise.core.pipeline import EmbeddingSpec
    from reprise.core.ports import DirectStep, StepPorts, Vectors, VectorStore
    from reprise.core.records import Catalogue
    from reprise.core.spec import ModelCard
    from reprise.engine.desk import Effort
    from reprise.engine.job_work import Workshop
    from reprise.engine.keeping import Keeping
    from reprise.engine.messages import Role
    from reprise.engine.model_process import Command
    from reprise.media.picture_files import PictureFiles
    from reprise.runners.locks import FileLocks
    from reprise.runners.slot import FileSlot
    from reprise.settings import Settings


ENDPOINT_SECONDS = 3.0
"""How long the server that describes tracks may take to pick up."""


class InstalledModels:
    """Also ``core.ports.QueryEncoder``: texts as vectors of the installed models.

    ``served`` gives the coverage of the vectors that answer searches with a model, if there are any.
    """

    def __init__(
        self, settings: Settings, locks: FileLocks, served: Callable[[str], Coverage | None]
    ) -> None:
        self.settings = settings
        self._locks = locks
        self._served = served
        self._cards: dict[str, ModelCard] = {}

    @property
    def machine(self) -> str:
        """What speeds are remembered under: they hold for one machine and its number of cores."""
        return f"{platform.node()}/{cores()}"

    def choices(self, model: str) -> ModelChoices:
        """How the model is to run, as the settings say."""
        from reprise.core.choices import ModelChoices

        settings = self.settings
        return ModelChoices(
            weights=self.folder("weights"),
            cache=self.folder("cache"),
            coverage=self._coverage(model),
            device=settings.text("device"),
            precision=settings.text("precision"),
            engine=settings.text("engine"),
            offline=settings.flag("offline"),
            hub=settings.text("hub"),
            hub_timeout=settings.number("hub_timeout"),
            endpoint=settings.text("endpoint"),
            endpoint_model=settings.text("endpoint_model"),
            endpoint_key=settings.text("endpoint_key"),
            analysis_excerpt=settings.number("analysis_excerpt"),
            text_model=settings.text("text_model"),
            text_endpoint_model=settings.text("text_endpoint_model"),
            image_model=settings.text("image_model"),
            person_model=settings.text("person_model"),
            face_detector=self._path("face_detector"),
            face_embedder=self._path("face_embedder"),
            transcriber=settings.text("transcriber"),
            description_endpoint_model=settings.text("description_endpoint_model"),
            scene_detector=settings.text("scene_detector"),
            scene_threshold=settings.number("scene_threshold"),
            scene_min_seconds=settings.number("scene_min_seconds"),
            min_decoded=settings.number("min_decoded"),
            media=self.media,
            steps=self._steps(model),
        )

    @property
    def media(self) -> str:
        """The folder of the pictures of videos and persons."""
        return str(self.settings.home / "media")

    def pictures(self, catalogue: Catalogue) -> PictureFiles:
        """What deletes the files in that folder that no row of the catalogue names any more."""
        from reprise.media.picture_files import PictureFiles

        return PictureFiles(self.settings.home / "media", catalogue.pictures)

    @cached_property
    def pipeline(self) -> EmbeddingSpec:
        """What "latest" means for videos here, and why a step does not run. Raises ``BadSetting``, ``ModelLoadFailed``."""
        from reprise.models.pipeline import video_pipeline

        return video_pipeline(self.settings.text("step_versions"), self._disabled_steps())

    def _disabled_steps(self) -> dict[str, str]:
        from reprise.core.choices import ModelChoices
        from reprise.models import scene_persons, scene_text

        disabled: dict[str, str] = {}
        chosen = ModelChoices(
            weights=self.folder("weights"),
            endpoint=self.settings.text("endpoint"),
            text_model=self.settings.text("text_model"),
            text_endpoint_model=self.settings.text("text_endpoint_model"),
            person_model=self.settings.text("person_model"),
            face_detector=self._path("face_detector"),
            face_embedder=self._path("face_embedder"),
        )
        if reason := scene_text.why_disabled(chosen):
            disabled["scene_text"] = reason
        if reason := scene_persons.why_disabled(chosen):
            disabled.update(dict.fromkeys(("scene_persons", "person_photos", "person_vector"), reason))
        return disabled

    def _steps(self, model: str) -> Steps:
        """What steps add to the specs of their models. A broken step of a package costs models of music nothing."""
        try:
            steps = self.pipeline.steps
        except RepriseError:
            if VIDEO_PIPELINE.step_of(model):
                raise
            return ()
        return tuple((model, step.options) for step in steps if step.options for model in step.models)

    def _path(self, setting: str) -> str:
        """What the setting names, from the state folder; nothing if it is empty."""
        return self.folder(setting) if self.settings.text(setting) else ""

    def folder(self, setting: str) -> str:
        """What the setting names, from the state folder; the folder of the setting's name there if it is empty."""
        return str(self.settings.home / os.path.expanduser(self.settings.text(setting) or setting))

    def _coverage(self, model: str) -> Coverage:
        """What was chosen. ``auto`` stays with what serves now: a graphics card that comes or goes makes nothing stale."""
        from reprise.core.choices import Coverage
        from reprise.models.accelerator import accelerator_present

        chosen, device = self.settings.text("coverage"), self.settings.text("device")
        if chosen != "auto":
            return Coverage(chosen)
        if served := self._served(model):
            return served
        fast = accelerator_present() if device == "auto" else device != "cpu"
        return Coverage.WHOLE if fast and self.settings.text("engine") == "torch" else Coverage.SAMPLED

    def card(self, model: str) -> ModelCard:
        """Raises ``UnknownModel`` naming the allowed ones, ``ModelLoadFailed`` when its package is broken."""
        if model not in self._cards:
            from reprise.models.registry import load_model, planned_card

            choices = self.choices(model)
            self._cards[model] = planned_card(load_model(model, choices), choices)
        return self._cards[model]

    @cached_property
    def broken(self) -> dict[str, RepriseError]:
        """Models that some package registers and that cannot even say what they are. They cost the others nothing."""
        from reprise.models.registry import model_names

        broken: dict[str, RepriseError] = {}
        for name in model_names():
            try:
                self.card(name)
            except RepriseError as error:
                broken[name] = error
        return broken

    @property
    def cards(self) -> dict[str, ModelCard]:
        """All models that can be used, by name."""
        from reprise.models.registry import model_names

        return {name: self.card(name) for name in model_names() if name not in self.broken}

    @cached_property
    def slot(self) -> FileSlot:
        from reprise.runners.slot import FileSlot

        return FileSlot(self._locks, self.settings.text("device"))

    def ready(self, model: str, told: Callable[[str], None]) -> ModelCard:
        """The model's card once its weights are on disk; ``told`` hears of licence and progress.

        Raises ``ModelError`` kinds when they cannot be had.
        """
        from reprise.core.ports import DownloadableModel
        from reprise.models.registry import load_model, planned_card

        choices = self.choices(model)
        found = load_model(model, choices)
        if isinstance(found, DownloadableModel):
            found.fetch(told)
        self._cards[model] = planned_card(found, choices)
        return self._cards[model]

    def trouble(self, model: str) -> RepriseError | None:
        """Why the model cannot run now, as far as can be told without loading it; takes seconds at the most."""
        try:
            card = self.card(model)
            if card.missing and self.settings.flag("offline"):
                raise WeightsMissing(
                    f"{model} has no weights, and the model hub is not asked", cure=card.missing
                )
            if card.patience_seconds and self.settings.text("endpoint"):
                _call_on(self.settings.text("endpoint"))
        except RepriseError as error:
            return error
        return None

    def effort(self, card: ModelCard, root: bytes) -> Effort:
        """How much of this machine the model gets, for a library whose folder is ``root``."""
        from reprise.engine.desk import Effort

        settings = self.settings
        return Effort(
            workers=_workers(card, settings.whole("workers")),
            root=root,
            item_timeout=settings.number("item_timeout") + card.patience_seconds,
            timeout_per_audio_second=settings.number("timeout_per_audio_second"),
            memory_mb=settings.number("worker_memory_mb"),
            load_seconds=settings.number("load_timeout"),
            largest_batch=settings.whole("batch_size") or card.batch,
            media=os.fsencode(self.media),
        )

    def keeping(self, store: VectorStore, ports: Callable[[], StepPorts]) -> Keeping:
        """Where what models make is kept; ``ports``: what the pipeline's direct steps may touch."""
        from reprise.engine.keeping import Keeping

        found: dict[str, DirectStep | None] = {}

        def step(model: str) -> DirectStep | None:
            if model not in found:
                found[model] = self._direct_step(model, ports)
            return found[model]

        return Keeping(store, step)

    def _direct_step(self, model: str, ports: Callable[[], StepPorts]) -> DirectStep | None:
        from reprise.core.ports import DirectStep
        from reprise.models.registry import load_model

        try:
            step = load_model(model, self.choices(model))
        except (UnknownModel, ModelLoadFailed):
            return None  # its package is gone, and with it what it kept
        if not isinstance(step, DirectStep):
            return None
        step.attach(ports())
        return step

    def workshop(
        self,
        catalogue: Catalogue,
        keeping: Keeping,
        emit: Emit,
        asked: Callable[[], Control],
        effort: Callable[[ModelCard, int], Effort],
        alive: Callable[[str], bool],
        lease_seconds: float,
        *,
        shared: bool,
    ) -> Workshop:
        """What a run of a job needs of this installation."""
        from reprise.engine.job_work import Workshop
        from reprise.engine.slices import Pace

        settings = self.settings
        pace = Pace(
            commit_rows=settings.whole("commit_rows"),
            commit_seconds=settings.number("commit_seconds"),
            max_attempts=settings.whole("max_attempts"),
            lease_seconds=lease_seconds,
            shared=shared,
        )
        return Workshop(
            catalogue=catalogue,
            keeping=keeping,
            emit=emit,
            asked=asked,
            ready=self.ready,
            command=self.command,
            effort=effort,
            slot=self.slot,
            pace=pace,
            coverage=settings.number("cutover_coverage"),
            machine=self.machine,
            together_mb=settings.number("together_memory_mb"),
            alive=alive,
        )

    def command(self, model: str, spool: str = "", choices: ModelChoices | None = None) -> Command:
        """How the processes of a model are started; ``spool``: a folder for decoded sound that models share.

        ``choices`` instead of those of the settings.
        """
        from reprise.child import ChildOptions

        choices, planned = choices or self.choices(model), fingerprint(self.card(model).spec)

        def build(role: Role, connection: int, slot: int, *, device: str = "") -> Sequence[str]:
            chosen = replace(choices, device=device or choices.device, endpoint_key="")
            return ChildOptions(
                model=model,
                role=role,
                connection=connection,
                slot=slot,
                threads=cores() if role in {"encode", "query"} else 1,
                min_decoded=self.settings.number("min_decoded"),
                max_seconds=self.settings.number("max_audio_hours") * 3600.0,
                home=str(self.settings.home),
                choices=asdict(chosen),
                spool=spool,
                fingerprint=planned,
            ).command()

        return build

    def fingerprint(self, model: str) -> str:
        """Of the model's spec. Raises ``UsageError`` for a model that reads no text."""
        card = self.card(model)
        if not card.reads_text:
            raise UsageError(f"{model} reads no text", cure="see which models do: reprise models")
        return fingerprint(card.spec)

    def encode(self, model: str, texts: Sequence[str], stop: Callable[[], object] = never) -> Vectors:
        """The texts' vectors, shape (n, dimension), by a process that a job with a heavy model gives way to.

        Raises ``UsageError`` for a model that reads no text, ``ModelError`` kinds when its encoder does not run, or is
        to ``stop``.
        """
        from reprise.engine.query import encode_texts

        card, settings = self.card(model), self.settings
        with self.slot.first(settings.number("load_timeout"), stop):
            return encode_texts(
                card,
                self.command(model),
                texts,
                load_seconds=settings.number("load_timeout"),
                seconds=settings.number("item_timeout"),
                memory_mb=max(settings.number("worker_memory_mb"), 2.0 * card.memory_mb),
                stop=stop,
            )


def _call_on(address: str) -> None:
    """Raises ``EndpointLost`` when nobody listens at the address."""
    try:
        parts = urlsplit(address.strip())
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), timeout=ENDPOINT_SECONDS):
            return
    except (OSError, ValueError) as error:
        raise EndpointLost(f"the endpoint {address} cannot be reached: {error}") from error


def _workers(card: ModelCard, chosen: int) -> int:
    """So many processes the model gets; a step without a process of its own counts as one."""
    if card.execution is Execution.DIRECT:
        return 1
    workers = chosen or workers_that_fit(card)
    return min(workers, card.most_processes) if card.most_processes else workers


def workers_that_fit(card: ModelCard) -> int:
    """One process per core, fewer when their memory would not fit into what is free now."""
    import psutil

    free_mb = psutil.virtual_memory().available / 2**20
    each = card.memory_mb if card.execution is Execution.PER_CORE else DECODER_MB
    return max(1, min(cores(), int(free_mb / max(1, each))))
