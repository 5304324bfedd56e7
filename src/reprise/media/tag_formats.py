"""Tempo, key and gain in the tags of each format, through mutagen. All else that is in the tags stays as it is.

Where they go (what Mixed In Key, Rekordbox, Traktor and Serato read): ID3 ``TBPM`` and ``TKEY``; Vorbis comments ``BPM``
and ``INITIALKEY``; MP4 ``tmpo`` and ``----:com.apple.iTunes:initialkey``; WMA ``WM/BeatsPerMinute`` and
``WM/InitialKey``; APEv2 ``BPM`` and ``INITIALKEY``. Gain is ReplayGain 2.0, for Opus ``R128_TRACK_GAIN`` (RFC 7845).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_GAIN, _PEAK = "REPLAYGAIN_TRACK_GAIN", "REPLAYGAIN_TRACK_PEAK"
_ITUNES = "----:com.apple.iTunes:"
_R128_BELOW_REPLAYGAIN = 5.0  # dB: -23 LUFS instead of -18
_ID3_23, _ID3_24 = (2, 3, 0), (2, 4, 0)
_V1_BYTES = 256
"""Of the end of a file: ID3v1 has 128, and some programs write it a few bytes off."""

_ALIASES = {
    "bpm": ("bpm", "tbpm", "tempo"),
    "key": ("initialkey", "key", "initial key", "initial_key"),
    "gain": ("replaygain_track_gain", "r128_track_gain"),
    "peak": ("replaygain_track_peak",),
}
"""Free names under which programs keep the same thing; where one is there it is brought up to date too."""

TOUCHED = frozenset(name for names in _ALIASES.values() for name in names)


class NewTags(NamedTuple):
    """What is to stand in the tags; ``None`` is not touched. ``gain`` in dB to -18 LUFS, ``peak`` 1.0 is full scale."""

    bpm: float | None = None
    key: str | None = None
    gain: float | None = None
    peak: float | None = None

    def texts(self) -> dict[str, str]:
        """Those that are set, as text: tempo as a whole number, which every program reads."""
        found: dict[str, str] = {}
        if self.bpm is not None:
            found["bpm"] = str(round(self.bpm))
        if self.key is not None:
            found["key"] = self.key
        if self.gain is not None:
            found["gain"] = f"{self.gain:.2f} dB"
        if self.peak is not None:
            found["peak"] = f"{self.peak:.6f}"
        return found

    @property
    def r128(self) -> str:
        """The gain as Opus has it: 256ths of a dB to -23 LUFS."""
        return "" if self.gain is None else str(round((self.gain - _R128_BELOW_REPLAYGAIN) * 256))


class Writer(Protocol):
    """The tags of one open file."""

    def rest(self) -> object:
        """All but what :class:`NewTags` is of, to be compared."""

    def put(self, new: NewTags) -> None:
        """Set the values in memory."""

    def save(self, file: BinaryIO) -> None:
        """Write the tags in place, with the padding that is there as far as it reaches."""


def open_tags(container: str, file: BinaryIO) -> Writer | None:
    """The tags of a file whose ``container`` is a name from ``media.sniff``; ``None`` when nothing can be written there.

    Raises ``mutagen.MutagenError`` for what it does not understand.
    """
    opening = _OPENING.get(container)
    return None if opening is None else opening(file)


def _keep_padding(info: Any) -> int:
    return int(info.padding) if info.padding >= 0 else int(info.get_default_padding())


class _Id3:
    """Frames are kept as they were read, in the version that the file has; 2.2, which nobody writes, becomes 2.3."""

    def __init__(self, tags: Any) -> None:
        self._tags = tags

    @property
    def _version(self) -> int:
        return 3 if self._tags.version[:2] in ((2, 2), (2, 3)) else 4

    def rest(self) -> object:
        frames = {
            name: vars(frame)
            for name, frame in self._tags.items()
            if not _is_ours(name) and (str(frame) if name.startswith("T") else True)
        }
        return frames, self._tags.unknown_frames

    def put(self, new: NewTags) -> None:
        from mutagen.id3 import TBPM, TKEY, TXXX

        texts = new.texts()
        for name, frame in (("bpm", TBPM), ("key", TKEY)):
            if name in texts:
                self._tags.add(frame(encoding=0, text=[texts[name]]))
        for name, main in (("gain", _GAIN), ("peak", _PEAK)):
            if name in texts and not self._renew(name, texts[name]):
                self._tags.add(TXXX(encoding=0, desc=main, text=[texts[name]]))  # type: ignore[no-untyped-call]
        for name in ("bpm", "key"):
            if name in texts:
                self._renew(name, texts[name])

    def _renew(self, name: str, text: str) -> bool:
        found = [frame for frame in self._tags.getall("TXXX") if frame.desc.lower() in _ALIASES[name]]
        for frame in found:
            frame.text = [text]
        return bool(found)

    def save(self, file: BinaryIO) -> None:
        self._tags.save(file, v2_version=self._version, v23_sep=None, padding=_keep_padding)


class _BareId3(_Id3):
    """In front of the sound, as in MP3. An ID3v1 tag at the end, which has neither tempo nor key, keeps its bytes."""

    def save(self, file: BinaryIO) -> None:
        size = file.seek(0, 2)
        behind = size - self._bytes(file)
        file.seek(max(0, size - min(_V1_BYTES, behind)))
        tail = file.read()
        file.seek(0)
        super().save(file)
        file.seek(self._bytes(file) + behind - len(tail))
        file.write(tail)
        file.truncate()

    @staticmethod
    def _bytes(file: BinaryIO) -> int:
        from reprise.media.sniff import ID3V2_HEADER_BYTES, id3v2_bytes

        file.seek(0)
        return id3v2_bytes(file.read(ID3V2_HEADER_BYTES))


@cache
def _frames() -> dict[str, Any]:
    """mutagen's kinds of frames, but none that unpacks: a thousand bytes may become a gigabyte. What is compressed, which
    hardly any program writes, stays as its bytes are."""
    from mutagen.id3 import Frames, Frames_2_2  # the latter know no compression

    return {
        **Frames_2_2,
        **{name: type(name, (kind,), {"_fromData": _never_unpacked(kind)}) for name, kind in Frames.items()},
    }


def _never_unpacked(kind: Any) -> Any:
    def from_data(cls: Any, header: Any, flags: int, data: bytes) -> Any:
        compressed = kind.FLAG24_COMPRESS if header.version >= _ID3_24 else kind.FLAG23_COMPRESS
        if header.version >= _ID3_23 and flags & compressed:
            raise NotImplementedError  # mutagen's word for a frame that is kept as it is
        return super(cls, cls)._fromData(header, flags, data)

    return classmethod(from_data)


def _is_ours(frame: str) -> bool:
    """By mutagen's name of the frame: ``TBPM``, ``TXXX:INITIALKEY``."""
    kind, _, name = frame.partition(":")
    return kind in {"TBPM", "TKEY"} or (kind == "TXXX" and name.lower() in TOUCHED)


def _open_bare_id3(file: BinaryIO) -> Writer:
    from mutagen.id3 import ID3, ID3NoHeaderError

    file.seek(0)
    with_v2 = file.read(3) == b"ID3"
    file.seek(0)
    try:
        return _BareId3(
            ID3(file, known_frames=_frames(), translate=False, load_v1=not with_v2)  # type: ignore[no-untyped-call]
        )
    except ID3NoHeaderError:
        return _BareId3(ID3())  # type: ignore[no-untyped-call]


def _open_chunked_id3(kind: str) -> Callable[[BinaryIO], Writer]:
    """WAV and AIFF: ID3 in a chunk of its own; what stands in other chunks stays there."""

    def opening(file: BinaryIO) -> Writer:
        from mutagen.aiff import AIFF
        from mutagen.wave import WAVE

        file.seek(0)
        found: Any = (WAVE if kind == "riff" else AIFF)(
            file, known_frames=_frames(), translate=False, load_v1=False
        )
        if found.tags is None:
            found.add_tags()
        return _Id3(found.tags)

    return opening


class _Vorbis:
    def __init__(self, file: Any, *, opus: bool = False) -> None:
        self._file, self._opus = file, opus

    def rest(self) -> object:
        blocks = [
            (block.code, block.write())
            for block in getattr(self._file, "metadata_blocks", ())
            if block.code not in (1, 4)
        ]  # all but padding and comments
        pairs = [(name, text) for name, text in self._file.tags or () if name.lower() not in TOUCHED]
        return pairs, blocks

    def put(self, new: NewTags) -> None:
        if self._file.tags is None:
            self._file.add_tags()
        texts = new.texts()
        if self._opus:
            texts.pop("peak", None)
            if texts.pop("gain", None):
                self._file.tags["R128_TRACK_GAIN"] = new.r128
        for name, main in (("bpm", "BPM"), ("key", "INITIALKEY"), ("gain", _GAIN), ("peak", _PEAK)):
            if name in texts:
                for alias in _ALIASES[name]:
                    if alias in self._file.tags:
                        self._file.tags[alias] = texts[name]
                self._file.tags[main] = texts[name]

    def save(self, file: BinaryIO) -> None:
        self._file.save(file, padding=_keep_padding)


def _open_flac(file: BinaryIO) -> Writer:
    from mutagen.flac import FLAC

    file.seek(0)
    return _Vorbis(FLAC(file))  # type: ignore[no-untyped-call]


def _open_ogg(file: BinaryIO) -> Writer | None:
    from mutagen.oggflac import OggFLAC
    from mutagen.oggopus import OggOpus
    from mutagen.oggspeex import OggSpeex
    from mutagen.oggvorbis import OggVorbis

    file.seek(0)
    head = file.read(64)
    kinds = (
        (b"OpusHead", OggOpus),
        (b"\x01vorbis", OggVorbis),
        (b"\x7fFLAC", OggFLAC),
        (b"Speex   ", OggSpeex),
    )
    for magic, kind in kinds:
        if head.startswith(magic, 28):
            file.seek(0)
            return _Vorbis(kind(file), opus=kind is OggOpus)
    return None


class _Mp4:
    _TEXTS = (("key", "initialkey"), ("gain", _GAIN.lower()), ("peak", _PEAK.lower()))

    def __init__(self, file: Any) -> None:
        self._file = file

    def rest(self) -> object:
        return {
            name: value
            for name, value in (self._file.tags or {}).items()
            if name != "tmpo" and name.removeprefix(_ITUNES).lower() not in TOUCHED
        }

    def put(self, new: NewTags) -> None:
        from mutagen.mp4 import MP4FreeForm

        if self._file.tags is None:
            self._file.add_tags()
        tags, texts = self._file.tags, new.texts()
        if "bpm" in texts:
            tags["tmpo"] = [int(texts["bpm"])]
        for name, main in self._TEXTS:
            if name in texts:
                there = [key for key in tags if key.removeprefix(_ITUNES).lower() in _ALIASES[name]]
                for key in there or [_ITUNES + main]:
                    tags[key] = [MP4FreeForm(texts[name].encode())]  # type: ignore[no-untyped-call]

    def save(self, file: BinaryIO) -> None:
        self._file.save(file, padding=_keep_padding)


def _open_mp4(file: BinaryIO) -> Writer:
    from mutagen.mp4 import MP4

    file.seek(0)
    return _Mp4(MP4(file))  # type: ignore[no-untyped-call]


class _Asf:
    _NAMES = (("bpm", "WM/BeatsPerMinute"), ("key", "WM/InitialKey"), ("gain", _GAIN), ("peak", _PEAK))

    def __init__(self, file: Any) -> None:
        self._file = file

    def rest(self) -> object:
        ours = {name.lower() for _, name in self._NAMES}
        return sorted((name, repr(value)) for name, value in self._file.tags if name.lower() not in ours)

    def put(self, new: NewTags) -> None:
        texts = new.texts()
        for name, main in self._NAMES:
            if name in texts:
                self._file.tags[main] = texts[name]

    def save(self, file: BinaryIO) -> None:
        self._file.save(file, padding=_keep_padding)


def _open_asf(file: BinaryIO) -> Writer:
    from mutagen.asf import ASF

    file.seek(0)
    return _Asf(ASF(file))  # type: ignore[no-untyped-call]


class _Ape:
    _NAMES = (("bpm", "BPM"), ("key", "INITIALKEY"), ("gain", _GAIN), ("peak", _PEAK))

    def __init__(self, tags: Any) -> None:
        self._tags = tags

    def rest(self) -> object:
        return sorted(
            (name, repr(value)) for name, value in self._tags.items() if name.lower() not in TOUCHED
        )

    def put(self, new: NewTags) -> None:
        texts = new.texts()
        for name, main in self._NAMES:
            if name in texts:
                there = [key for key in self._tags if key.lower() in _ALIASES[name]]
                for key in there or [main]:
                    self._tags[key] = texts[name]

    def save(self, file: BinaryIO) -> None:
        self._tags.save(file)


def _open_ape(file: BinaryIO) -> Writer:
    from mutagen.apev2 import APENoHeaderError, APEv2

    file.seek(0)
    try:
        return _Ape(APEv2(file))  # type: ignore[no-untyped-call]
    except APENoHeaderError:
        return _Ape(APEv2())  # type: ignore[no-untyped-call]


_OPENING: dict[str, Callable[[BinaryIO], Writer | None]] = {
    "mp3": _open_bare_id3,
    "riff": _open_chunked_id3("riff"),
    "aiff": _open_chunked_id3("aiff"),
    "flac": _open_flac,
    "ogg": _open_ogg,
    "mp4": _open_mp4,
    "asf": _open_asf,
    "ape": _open_ape,
    "wavpack": _open_ape,
    "musepack": _open_ape,
}
