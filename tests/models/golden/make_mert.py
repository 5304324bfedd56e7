"""Makes mert.npz with transformers' own classes, once; the tests only read it.

python -m tests.models.golden.make_mert
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests.models.checkpoints import make_mert
from tests.models.sounds import piece
from transformers import HubertModel, Wav2Vec2FeatureExtractor

RATE = 24_000


def states(folder: Path) -> torch.Tensor:
    """Of one second of the piece, all states' means over time, (layers + 1, hidden)."""
    extractor = Wav2Vec2FeatureExtractor.from_pretrained(folder)
    heard = extractor(piece(1.0, RATE), sampling_rate=RATE, return_tensors="pt").input_values
    network: Any = HubertModel.from_pretrained(folder, local_files_only=True)
    network.eval()
    with torch.inference_mode():
        output = network(heard, output_hidden_states=True)
    return torch.cat([*output.hidden_states[:-1], output.last_hidden_state]).mean(dim=1)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        small = states(make_mert(Path(folder) / "small"))
        large = states(make_mert(Path(folder) / "large", do_stable_layer_norm=True))
    np.savez(Path(__file__).with_name("mert.npz"), small=small.numpy(), large=large.numpy())


if __name__ == "__main__":
    main()
