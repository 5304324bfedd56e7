"""What a video says of itself, read quickly: by tinytag what that knows, else by FFmpeg."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reprise.media.tags import metadata_of, read_tags, tags_of_metadata
from reprise.media.video.probe import FORMATS

if TYPE_CHECKING:
    from reprise.core.items import Tags

_OPTIONS = {"protocol_whitelist": "file", "format_whitelist": FORMATS}
"""A list of files that is called a video opens none of them."""


def read_video_tags(path: bytes) -> Tags:
    """Tags and length of the file at ``path``; what cannot be understood is simply missing.

    Raises ``Unreadable`` or ``Vanished``.
    """
    tags = read_tags(path)
    return tags if tags.duration is not None else _asked_of_ffmpeg(path) or tags


def _asked_of_ffmpeg(path: bytes) -> Tags | None:
    import av

    try:
        with av.open("file:" + os.fsdecode(path), options=_OPTIONS, metadata_errors="replace") as container:
            return tags_of_metadata(metadata_of(container), container.duration)
    except (av.FFmpegError, ValueError, MemoryError):
        return None
