"""Templates that are ready to use, for what people do with their files."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from reprise.errors import UsageError
from reprise.rename.names import file_name
from reprise.rename.template import Template, text_value

if TYPE_CHECKING:
    from reprise.core.renaming import Value

SAMPLE = {
    "artist": "Boards of Canada",
    "title": "Roygbiv",
    "album": "Music Has the Right to Children",
    "album_artist": "Boards of Canada",
    "label": "Warp Records",
    "year": "1998",
    "track": "08",
    "tracks": "17",
    "disc": "1",
    "discs": "1",
    "bpm": "84",
    "key": "Gm",
    "camelot": "6A",
    "openkey": "11m",
    "mix": "Live Edit",
    "mix_paren": " (Live Edit)",
    "kb": " [6A 84]",
    "genre": "Electronic",
    "composer": "Michael Sandison",
    "remixer": "Marcus Eoin",
    "comment": "from the vinyl",
    "isrc": "GBBPW9800086",
    "catalog": "WARPCD55",
    "duration": "2m31s",
    "bitrate": "320",
    "filename": "08 roygbiv",
}
"""Of every field a value, for examples."""


class Preset(NamedTuple):
    """``id`` is what commands and the API call it."""

    id: str
    name: str
    template: str
    summary: str

    @property
    def example(self) -> str:
        return example(Template.parse(self.template))


PRESETS = (
    Preset(
        "dj",
        "DJ",
        "{artist} - {title}{mix_paren} [{camelot} {bpm}]",
        "for playing: artist, title and mix, then key and tempo",
    ),
    Preset(
        "dj-camelot",
        "DJ, by key",
        "<{camelot:2} >{bpm} - {artist} - {title}{mix_paren}",
        "a player that sorts by name shows what mixes in key together",
    ),
    Preset(
        "dj-tempo",
        "DJ, by tempo",
        "<{bpm:3}< {camelot}> - >{artist} - {title}{mix_paren}",
        "a player that sorts by name shows slow before fast",
    ),
    Preset("simple", "Simple", "{artist} - {title}{mix_paren}", "single tracks, no numbers"),
    Preset(
        "album",
        "Album",
        "{track} - {artist} - {title}{mix_paren}",
        "the order of the album, each track with its artist",
    ),
    Preset(
        "album-basic", "Album, short", "{track} - {title}{mix_paren}", "in a folder that tells the artist"
    ),
    Preset(
        "album-disc",
        "Album of several discs",
        "<{disc}->{track} - {artist} - {title}{mix_paren}",
        "the number of the disc before that of the track",
    ),
    Preset(
        "full-album",
        "Album, in full",
        "{artist|album_artist} - {album}< ({year})> - {track} - {title}{mix_paren}",
        "names that tell everything outside their folder too",
    ),
    Preset(
        "rekordbox",
        "Rekordbox",
        "{artist} - {title}{mix_paren}< [{label}]>",
        "Rekordbox shows key and tempo by itself; the label tells versions apart. Rewrite its collection along:"
        " --references",
    ),
    Preset(
        "traktor",
        "Traktor",
        "{artist} - {title}{mix_paren}< - {openkey}>< - {bpm}>",
        "Traktor counts keys as Open Key. Rewrite its collection along: --references",
    ),
    Preset(
        "serato",
        "Serato",
        "{bpm:3} - {key} - {artist} - {title}{mix_paren}",
        "its file list sorts by name: tempo, then key. Rewrite its crates along: --references",
    ),
    Preset(
        "label",
        "Label and catalogue",
        "<[{catalog|label}] >{artist} - {title}{mix_paren}<, {year}>",
        "for collectors: what release it is from",
    ),
)

DEFAULT = PRESETS[0]


def preset(name: str) -> Preset:
    """Raises ``UsageError`` for an id that there is not."""
    found = next((one for one in PRESETS if one.id == name), None)
    if found is None:
        known = ", ".join(one.id for one in PRESETS)
        raise UsageError(f"there is no preset {name!r}", cure=f"one of: {known}")
    return found


def example(template: Template) -> str:
    """What a sample track would be called, with ``.mp3``; its file's tags are as full as can be."""
    values = {**_sample(), **{f"tag:{name}": text_value(name) for name in template.tags}}
    return file_name(template.render(values).stem, ".mp3").text


@cache
def _sample() -> dict[str, Value]:
    return {name: text_value(text) for name, text in SAMPLE.items()}
