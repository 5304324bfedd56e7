"""The pipeline of a video library: one declared, dated, ordered list of steps is what "latest" means.

A step is a name with the models that carry it out. The job engine runs them; each has a spec, and the fingerprint of
that spec, together with the digest of an item's input, decides what is stale. So a step whose version or parameters
change makes exactly its own rows stale.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reprise.core.items import ItemKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reprise.core.items import LibraryKind


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``models`` are names in the registry, in the order in which they run.

    ``works_on``: the kind of item that it visits. ``version`` is raised when what it makes changes its meaning.
    ``parameters`` are part of the fingerprint of its models' specs. ``after``: the step that it follows, for those that
    packages add; without one it is the last. ``disabled``: why it does not run here, in words; empty: it runs.
    """

    name: str
    summary: str
    works_on: ItemKind
    models: tuple[str, ...]
    version: int = 1
    parameters: tuple[tuple[str, str], ...] = ()
    idempotent: bool = True
    after: str = ""
    disabled: str = ""

    @property
    def enabled(self) -> bool:
        return not self.disabled

    @property
    def options(self) -> tuple[tuple[str, str], ...]:
        """What the step adds to the specs of its models; the first version without parameters adds nothing."""
        version = (("step", str(self.version)),) if self.version != 1 else ()
        return version + self.parameters


@dataclass(frozen=True, slots=True)
class EmbeddingSpec:
    """``version`` is a date, and what was changed on this installation since: ``2026-11-21+scene_image.2``."""

    version: str
    steps: tuple[Step, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Of the steps that run here, in order."""
        return tuple(model for step in self.steps if step.enabled for model in step.models)

    def models_in(self, kind: LibraryKind) -> tuple[str, ...]:
        """Those that find something to look at in a library of that kind."""
        people = {ItemKind.PERSON, ItemKind.PHOTO}
        steps = [
            step for step in self.steps if step.enabled and (step.works_on in people) == (kind == "people")
        ]
        return tuple(model for step in steps for model in step.models)

    def step_of(self, model: str) -> Step | None:
        return next((step for step in self.steps if model in step.models), None)

    def with_steps(self, added: Iterable[Step]) -> EmbeddingSpec:
        """With the steps of packages in their places; the version names each. Raises ``ValueError`` for a name twice."""
        steps, version = list(self.steps), self.version
        for step in added:
            names = [one.name for one in steps]
            if step.name in names:
                raise ValueError(f"two steps are called {step.name!r}")
            place = names.index(step.after) + 1 if step.after in names else len(steps)
            steps.insert(place, step)
            version += f"+{step.name}.{step.version}"
        return EmbeddingSpec(version, tuple(steps))

    def with_versions(self, versions: Mapping[str, int]) -> EmbeddingSpec:
        """With other versions of some steps. Raises ``ValueError`` naming a step that is not there."""
        known = {step.name for step in self.steps}
        if unknown := sorted(set(versions) - known):
            raise ValueError(f"there is no step {unknown[0]!r}; there are: {', '.join(sorted(known))}")
        steps = tuple(replace(step, version=versions.get(step.name, step.version)) for step in self.steps)
        changed = [new for new, old in zip(steps, self.steps, strict=True) if new.version != old.version]
        return EmbeddingSpec("+".join([self.version, *(f"{s.name}.{s.version}" for s in changed)]), steps)


VIDEO_PIPELINE = EmbeddingSpec(
    version="2026-11-21",
    steps=(
        Step(
            "scene_text",
            "what is said, seen and summed up in each scene, as three vectors",
            ItemKind.SCENE,
            ("scene-transcript", "scene-visual", "scene-summary"),
        ),
        Step("scene_image", "the picture that stands for each scene", ItemKind.SCENE, ("scene-image",)),
        Step("scene_persons", "each picture of a scene, to be compared with persons", ItemKind.FRAME, ("scene-persons",)),
        Step("person_photos", "each reference photo of a person", ItemKind.PHOTO, ("person-photo",)),
        Step("person_vector", "the mean of a person's ready photos", ItemKind.PERSON, ("person",)),
        Step("lexical_index", "the words of each scene, for exact search", ItemKind.SCENE, ("lexical",)),
    ),
)  # fmt: skip

EXTRACTION = ("video-scenes", "video-transcript", "scene-description")
"""The models that come before the pipeline: they find scenes and words, which are kept. Reprocessing runs none of them."""
