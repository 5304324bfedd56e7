"""Whisper, by faster-whisper: what is said in a sound of any length, in constant memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reprise.core.speech_quality import Heard, speech
from reprise.core.video import TextSource, Transcript
from reprise.errors import ExtraMissing, ModelLoadFailed, WeightsRefused
from reprise.threads import cores

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from reprise.core.choices import ModelChoices
    from reprise.core.ports import Audio

SAMPLE_RATE = 16_000

BEAM = 5
"""Sentences that are followed at once while one is written."""

PIECE = 20 * 60 * SAMPLE_RATE
"""Samples that are heard at once, at most: 77 MB. Longer sound is cut where it is quietest near the end of a piece."""

CUT_WITHIN = 30 * SAMPLE_RATE
"""The last samples of a piece, within which it is cut."""

_QUIET = SAMPLE_RATE // 2
"""Samples over which quiet is measured."""

_OWN_CODES = {"jw": "jv", "yue": "zh", "haw": ""}
"""What Whisper calls languages that ISO 639-1 calls otherwise, or not at all."""

_AUTO = {"cuda": ("float16", "float32"), "cpu": ("int8", "float32")}
"""Precisions by device, the one to take first; what the hardware cannot do is passed over."""


class Recogniser:
    """A loaded model.

    Raises ``ExtraMissing``, ``WeightsRefused`` for a folder that holds no Whisper, and ``ModelLoadFailed`` for a device
    or a precision that is not there.
    """

    def __init__(self, folder: Path, choices: ModelChoices) -> None:
        faster_whisper = _import()
        device, index = _device(choices.device)
        precision = _precision(choices.precision, device)
        try:
            self._model = faster_whisper.WhisperModel(
                str(folder),
                device=device,
                device_index=index,
                compute_type=precision,
                cpu_threads=cores(),  # there is one such process
                local_files_only=True,
            )
        except Exception as error:  # the readers of its files raise nothing narrower
            reason = str(error).partition("\n")[0]
            raise WeightsRefused(
                f"{folder} holds no Whisper of CTranslate2 that {device} can run: {reason}"
            ) from error
        self.placement = f"{device}, {precision}"

    def transcript(self, audio: Audio) -> Transcript:
        """What is said in mono sound of 16 kHz; without segments when it is not believed to be speech.

        The language is that of the first words. Raises ``ItemError`` kinds of the sound.
        """
        import ctranslate2

        ctranslate2.set_random_seed(0)  # where it is unsure it throws dice: each time the same
        heard: list[Heard] = []
        language = ""
        for start, samples in pieces(audio):
            found, facts = self._model.transcribe(
                samples,
                language=language or None,
                beam_size=BEAM,
                vad_filter=True,
                condition_on_previous_text=False,  # else one mistake is repeated to the end
            )
            heard += [
                Heard(start + one.start, start + one.end, one.text, one.no_speech_prob) for one in found
            ]
            language = language or (facts.language if heard else "")
        segments = speech(heard)
        return Transcript(TextSource.HEARD, segments, _OWN_CODES.get(language, language) if segments else "")


def pieces(
    audio: Audio, longest: int = PIECE, within: int = CUT_WITHIN
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """The sound in pieces of at most ``longest`` samples, each with its start in seconds.

    A piece ends where half a second is quietest among its last ``within`` samples.
    """
    import numpy as np

    start, waiting, length = 0, [np.zeros(0, np.float32)], 0
    for block in audio.blocks():
        waiting.append(block)
        length += len(block)
        while length >= longest:
            whole = np.concatenate(waiting)
            cut = longest - within + quietest(whole[longest - within : longest])
            yield start / audio.sample_rate, whole[:cut]
            start, waiting, length = start + cut, [whole[cut:]], length - cut
    if length:
        yield start / audio.sample_rate, np.concatenate(waiting)


def quietest(samples: NDArray[np.float32]) -> int:
    """The middle of the quietest half second, in samples from the start; there is at least one half second."""
    import numpy as np

    count = len(samples) // _QUIET
    powers = np.square(samples[: count * _QUIET]).reshape(count, _QUIET).mean(axis=1)
    return int(np.argmin(powers)) * _QUIET + _QUIET // 2


def _import() -> Any:
    try:
        import faster_whisper
    except ImportError as error:
        cure = "install it with: pip install 'reprise[transcripts]'"
        raise ExtraMissing(f"hearing speech needs faster-whisper ({error})", cure=cure) from error
    return faster_whisper


def _device(chosen: str) -> tuple[str, int]:
    """The kind of device and its number; ``mps``, which CTranslate2 does not know, is the processor."""
    import ctranslate2

    there = ctranslate2.get_cuda_device_count()
    if chosen == "auto":
        return ("cuda", 0) if there else ("cpu", 0)
    kind, _, number = chosen.partition(":")
    if kind != "cuda":
        return "cpu", 0
    if int(number or 0) >= there:
        raise ModelLoadFailed(
            f"the setting device is {chosen}, and CTranslate2 finds {there} of them",
            cure="set device to auto",
        )
    return "cuda", int(number or 0)


def _precision(chosen: str, device: str) -> str:
    import ctranslate2

    possible = ctranslate2.get_supported_compute_types(device)
    wanted = _AUTO[device] if chosen == "auto" else (chosen,)
    found = next((name for name in wanted if name in possible), "")
    if not found:
        raise ModelLoadFailed(
            f"{device} does not compute with {chosen} here; it does with {', '.join(sorted(possible))}",
            cure="set precision to auto",
        )
    return found
