"""Cue sheets: any bytes are a sheet or a ``CueError`` that says the line, and a sheet that is written anew says the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reprise.core.cuts import FRAMES_PER_SECOND
from reprise.media.cue import MAX_TRACKS, CueError, files_of, parse_cue
from tests.fuzz.targets import check_said

if TYPE_CHECKING:
    from reprise.media.cue import CueSheet, CueTrack

_LONGEST_MESSAGE = 200
"""Characters: it stands in a list of problems, whatever the sheet holds."""


def one(data: bytes) -> None:
    try:
        sheet = parse_cue(data)
    except CueError as error:
        check_said(error, _LONGEST_MESSAGE)
        return
    assert 1 <= len(sheet.tracks) <= MAX_TRACKS
    assert sum(map(len, files_of(sheet).values())) == len(sheet.tracks)
    for track in sheet.tracks:
        assert track.file == track.file.strip() != ""
        for frames in (track.start, track.pregap):
            assert frames is None or 0 <= frames < 2**63
    everything: list[CueSheet | CueTrack] = [sheet, *sheet.tracks]
    for said in everything:
        assert said.year is None or 1900 <= said.year <= 2099
        for text in (said.title, said.performer, said.genre):
            assert text is None or (text.strip() == text != "" and len(text.splitlines()) == 1)
    assert sheet.disc is None or 0 <= sheet.disc < 2**31
    assert parse_cue(_written(sheet)) == sheet


def _written(sheet: CueSheet) -> bytes:
    lines = _facts(sheet)
    if sheet.disc is not None:
        lines.append(f"REM DISCNUMBER {sheet.disc}")
    for track in sheet.tracks:
        lines.append(f'FILE "{track.file}" WAVE')
        lines.append(f"TRACK {track.number:02} {'AUDIO' if track.is_audio else 'MODE1/2352'}")
        lines += _facts(track)
        for index, frames in ((0, track.pregap), (1, track.start)):
            if frames is not None:
                lines.append(f"INDEX {index:02} {_time(frames)}")
    return "\r\n".join(lines).encode()


def _facts(said: CueSheet | CueTrack) -> list[str]:
    texts = {"TITLE": said.title, "PERFORMER": said.performer, "REM GENRE": said.genre}
    lines = [f'{command} "{text}"' for command, text in texts.items() if text is not None]
    return lines if said.year is None else [*lines, f"REM DATE {said.year}"]


def _time(frames: int) -> str:
    seconds, rest = divmod(frames, FRAMES_PER_SECOND)
    hours, seconds = divmod(seconds, 3600)
    return f"{hours}:{seconds // 60:02}:{seconds % 60:02}:{rest:02}"
