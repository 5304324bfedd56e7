"""What is fuzzed: one module for each parser, with ``one(data)``, which gives it any bytes and asserts what must hold.

A target may be run millions of times in one process: it keeps nothing but what ``scratch`` gives it. Whatever escapes
from ``one`` is a fault, an error of the product's own included unless the target expects it.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS = (
    "cue",
    "subtitles",
    "template",
    "playlist",
    "collection",
    "serato",
    "interchange",
    "plan",
    "key",
    "tag_values",
)

PRODUCT = {
    "cue": ("reprise.media.cue", "reprise.media.tags"),
    "subtitles": ("reprise.media.subtitles.parsing", "reprise.media.subtitles.cues"),
    "template": ("reprise.rename.template", "reprise.rename.layout", "reprise.rename.names"),
    "playlist": ("reprise.rename.references.playlists",),
    "collection": ("reprise.rename.references.collections",),
    "serato": ("reprise.rename.references.serato",),
    "interchange": ("reprise.video.moving_in", "reprise.video.fields", "reprise.core.scene_texts"),
    "plan": ("reprise.rename.planfile", "reprise.rename.moves", "reprise.rename.order"),
    "key": ("reprise.core.musical_key",),
    "tag_values": ("reprise.media.tags", "reprise.rename.words"),
}
"""The modules whose branches guide the fuzzer, by target."""

CORPUS = Path(__file__).parent.parent / "corpus"


def target(name: str) -> Callable[[bytes], None]:
    """The function ``one`` of a target."""
    one: Callable[[bytes], None] = import_module(f"{__name__}.{name}").one
    return one


def corpus_of(name: str) -> list[Path]:
    """The inputs that are kept for a target, in the order of their names."""
    return sorted((CORPUS / name).iterdir())


def check_said(error: Exception, most: int = 500) -> None:
    """Whoever is refused is told why, in a line of at most ``most`` characters."""
    assert 0 < len(str(error)) <= most, error


@cache
def scratch() -> Path:
    """A folder for parsers that read files, until this process ends."""
    folder = Path(tempfile.mkdtemp(prefix="reprise-fuzz-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
