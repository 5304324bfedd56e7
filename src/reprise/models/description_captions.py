"""Captions of tracks from a server that speaks the chat completions of OpenAI and listens."""

from __future__ import annotations

import base64
import io
import wave
from typing import TYPE_CHECKING, Any

from reprise.models.endpoint import Endpoint, written

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from reprise.models.endpoint import Patience

PROMPT = (
    "Describe this music for somebody who searches a music library by words, in one paragraph of at most 150 words. "
    "Say what you hear of: genre, tempo, key, instruments, voice and what it sings about, rhythm, production, mood, "
    "and the occasion it suits. Do not guess artist or title, and do not mention that this is an excerpt."
)

PROMPT_VERSION = 1
"""Raised with every change of the prompt or of how the sound is sent: captions of two prompts do not compare."""

MOST_TOKENS = 512

MOST_CHARACTERS = 4096


class Captioner:
    """Asks one server.

    Raises ``ModelLoadFailed`` for an address that is none, a key that no header takes, or when no model is named.
    """

    def __init__(self, endpoint: str, model: str, key: str, patience: Patience) -> None:
        self._endpoint = Endpoint(endpoint, model, key, patience)

    def caption(self, samples: NDArray[np.float32], sample_rate: int) -> str:
        """What the server says of mono ``samples``, shape (n,), nominal range -1 to 1.

        Raises ``EndpointFailed``, and ``EndpointLost`` when no other track would fare better.
        """
        return self._endpoint.ask(request(wav_bytes(samples, sample_rate)), caption_of)


def wav_bytes(samples: NDArray[np.float32], sample_rate: int) -> bytes:
    """A mono WAV file of 16 bits."""
    import numpy as np

    whole = np.round(np.clip(samples, -1.0, 1.0) * 32_767.0).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(sample_rate)
        writer.writeframes(whole.tobytes())
    return file.getvalue()


def request(wav: bytes) -> dict[str, Any]:
    """Prompt and sound as OpenAI's reference of ``/v1/chat/completions`` describes them, answered without chance."""
    sound = {"data": base64.b64encode(wav).decode("ascii"), "format": "wav"}
    content = [{"type": "text", "text": PROMPT}, {"type": "input_audio", "input_audio": sound}]
    return {
        "messages": [{"role": "user", "content": content}],
        "temperature": 0,
        "max_tokens": MOST_TOKENS,
    }


def caption_of(answer: bytes) -> str:
    """The text of a chat completion, as long as one may be. Raises ``EndpointFailed``."""
    return written(answer)[:MOST_CHARACTERS]
