"""What the models' own authors' code, or transformers', makes of a window, where it can be imported.

``mert`` and ``clap`` are compared with transformers, which is installed with the models. ``muq`` and ``music2latent``
need the packages of those names; neither is a dependency.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Hears = Callable[[NDArray[np.float32]], NDArray[np.float32]]

MERT_RATE = 24_000
CLAP_RATE = 48_000
MUSIC2LATENT_WINDOW = 441_000
"""Samples: longer sound than this goes through upstream in blocks, as each of Reprise's windows does."""


def mert(folder: Path) -> Hears:
    """The mean of all states over layers and time."""
    import torch
    from transformers import HubertModel, Wav2Vec2FeatureExtractor

    network: Any = HubertModel.from_pretrained(folder, local_files_only=True)
    network.eval()
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder, local_files_only=True)

    def hear(window: NDArray[np.float32]) -> NDArray[np.float32]:
        sound = extractor(window, sampling_rate=MERT_RATE, return_tensors="np").input_values
        with torch.inference_mode():
            heard = network(torch.from_numpy(np.asarray(sound, np.float32)), output_hidden_states=True)
        states = [*heard.hidden_states[:-1], heard.last_hidden_state]
        return np.asarray(np.mean([state[0].mean(dim=0).numpy() for state in states], axis=0), np.float32)

    return hear


def clap(folder: Path) -> Hears:
    """The projected vector at unit length."""
    import torch
    from transformers import ClapFeatureExtractor, ClapModel

    network: Any = ClapModel.from_pretrained(folder, local_files_only=True)
    network.eval()
    extractor = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)

    def hear(window: NDArray[np.float32]) -> NDArray[np.float32]:
        sound = extractor(window, sampling_rate=CLAP_RATE, return_tensors="np")["input_features"]
        with torch.inference_mode():
            heard = network.get_audio_features(input_features=torch.from_numpy(np.asarray(sound, np.float32)))
        vector: NDArray[np.float32] = heard.pooler_output[0].numpy()
        return vector / np.linalg.norm(vector)

    return hear


def muq(folder: Path) -> Hears:
    """The mean of the last hidden state over time."""
    import torch

    package: Any = import_module("muq")  # it has no types
    network = package.MuQ.from_pretrained(str(folder)).eval()

    def hear(window: NDArray[np.float32]) -> NDArray[np.float32]:
        with torch.inference_mode():
            heard = network(torch.from_numpy(window)[None]).last_hidden_state[0].numpy()
        return np.asarray(heard.mean(axis=0), np.float32)

    return hear


def music2latent(folder: Path) -> Hears:
    """The mean of the features before the bottleneck over time."""
    package: Any = import_module("music2latent")
    network = package.EncoderDecoder(load_path_inference=str(folder / "music2latent.pt"))

    def hear(window: NDArray[np.float32]) -> NDArray[np.float32]:
        heard = network.encode(window, max_waveform_length=MUSIC2LATENT_WINDOW, extract_features=True)
        return np.asarray(heard[0].float().cpu().numpy().mean(axis=-1), np.float32)

    return hear


UPSTREAM: Mapping[str, Callable[[Path], Hears]] = {
    "mert": mert,
    "clap": clap,
    "muq": muq,
    "music2latent": music2latent,
}
