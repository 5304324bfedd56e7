"""Makes clap.npz with transformers' own classes, once; the tests only read it.

python -m tests.models.golden.make_clap
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests.models.checkpoints import make_clap
from tests.models.sounds import piece
from transformers import ClapFeatureExtractor, ClapModel, PreTrainedTokenizerFast

RATE = 48_000
TEXT = "the sad guitar"


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = make_clap(Path(place) / "clap")
        network: Any = ClapModel.from_pretrained(folder, local_files_only=True)
        network.eval()
        extractor = ClapFeatureExtractor.from_pretrained(folder)
        tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
            tokenizer_file=str(folder / "tokenizer.json"), pad_token="<pad>"
        )
        heard = extractor(piece(10.0, RATE), sampling_rate=RATE, return_tensors="pt")
        read = tokenizer([TEXT], return_tensors="pt")
        with torch.inference_mode():
            audio = network.get_audio_features(**heard).pooler_output[0]
            text = network.get_text_features(read.input_ids, read.attention_mask).pooler_output[0]
    np.savez(Path(__file__).with_name("clap.npz"), audio=audio.numpy(), text=text.numpy())


if __name__ == "__main__":
    main()
