"""Makes ``muq.npz`` and ``muq_mulan.npz``: what the published code gives for the tiny checkpoints of ``muq_checkpoints.py``.

The checkpoints' tensors are loaded into the published classes strictly, so that their names and shapes are the
published ones. Needs an environment with PyTorch, ``transformers`` below 5.16, ``einops`` and ``easydict``, and the
unpacked sources of ``muq`` 0.1.0 and of any ``torchaudio`` 2:

    python tests/models/golden/make_muq.py MUQ/src TORCHAUDIO

torchaudio's compiled part is left out: its mel spectrogram and decibels are Python. ``x_clip`` is left out: MuQ-MuLan
imports its tokenizer for a class that it never makes. ``from_pretrained`` gives the tiny networks instead of asking
the model hub.
"""

from __future__ import annotations

import dataclasses
import importlib
import sys
import tempfile
import types
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[2]))

from tests.models import muq_checkpoints as checkpoints  # noqa: E402

SAMPLES = 26_500
"""110 whole spectra and 28 frames, of which the last one is not full."""

TEXTS = ("a slow sad piano ballad", "heavy metal guitar solo.", "悲伤的钢琴曲", "")


def main() -> None:
    muq = import_muq(Path(sys.argv[1]), Path(sys.argv[2]))
    np.savez_compressed(HERE / "muq.npz", **muq_golden(muq))
    with tempfile.TemporaryDirectory() as folder:
        np.savez_compressed(HERE / "muq_mulan.npz", **mulan_golden(muq, Path(folder)))


def import_muq(source: Path, torchaudio: Path) -> Any:
    import transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer  # before a torchaudio can be found

    extension = types.ModuleType("torchaudio._extension")
    extension.__dict__.update(
        fail_if_no_align=lambda function: function,
        lazy_import_sox_ext=lambda: None,
        _IS_TORCHAUDIO_EXT_AVAILABLE=False,
        _IS_RIR_AVAILABLE=False,
        _IS_ALIGN_AVAILABLE=False,
    )
    package = types.ModuleType("torchaudio")
    package.__path__ = [str(torchaudio / "torchaudio")]
    tokenizer = types.ModuleType("x_clip.tokenizer")
    tokenizer.__dict__["tokenizer"] = types.SimpleNamespace(vocab_size=1)
    sys.modules |= {
        "torchaudio": package,
        "torchaudio._extension": extension,
        "x_clip": types.ModuleType("x_clip"),
        "x_clip.tokenizer": tokenizer,
    }
    package.__dict__["transforms"] = importlib.import_module("torchaudio.transforms")
    sys.path.insert(0, str(source))
    muq = importlib.import_module("muq")
    print("transformers", transformers.__version__)
    return muq


def tiny_muq(muq: Any) -> Any:
    known = {field.name for field in dataclasses.fields(muq.MuQConfig)}
    config = checkpoints.MUQ_CONFIG
    return muq.MuQ(muq.MuQConfig(**{name: value for name, value in config.items() if name in known})).eval()


def muq_golden(muq: Any) -> dict[str, Any]:
    import torch

    network = tiny_muq(muq)
    network.load_state_dict(
        checkpoints.drawn(checkpoints.muq_layout(checkpoints.MUQ_CONFIG), 13), strict=True
    )
    waveforms = np.stack([checkpoints.fading_tones(SAMPLES, seed) for seed in (1, 2)])
    with torch.no_grad():
        mel = network.model.normalize(
            network.model.preprocessing(torch.from_numpy(waveforms), ["melspec_2048"])
        )
        output = network(torch.from_numpy(waveforms), output_hidden_states=True)
    assert torch.equal(output.hidden_states[-1], output.last_hidden_state)
    return {
        "waveforms": waveforms,
        "mel": mel["melspec_2048"].numpy(),
        "layers": np.stack([layer.numpy() for layer in output.hidden_states]),
    }


def mulan_golden(muq: Any, folder: Path) -> dict[str, Any]:
    import torch
    import transformers

    text = importlib.import_module("muq.muq_mulan.models.text")

    checkpoints.make_mulan(folder)
    tokenizer = transformers.PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_file=str(folder / "xlm-roberta-base/tokenizer.json"), pad_token="<pad>"
    )
    roberta = transformers.XLMRobertaModel(transformers.XLMRobertaConfig(**checkpoints.ROBERTA_CONFIG))
    with (
        mock.patch.object(muq.MuQ, "from_pretrained", return_value=tiny_muq(muq)),
        mock.patch.object(text.XLMRobertaModel, "from_pretrained", return_value=roberta),
        mock.patch.object(text.AutoTokenizer, "from_pretrained", return_value=tokenizer),
    ):
        network = muq.MuQMuLan(checkpoints.MULAN_CONFIG).eval()
        network.load_state_dict(torch.load(folder / "pytorch_model.bin", weights_only=True), strict=True)
        track = checkpoints.fading_tones(25 * 24_000, 3)  # two clips and a half
        with torch.no_grad():
            clips = network.mulan.get_audio_latents(network._get_all_clips(torch.from_numpy(track)))
            whole = network(wavs=torch.from_numpy(track)[None])[0]
            short = network(wavs=torch.from_numpy(track[: 7 * 24_000])[None])[0]
            read = torch.stack([network(texts=[each])[0] for each in TEXTS])
    tokens = [tokenizer(each)["input_ids"] for each in TEXTS]
    return {
        "clips": clips.numpy(),
        "track": whole.numpy(),
        "short": short.numpy(),
        "read": read.numpy(),
        "tokens": np.array([each + [-1] * (32 - len(each)) for each in tokens]),
    }


if __name__ == "__main__":
    main()
