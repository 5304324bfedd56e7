"""The words of a video that somebody wrote down: files beside it, streams inside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.video import TextSource, Transcript
from reprise.errors import BadSubtitles, ItemError, Unreadable
from reprise.media.subtitles.cues import segments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.media.subtitles.cues import Cue
    from reprise.media.subtitles.sidecars import Sidecar


def read_subtitles(path: bytes, seconds: float = 0.0) -> Transcript | None:
    """The first of these that holds words, or ``None``: files beside the video, streams inside it (both in the order that
    ``sidecars`` and ``embedded`` give), and last those of either kind that translate a few lines only.

    ``seconds``: the length of the video, which times are held to; 0 if nobody knows it. A file that cannot be read is
    passed over as long as there is another; else it raises ``BadSubtitles`` or ``Unreadable``.
    """
    broken: list[ItemError] = []
    for source, language, cues in _candidates(path, broken):
        if found := segments(cues, seconds):
            return Transcript(source, found, language)
    if broken:
        raise broken[0]
    return None


def _candidates(path: bytes, broken: list[ItemError]) -> Iterator[tuple[TextSource, str, list[Cue]]]:
    """Files that are broken are put into ``broken`` and left out."""
    from reprise.media.subtitles.embedded import embedded
    from reprise.media.subtitles.sidecars import sidecars

    beside = sidecars(path)
    yield from _read([one for one in beside if not one.forced], broken)
    forced = []
    for stream in embedded(path):
        if stream.forced:
            forced.append(stream)
        else:
            yield TextSource.EMBEDDED, stream.language, stream.cues
    yield from _read([one for one in beside if one.forced], broken)
    for stream in forced:
        yield TextSource.EMBEDDED, stream.language, stream.cues


def _read(beside: list[Sidecar], broken: list[ItemError]) -> Iterator[tuple[TextSource, str, list[Cue]]]:
    from reprise.media.subtitles.sidecars import cues_of

    for sidecar in beside:
        try:
            yield TextSource.SIDECAR, sidecar.language, cues_of(sidecar)
        except (BadSubtitles, Unreadable) as error:
            broken.append(error)
