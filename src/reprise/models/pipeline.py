"""The pipeline of this installation: the built-in steps, those of packages, and what the settings change of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reprise.core.pipeline import VIDEO_PIPELINE, EmbeddingSpec, Step
from reprise.errors import BadSetting, ModelLoadFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.metadata import EntryPoint

GROUP = "reprise.steps"
"""Entry points of packages that add steps; each is an object of type ``Step``."""


def video_pipeline(step_versions: str = "", disabled: Mapping[str, str] | None = None) -> EmbeddingSpec:
    """What "latest" means here. ``step_versions`` as in ``scene_image=2, lexical_index=3``; ``disabled``: step, why.

    Raises:
        BadSetting: a version that is no number, or of a step that is not there.
        ModelLoadFailed: a package's step that does not load, or is no step; names the package.
    """
    pipeline = _with_steps_of_packages(VIDEO_PIPELINE)
    try:
        pipeline = pipeline.with_versions(_versions(step_versions))
    except ValueError as error:
        raise BadSetting(
            f"step_versions: {error}", cure='set it like: step_versions = "scene_image=2"'
        ) from error
    reasons = disabled or {}
    steps = tuple(replace(step, disabled=reasons.get(step.name, step.disabled)) for step in pipeline.steps)
    return EmbeddingSpec(pipeline.version, steps)


def _versions(text: str) -> dict[str, int]:
    versions: dict[str, int] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, _, number = (part.strip() for part in entry.partition("="))
        if not number.isdecimal() or not int(number):
            raise ValueError(f"{entry!r} is no step with a version from 1 on")
        versions[name] = int(number)
    return versions


def _with_steps_of_packages(pipeline: EmbeddingSpec) -> EmbeddingSpec:
    """In the order of their names, so that the pipeline's version does not depend on the import path."""
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda point: (point.name, point.value)):
        try:
            pipeline = pipeline.with_steps([_step(point)])
        except ValueError as error:
            raise ModelLoadFailed(
                f"the step {point.name!r} of {_package(point)} is not taken: {error}"
            ) from error
    return pipeline


def _step(point: EntryPoint) -> Step:
    try:
        found = point.load()
    except Exception as error:  # anything may be wrong in a package of someone else
        reason = f"{type(error).__name__}: {error}"
        raise ModelLoadFailed(
            f"the step {point.name!r} of {_package(point)} does not load: {reason}"
        ) from error
    if not isinstance(found, Step):
        raise ModelLoadFailed(
            f"the step {point.name!r} of {_package(point)} is a {type(found).__name__}, no reprise.core.pipeline.Step"
        )
    return found


def _package(point: EntryPoint) -> str:
    if point.dist is None:
        return f"the package that holds {point.value}"
    return f"the package {point.dist.name} {point.dist.version} ({point.value})"
