"""A folder of videos: walked as one of music is, with other names, tags and digests, and without cue sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.items import VIDEO_SUFFIXES
from reprise.media.video.digest import video_digest
from reprise.media.video_tags import read_video_tags
from reprise.sources.folder import FolderSource

if TYPE_CHECKING:
    from reprise.core.items import Tags


class VideoFolder(FolderSource):
    """The videos below a root. See ``FolderSource`` for what is left out."""

    suffixes = frozenset(suffix.encode() for suffix in VIDEO_SUFFIXES)
    common_suffixes = frozenset({b".mp4", b".mkv", b".mov", b".avi", b".webm"})
    has_sheets = False

    def tags(self, path: bytes) -> Tags:
        """Title and length, if the file says them. Raises ``Unreadable`` or ``Vanished``."""
        return read_video_tags(self._prefix + path)

    def digest(self, path: bytes) -> bytes:
        """32 bytes over the content. Raises ``Unreadable`` or ``Vanished``."""
        return video_digest(self._prefix + path)
