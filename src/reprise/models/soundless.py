"""Specs of models that hear nothing: of texts and of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.spec import ModelSpec

if TYPE_CHECKING:
    from reprise.core.spec import Subject


def soundless_spec(
    name: str,
    subject: Subject,
    *,
    dimension: int,
    weights: str,
    epoch: int,
    options: tuple[tuple[str, str], ...],
    pooling: str = "none",
) -> ModelSpec:
    """A spec whose fields of sound say that there is none."""
    return ModelSpec(
        model=name,
        dimension=dimension,
        weights=weights,
        sample_rate=0,
        mono="none",
        resampler="none",
        window=0,
        hop=0,
        pooling=pooling,
        normalisation="l2",
        decoder_major=0,
        epoch=epoch,
        options=options,
        subject=subject,
    )
