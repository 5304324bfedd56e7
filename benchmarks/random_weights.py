"""Checkpoints of the published sizes with random weights, in the published formats: ``python -m benchmarks.random_weights FOLDER``.

How long a network takes and how much memory it needs does not depend on what its numbers mean. So speed can be measured
where no model hub can be reached, by the product's own path: give the folder as ``REPRISE_WEIGHTS``.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch

SEED = 20_261_121

PUBLISHED, TINY = "published", "tiny"
"""Sizes: as on the model hub, and a network that takes no time, for tests."""

MEL_MEAN, MEL_DEVIATION = 6.768444971712967, 18.417922652295623
"""Decibels over MuQ's training data, as its ``config.json`` says."""

MUQ = {
    PUBLISHED: {"dim": 1024, "depth": 12, "heads": 16, "inner": 4096, "channels": 512, "kernel": 31},
    TINY: {"dim": 64, "depth": 2, "heads": 4, "inner": 96, "channels": 16, "kernel": 7},
}
MERT_SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "conv_dim": [16] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
MERT: dict[str, dict[str, Any]] = {
    PUBLISHED: {
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_attention_heads": 12,
        "num_hidden_layers": 12,
        "conv_dim": [512] * 7,
    },
    TINY: MERT_SMALL,
}
DEEPER = {"do_stable_layer_norm": True, "feat_extract_norm": "layer"}
MERT_330M: dict[str, dict[str, Any]] = {
    PUBLISHED: {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_hidden_layers": 24,
        "conv_dim": [512] * 7,
        **DEEPER,
    },
    TINY: MERT_SMALL | DEEPER,
}
MERT_ALWAYS: dict[str, Any] = {
    "model_type": "mert_model",
    "conv_bias": False,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "deepnorm": False,
    "do_stable_layer_norm": False,
    "feat_extract_norm": "group",
    "feat_proj_layer_norm": True,
    "feature_extractor_cqt": False,
}
MERTS_OWN = {"model_type", "deepnorm", "feature_extractor_cqt"}
"""Settings that HuBERT does not know."""

OLD_NAMES = {
    ".parametrizations.weight.original0": ".weight_g",
    ".parametrizations.weight.original1": ".weight_v",
}
"""How the published file names the two parts of a normalised weight."""

CLAP_AUDIO: dict[str, dict[str, Any]] = {
    PUBLISHED: {
        "depths": [2, 2, 12, 2],
        "hidden_size": 1024,
        "num_attention_heads": [4, 8, 16, 32],
        "patch_embeds_hidden_size": 128,
    },
    TINY: {
        "depths": [1, 1, 1, 1],
        "hidden_size": 64,
        "num_attention_heads": [1, 2, 2, 4],
        "patch_embeds_hidden_size": 8,
    },
}
CLAP_TEXT: dict[str, dict[str, Any]] = {
    PUBLISHED: {},  # transformers' defaults are those of the published tower
    TINY: {
        "hidden_size": 32,
        "intermediate_size": 48,
        "max_position_embeddings": 34,
        "num_attention_heads": 4,
        "num_hidden_layers": 2,
        "vocab_size": 320,
    },
}
CLAP_FRONT_END: dict[str, Any] = {
    "frequency_max": 14_000,
    "frequency_min": 50,
    "padding": "repeatpad",
    "truncation": "rand_trunc",
}
MUSIC2LATENT: dict[str, dict[str, Any]] = {
    PUBLISHED: {"levels": (64, 128, 256, 256, 256), "bottleneck": 512, "depth": 4, "latents": 64},
    TINY: {"levels": (8, 8, 8, 8, 256), "bottleneck": 16, "depth": 4, "latents": 64},
}
REST_OF_AUTOENCODER = {PUBLISHED: 41_900_000, TINY: 1_000}
"""Parameters that lie in Music2Latent's file beside the encoder's and are read past."""


def make(name: str, weights: Path, size: str = PUBLISHED) -> Path:
    """One model's folder under ``weights``: written when it is not there, and never touched when it is.

    Raises ``KeyError`` for a name that :data:`MAKERS` does not hold.
    """
    folder = weights / name
    if folder.exists():
        return folder
    draft = weights / f".{name}.part"
    draft.mkdir(parents=True, exist_ok=True)
    MAKERS[name](draft, size)
    return draft.rename(folder)


def randomise(network: torch.nn.Module) -> None:
    """Every parameter and running statistic, so that sound stays of the same strength from layer to layer."""
    import torch

    generator = torch.Generator().manual_seed(SEED)
    with torch.no_grad():
        for name, tensor in network.state_dict(keep_vars=True).items():
            if tensor.is_floating_point():
                _roll(name, tensor, generator)


def _roll(name: str, tensor: torch.Tensor, generator: torch.Generator) -> None:
    if name.endswith(("running_var", "original0")):
        tensor.normal_(generator=generator).abs_().add_(0.5)
    elif tensor.ndim > 1:
        tensor.normal_(0.0, 1.0 / math.sqrt(tensor[0].numel()), generator=generator)
    elif "norm" in name.lower() and name.endswith("weight"):
        tensor.normal_(1.0, 0.2, generator=generator)
    else:
        tensor.normal_(0.0, 0.2, generator=generator)


def make_muq(folder: Path, size: str) -> None:
    """``config.json`` and ``model.safetensors`` with the published names."""
    from safetensors.torch import save_file

    from reprise.models.muq_encoder import Encoder, Shape

    chosen = MUQ[size]
    config = {
        "label_rate": 25,
        "hop_length": 240,
        "n_mels": 128,
        "encoder_dim": chosen["dim"],
        "encoder_depth": chosen["depth"],
        "conv_dim": chosen["channels"],
        "stat": {"melspec_2048_mean": MEL_MEAN, "melspec_2048_std": MEL_DEVIATION},
        "w2v2_config": {
            "num_attention_heads": chosen["heads"],
            "intermediate_size": chosen["inner"],
            "conv_depthwise_kernel_size": chosen["kernel"],
            "hidden_act": "swish",
            "layer_norm_eps": 1e-5,
            "position_embeddings_type": "rotary",
        },
    }
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    encoder = Encoder(Shape.of(config, path))
    randomise(encoder)
    state = {f"model.{name}": tensor.contiguous() for name, tensor in encoder.state_dict().items()}
    save_file(state, folder / "model.safetensors")


def make_mert(folder: Path, size: str) -> None:
    """MERT-v1-95M."""
    _make_hubert(folder, MERT_ALWAYS | MERT[size])


def make_mert_330m(folder: Path, size: str) -> None:
    """MERT-v1-330M."""
    _make_hubert(folder, MERT_ALWAYS | MERT_330M[size])


def _make_hubert(folder: Path, config: Mapping[str, Any]) -> None:
    """``config.json``, ``preprocessor_config.json`` and ``pytorch_model.bin`` with the names of an older PyTorch."""
    import torch
    from transformers import HubertConfig, HubertModel

    network = HubertModel(HubertConfig(**{name: config[name] for name in config if name not in MERTS_OWN}))
    randomise(network)
    state = {}
    for name, tensor in network.state_dict().items():
        ending = next((new for new in OLD_NAMES if name.endswith(new)), "")
        state[name.removesuffix(ending) + OLD_NAMES.get(ending, "")] = tensor
    (folder / "config.json").write_text(json.dumps(dict(config)))
    front_end = {"do_normalize": True, "feature_size": 1, "sampling_rate": 24_000}
    (folder / "preprocessor_config.json").write_text(json.dumps(front_end))
    torch.save(state, folder / "pytorch_model.bin")


def make_clap(folder: Path, size: str) -> None:
    """What ``ClapModel.save_pretrained`` writes, in the published file's older format, with a tokenizer."""
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    width = {PUBLISHED: 512, TINY: 16}[size]
    network = ClapModel(
        ClapConfig(text_config=CLAP_TEXT[size], audio_config=CLAP_AUDIO[size], projection_dim=width)
    )
    randomise(network)
    bands: Any = network.audio_model.audio_encoder.batch_norm
    with torch.no_grad():  # decibels, as of music, or all sound saturates the network
        bands.running_mean.mul_(30.0).sub_(40.0)
        bands.running_var.mul_(200.0)
    network.config.save_pretrained(folder)
    ClapFeatureExtractor(**CLAP_FRONT_END).save_pretrained(folder)
    _byte_tokenizer().save(str(folder / "tokenizer.json"))
    torch.save(network.state_dict(), folder / "pytorch_model.bin")


def _byte_tokenizer() -> Any:
    """RoBERTa's marks around bytes that nothing has joined into words."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    marks = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {word: number for number, word in enumerate([*marks, *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def make_music2latent(folder: Path, size: str) -> None:
    """A checkpoint of the training, of which the encoder is a part."""
    import torch

    from reprise.models.music2latent_encoder import Encoder, Shape

    encoder = Encoder(Shape(**MUSIC2LATENT[size]))
    randomise(encoder)
    generator = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
    generator["decoder.rest"] = torch.zeros(REST_OF_AUTOENCODER[size])
    torch.save({"gen_state_dict": generator, "it": 800_000}, folder / "music2latent.pt")


MAKERS: Mapping[str, Callable[[Path, str], None]] = {
    "muq": make_muq,
    "mert": make_mert,
    "mert-330m": make_mert_330m,
    "clap": make_clap,
    "music2latent": make_music2latent,
}
"""By the name of the folder, which is the model's."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=Path, help="for REPRISE_WEIGHTS")
    parser.add_argument("--model", action="append", choices=list(MAKERS), help="all of them if not given")
    parser.add_argument("--tiny", action="store_true", help="networks that take no time, for tests")
    options = parser.parse_args(arguments)
    for name in options.model or MAKERS:
        print(make(name, options.folder, TINY if options.tiny else PUBLISHED), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
