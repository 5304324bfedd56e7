"""Decoding a part of a file: the right samples, and no more work than the part is worth."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from reprise.core.cuts import Cut
from reprise.demo.encode import write_audio
from reprise.errors import NotAudio, TooLong, Truncated, Unreadable, Vanished
from reprise.media import packets
from reprise.media.decode import AudioFile, DecodeLimits
from reprise.media.essence import Essences, essence_digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

RATE = 44_100  # Hz
SECONDS = 24.0
EXACT = (".wav", ".flac", ".aiff", ".wv")
LOSSY = (".mp3", ".m4a", ".ogg", ".opus")
CUTS = (Cut(1, 0, 301), Cut(2, 301, 998), Cut(3, 998, None))


def sweep(seconds: float = SECONDS) -> NDArray[np.float32]:
    """A rising tone in noise: no part of it sounds like another. Shape (n, 2)."""
    at = np.arange(round(seconds * RATE)) / RATE
    tone = 0.4 * np.sin(2 * np.pi * (200 * at + 20 * at**2))
    noise = 0.05 * np.random.default_rng(7).standard_normal((len(at), 2))
    return np.asarray(tone[:, None] + noise, np.float32)


@pytest.fixture(scope="module")
def albums(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("albums")
    samples = sweep()
    return {suffix: write_audio(folder / f"a{suffix}", samples, RATE) for suffix in (*EXACT, *LOSSY)}


def heard(
    path: Path | bytes, cut: Cut | None = None, rate: int = RATE, limits: DecodeLimits | None = None
) -> NDArray[np.float32]:
    file = os.fsencode(path)
    audio = AudioFile(cut.path_in(file) if cut else file, rate, limits or DecodeLimits())
    return np.concatenate([np.zeros(0, np.float32), *audio.blocks()])


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes in bytes of the packets that were read."""
    sizes: list[int] = []
    everything = packets.packets

    def counted(*arguments: Any) -> Iterator[object]:
        for packet in everything(*arguments):
            sizes.append(packet.size)
            yield packet

    monkeypatch.setattr(packets, "packets", counted)
    return sizes


@pytest.mark.parametrize("suffix", EXACT)
def test_a_cut_is_the_same_samples_as_the_whole_has_there(suffix: str, albums: dict[str, Path]) -> None:
    whole = heard(albums[suffix])
    parts = [heard(albums[suffix], cut) for cut in CUTS]
    for cut, part in zip(CUTS, parts, strict=True):
        first, end = cut.samples(RATE)
        assert np.array_equal(part, whole[first:end])
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("suffix", LOSSY)
def test_a_cut_of_a_lossy_file_is_the_right_part(suffix: str, albums: dict[str, Path]) -> None:
    """Within a millisecond, and sounding as it does in the whole."""
    rate = 48_000 if suffix == ".opus" else RATE
    whole = heard(albums[suffix], rate=rate)
    for cut in CUTS:
        part = heard(albums[suffix], cut, rate)
        first, end = cut.samples(rate)
        expected = whole[first:end]
        assert len(part) == pytest.approx(len(expected), abs=rate / 1000)
        length = min(len(part), len(expected))
        difference = part[:length] - expected[:length]
        assert np.sqrt((difference**2).mean()) < 0.02 * np.sqrt((expected**2).mean())


def test_a_cut_of_a_wma_file_is_off_by_a_tenth_of_a_second_at_most(tmp_path: Path) -> None:
    """Its time stamps do not count the encoder's delay."""
    path = write_audio(tmp_path / "a.wma", sweep(), RATE)
    part, whole = heard(path, CUTS[1]), heard(path)
    first, end = CUTS[1].samples(RATE)
    assert end is not None
    assert len(part) == end - first
    reach = 2 * len(part)
    alike = np.fft.irfft(np.fft.rfft(whole[first:end], reach) * np.conj(np.fft.rfft(part, reach)))
    lag = int(alike.argmax())
    assert min(lag, reach - lag) < RATE / 10
    assert alike.max() > 0.9 * float((part**2).sum())


@pytest.mark.parametrize("rate", [22_050, 24_000, 16_000])
def test_at_the_rate_of_a_model_the_part_differs_at_its_edges_only(
    rate: int, albums: dict[str, Path]
) -> None:
    whole, part = heard(albums[".flac"], rate=rate), heard(albums[".flac"], CUTS[1], rate)
    first, end = CUTS[1].samples(rate)
    assert end is not None
    assert len(part) == pytest.approx(end - first, abs=2)
    middle = slice(rate // 10, end - first - rate // 10)
    # The resampler's own grid begins with the cut, up to one sample beside that of the whole.
    shifts = [whole[first + shift :][: len(part)][middle] for shift in (-1, 0, 1)]
    size = min(len(shift) for shift in shifts)
    errors = [float(np.abs(shift[:size] - part[middle][:size]).mean()) for shift in shifts]
    assert min(errors) < 0.1 * float(np.abs(part).mean())


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".m4a", ".ogg", ".wav"])
def test_the_work_grows_with_the_cut_not_with_the_file(
    suffix: str, albums: dict[str, Path], read: list[int]
) -> None:
    heard(albums[suffix])
    everything = sum(read)
    for cut, share in ((Cut(1, 0, 150), 2 / SECONDS), (Cut(2, 1500, 1650), 2 / SECONDS)):
        read.clear()
        heard(albums[suffix], cut)
        assert sum(read) < everything * (share + 1.5 / SECONDS), suffix


def test_what_a_cut_lasts_is_what_it_declares(albums: dict[str, Path]) -> None:
    def declared(suffix: str, cut: Cut) -> float | None:
        return AudioFile(cut.path_in(os.fsencode(albums[suffix])), RATE).declared_seconds

    assert declared(".flac", Cut(2, 300, 450)) == 2.0
    assert declared(".flac", Cut(2, 300, None)) == pytest.approx(SECONDS - 4)
    assert declared(".mp3", Cut(2, 300, None)) == pytest.approx(SECONDS - 4, abs=0.1)
    assert AudioFile(b"gone.flac\0" + b"02:300-", RATE).declared_seconds is None


def test_a_file_that_was_cut_off_fails_the_tracks_that_it_lost(
    tmp_path: Path, albums: dict[str, Path]
) -> None:
    path = tmp_path / "a.flac"
    path.write_bytes(
        albums[".flac"].read_bytes()[: albums[".flac"].stat().st_size // 2]
    )  # about 12 s are left
    assert len(heard(path, Cut(1, 0, 750))) == 10 * RATE
    for cut in (Cut(2, 750, 1500), Cut(3, 1500, None)):
        with pytest.raises(Truncated):
            heard(path, cut)
    assert len(heard(path, Cut(2, 750, 1500), limits=DecodeLimits(min_decoded=0.01))) < 5 * RATE


def test_a_cut_behind_the_end_is_truncated_and_not_silence(albums: dict[str, Path]) -> None:
    with pytest.raises(Truncated, match=r"0 of 10 s"):
        heard(albums[".flac"], Cut(9, 3000, 3750))


def test_limits_are_those_of_the_cut(albums: dict[str, Path]) -> None:
    short = DecodeLimits(max_seconds=5)
    assert len(heard(albums[".flac"], Cut(1, 75, 375), limits=short)) == 4 * RATE
    with pytest.raises(TooLong):
        heard(albums[".flac"], Cut(1, 75, 600), limits=short)


def test_a_damaged_packet_moves_nothing_behind_it(tmp_path: Path, albums: dict[str, Path]) -> None:
    content = bytearray(albums[".flac"].read_bytes())
    place = len(content) // 4
    content[place : place + 40_000] = os.urandom(40_000)
    path = tmp_path / "a.flac"
    path.write_bytes(content)
    whole = heard(albums[".flac"])
    last = Cut(3, 1200, None)
    assert np.array_equal(heard(path, last), whole[last.samples(RATE)[0] :])
    damaged = heard(path, Cut(1, 0, 1200), limits=DecodeLimits(min_decoded=0.1))
    assert (
        10 * RATE < len(damaged) < 16 * RATE
    )  # what was lost is missing, and nothing of the next track is in it
    assert np.array_equal(damaged[-RATE:], whole[15 * RATE : 16 * RATE])


def test_where_seeking_fails_the_file_is_decoded_from_its_beginning(
    albums: dict[str, Path], monkeypatch: pytest.MonkeyPatch, read: list[int]
) -> None:
    """A seek that lands behind the start is noticed by the first time stamp."""
    from reprise.media import cutting

    monkeypatch.setattr(cutting, "LEAD_SECONDS", -5.0)  # too far by five seconds
    whole, everything = heard(albums[".flac"]), sum(read)
    read.clear()
    cut = Cut(2, 600, 900)
    assert np.array_equal(heard(albums[".flac"], cut), whole[8 * RATE : 12 * RATE])
    assert sum(read) > everything * 12 / SECONDS * 0.9


def adts(path: Path, samples: NDArray[np.float32], rate: int) -> bytes:
    """AAC without a container: such files can be joined, as broadcasts are."""
    with av.open(str(path), "w", format="adts") as container:
        stream: Any = container.add_stream("aac", rate=rate, layout="stereo")
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), "flt", "stereo")
        frame.sample_rate, frame.pts = rate, 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


def test_a_cut_over_a_change_of_the_sample_rate(tmp_path: Path) -> None:
    sound = sweep()
    path = tmp_path / "joined.aac"
    slow = adts(tmp_path / "b.aac", sound[10 * RATE : 20 * RATE : 2].copy(), RATE // 2)
    path.write_bytes(adts(tmp_path / "a.aac", sound[: 10 * RATE].copy(), RATE) + slow)
    rate = RATE // 2
    part, whole = heard(path, Cut(2, 600, 900), rate), heard(path, rate=rate)
    assert len(part) == pytest.approx(4 * rate, abs=2)
    middle = slice(rate // 2, 3 * rate)
    expected = whole[8 * rate : 12 * rate][middle]
    assert np.abs(part[middle] - expected).mean() < 0.1 * np.abs(expected).mean()


@pytest.mark.parametrize("channels", [1, 3, 6, 8])
def test_cuts_of_any_number_of_channels(channels: int, tmp_path: Path) -> None:
    samples = np.repeat(sweep(4)[:, :1], channels, axis=1)
    for suffix in (".wav", ".flac"):
        path = write_audio(tmp_path / f"a{suffix}", samples, RATE)
        assert np.array_equal(heard(path, Cut(2, 101, 202)), heard(path)[101 * 588 : 202 * 588])


def test_what_is_wrong_with_the_file_is_said_as_ever(tmp_path: Path) -> None:
    text, gone, fifo = tmp_path / "a.flac", tmp_path / "b.flac", tmp_path / "c.flac"
    text.write_text("Dear reader, this is only text." * 10)
    os.mkfifo(fifo)
    cut = Cut(1, 75, None)
    with pytest.raises(NotAudio, match="a text file"):
        heard(text, cut)
    with pytest.raises(Vanished):
        heard(gone, cut)
    with pytest.raises(NotAudio, match="FIFO"):
        heard(fifo, cut)


# The digest of a cut


def test_a_cuts_digest_is_of_its_sound_and_its_bounds(tmp_path: Path, albums: dict[str, Path]) -> None:
    path = tmp_path / "a.flac"
    shutil.copy(albums[".flac"], path)
    file = os.fsencode(path)
    essences = Essences()
    first = essences.digest(Cut(1, 0, 300).path_in(file))
    assert len(first) == 32
    assert essences.digest(file) == essence_digest(file) != first
    assert essences.digest(Cut(7, 0, 300).path_in(file)) == first  # another number is no other sound
    others = {essences.digest(cut.path_in(file)) for cut in (Cut(1, 0, 301), Cut(1, 1, 300), Cut(1, 0, None))}
    assert len(others | {first}) == 4
    renamed = path.rename(tmp_path / "b.flac")
    assert Essences().digest(Cut(1, 0, 300).path_in(os.fsencode(renamed))) == first
    write_audio(renamed, sweep(5), RATE)
    assert essences.digest(Cut(1, 0, 300).path_in(os.fsencode(renamed))) != first


def test_an_album_is_read_once_for_all_its_tracks(
    tmp_path: Path, albums: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from reprise.media import essence

    read: list[bytes] = []

    def counted(path: bytes) -> bytes:
        read.append(path)
        return essence_digest(path)

    monkeypatch.setattr(essence, "essence_digest", counted)
    path = tmp_path / "a.flac"
    shutil.copy(albums[".flac"], path)
    file, essences = os.fsencode(path), Essences()
    digests = {essences.digest(Cut(n, n * 10, n * 10 + 10).path_in(file)) for n in range(1, 100)}
    assert (len(digests), read) == (99, [file])
    os.utime(path, (1, 1))  # perhaps another content: it is read again
    assert essences.digest(Cut(1, 10, 20).path_in(file)) in digests
    assert read == [file, file]


def test_the_digest_of_what_is_gone_or_closed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Vanished):
        Essences().digest(Cut(1, 0, 5).path_in(os.fsencode(tmp_path / "gone.flac")))
    folder = tmp_path / "a.flac"
    folder.mkdir()
    with pytest.raises(Unreadable):
        Essences().digest(Cut(1, 0, 5).path_in(os.fsencode(folder)))
