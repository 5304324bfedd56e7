"""What was heard of tracks, for people and for scripts."""

from __future__ import annotations

import os
from itertools import islice
from typing import TYPE_CHECKING

import click

from reprise.cli.common import counted, write_json, write_table
from reprise.search.heard import heard_tracks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reprise.app import App
    from reprise.core.analysis import Analysis, Cue, HeardKey, HeardTempo, Loudness

SHOWN_WHOLE = 50
"""A folder of so many tracks is shown as a whole; of a larger one ``SHOWN_FIRST``."""

SHOWN_FIRST = 20

COLUMNS = ("track", "BPM", "key", "LUFS", "peak dBTP", "silence s", "cues")


def write_heard(app: App, library_id: int, folder: bytes) -> None:
    """One JSON line for each track."""
    root = app.catalogue().libraries.get(app.owner, library_id).root
    for item, analysis in heard_tracks(app.catalogue(), app.owner, library_id, folder):
        path = os.path.join(root, item.file).decode("utf-8", "replace")
        write_json(
            {
                "event": "analysis",
                "item_id": item.id,
                "artist": item.tags.artist,
                "title": item.tags.title,
                "path": path,
                **analysis.as_dict(),
            }
        )


def show_heard(app: App, library_id: int, folder: bytes, *, everything: bool, more: str) -> None:
    """A table; of many tracks the first, unless ``everything`` is asked for, and ``more`` says how to see the rest."""
    tracks = heard_tracks(app.catalogue(), app.owner, library_id, folder)
    rows = ((item.label, *_cells(analysis)) for item, analysis in tracks)
    first = list(rows) if everything else list(islice(rows, SHOWN_WHOLE))
    left = sum(1 for _ in rows)
    shown = first[:SHOWN_FIRST] if left else first
    if shown:
        write_table("", COLUMNS, list(shown), whole=("BPM", "key", "LUFS", "peak dBTP", "silence s"))
    if left:
        click.echo(f"and {counted(len(first) + left - len(shown), 'track')} more: {more}", err=True)


def _cells(analysis: Analysis) -> tuple[object, ...]:
    loudness = analysis.loudness
    return (
        tempo_text(analysis.tempo),
        key_text(analysis.key),
        f"{loudness.integrated:.1f}" if loudness else "",
        f"{loudness.true_peak:.1f}" if loudness else "",
        _silence(analysis),
        ", ".join(map(_cue, analysis.cues)),
    )


def tempo_text(tempo: HeardTempo | None) -> str:
    """``174.0 (87.0)``: beats per minute, and the next likely, which is mostly the other octave."""
    if tempo is None:
        return ""
    other = f" ({tempo.alternatives[0][0]:.1f})" if tempo.alternatives else ""
    return f"{tempo.bpm:.1f}{other}"


def key_text(heard: HeardKey | None) -> str:
    """``Am 8A``."""
    return f"{heard.key.name} {heard.key.camelot}" if heard else ""


def explained(analysis: Analysis) -> Iterator[tuple[str, str]]:
    """Name and text of each thing that was heard, with how sure that is."""
    if analysis.tempo is not None:
        others = ", ".join(f"{bpm:.1f}" for bpm, _ in analysis.tempo.alternatives)
        sure = f"confidence {analysis.tempo.confidence:.0%}"
        yield "tempo", f"{analysis.tempo.bpm:.1f} BPM, {sure}{f'; or {others}' if others else ''}"
    if analysis.key is not None:
        second = analysis.key.second
        rival = f"; or {second.name}" if second else ""
        yield "key", f"{key_text(analysis.key)}, confidence {analysis.key.confidence:.0%}{rival}"
        yield "tuning", f"{analysis.tuning:+.0f} cents from A = 440 Hz"
    if analysis.loudness is not None:
        yield "loudness", _loudness_text(analysis.loudness)
    if silence := _silence(analysis):
        yield "silence", f"{silence} s at the ends"
    if analysis.cues:
        yield "cues", ", ".join(map(_cue, analysis.cues))
    if not analysis.whole:
        yield "heard", f"{analysis.seconds:.0f} s from the middle"


def _loudness_text(loudness: Loudness) -> str:
    level = f"{loudness.integrated:.1f} LUFS, range {loudness.range:.1f} LU"
    return f"{level}, true peak {loudness.true_peak:.1f} dBTP, ReplayGain {loudness.gain:+.1f} dB"


def _silence(analysis: Analysis) -> str:
    ends = (analysis.lead_silence, analysis.tail_silence)
    return "" if None in ends else " / ".join(f"{seconds:.1f}" for seconds in ends if seconds is not None)


def _cue(cue: Cue) -> str:
    minutes, seconds = divmod(round(cue.seconds), 60)
    return f"{cue.kind} {minutes}:{seconds:02}"
