"""A video and its scenes as ``reprise videos`` shows them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import click

from reprise.cli.common import duration
from reprise.core.items import display_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reprise.core.embedded import Embedded
    from reprise.core.video import Scene, Video


def show_video(video: Video, version: str) -> None:
    facts = video.facts
    click.echo(f"spec {version}")
    click.echo(f"{display_path(video.path)}  (video {video.id}): {video.state}")
    click.echo(
        f"  length     {duration(facts.duration)}, {facts.width} × {facts.height}, {facts.fps:.2f} fps"
    )
    turned = f", turned by {facts.rotation}°" if facts.rotation else ""
    click.echo(f"  sound      {'yes' if facts.has_audio else 'none'}{turned}")
    click.echo(f"  words      {video.transcript or 'none'}")
    click.echo(f"  scenes     {video.scenes:,}")


def show_scene(scene: Scene, embedded: Mapping[str, Embedded]) -> None:
    click.echo(f"\nscene {scene.index + 1}, {_clock(scene.start)} to {_clock(scene.end)}  (item {scene.id})")
    told = (
        ("said", scene.transcript),
        ("seen", scene.description),
        ("in short", scene.summary),
        ("tags", ", ".join(scene.tags)),
    )
    for name, text in told:
        if text:
            click.echo(f"  {name:<10} {' '.join(text.split())}")
    for model, one in sorted(embedded.items()):
        why = f": {one.error}" if one.error else ""
        made = f", spec {one.spec_version}" if one.spec_version else ""
        click.echo(f"  {model:<18} {one.state.value}{made}, {one.space}{why}")


def _clock(seconds: float) -> str:
    """``1:02:03.4``"""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02d}:{rest:04.1f}"


def video_facts(video: Video) -> dict[str, Any]:
    facts = video.facts
    return {
        "video_id": video.id,
        "library_id": video.library_id,
        "path": display_path(video.path),
        "state": video.state.value,
        "seconds": facts.duration,
        "width": facts.width,
        "height": facts.height,
        "fps": facts.fps,
        "rotation": facts.rotation,
        "has_audio": facts.has_audio,
        "scenes": video.scenes,
        "transcript": video.transcript,
        "updated_at": video.updated_at,
    }


def scene_facts(scene: Scene, embedded: Mapping[str, Embedded]) -> dict[str, Any]:
    return {
        "scene_id": scene.id,
        "video_id": scene.video_id,
        "index": scene.index,
        "start": scene.start,
        "end": scene.end,
        "transcript": scene.transcript,
        "description": scene.description,
        "summary": scene.summary,
        "tags": list(scene.tags),
        "thumbnail": os.fsdecode(scene.thumbnail) if scene.thumbnail else None,
        "embedded": {
            model: {
                "state": one.state.value,
                "made_by": one.spec_version,
                "space": one.space,
                "error": one.error,
            }
            for model, one in sorted(embedded.items())
        },
    }
