"""Tiny checkpoints, each built from its real class and saved in the shape of the published files.

The numbers come from numpy's generator: the golden vectors outlive a change of PyTorch's.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from pathlib import Path

MERT_CONFIG: dict[str, Any] = {
    "model_type": "mert_model",
    "architectures": ["MERTModel"],
    "auto_map": {"AutoConfig": "configuration_MERT.MERTConfig", "AutoModel": "modeling_MERT.MERTModel"},
    "attention_relax": 32.0,
    "conv_bias": False,
    "conv_dim": [16] * 7,
    "conv_kernel": [10, 3, 3, 3, 3, 2, 2],
    "conv_stride": [5, 2, 2, 2, 2, 2, 2],
    "deepnorm": False,
    "do_stable_layer_norm": False,
    "feat_extract_norm": "group",
    "feat_proj_layer_norm": True,
    "feature_extractor_cqt": False,
    "feature_extractor_cqt_bins": 336,
    "hidden_size": 32,
    "intermediate_size": 48,
    "mask_time_prob": 0.65,
    "num_attention_heads": 4,
    "num_conv_pos_embedding_groups": 4,
    "num_conv_pos_embeddings": 16,
    "num_hidden_layers": 3,
    "sample_rate": 24_000,
}
"""MERT's ``config.json`` in small; the 330M sets ``do_stable_layer_norm``."""

MERT_PREPROCESSOR: dict[str, Any] = {
    "do_normalize": True,
    "feature_extractor_type": "Wav2Vec2FeatureExtractor",
    "feature_size": 1,
    "padding_side": "right",
    "padding_value": 0,
    "return_attention_mask": True,
    "sampling_rate": 24_000,
}


def randomise(network: torch.nn.Module, seed: int) -> None:
    """Every parameter and running statistic, the norms' too: what is 1 or 0 hides faults."""
    generator = np.random.default_rng(seed)
    state = network.state_dict()
    for name, tensor in state.items():
        if tensor.is_floating_point():
            numbers = generator.standard_normal(tuple(tensor.shape)).astype(np.float32)
            state[name] = torch.from_numpy(np.asarray(_scaled(name, numbers), np.float32))
    network.load_state_dict(state)


def _scaled(name: str, numbers: np.ndarray[Any, Any]) -> Any:
    if name.endswith(("running_var", "original0")):
        return 0.5 + np.abs(numbers)
    if numbers.ndim > 1:
        return numbers / np.sqrt(numbers[0].size)
    if "norm" in name.lower() and name.endswith("weight"):
        return 1.0 + 0.2 * numbers
    return 0.2 * numbers


def mert_state(config: dict[str, Any], seed: int) -> dict[str, torch.Tensor]:
    """Tensors of a HuBERT of these settings, named as the published ones are."""
    from transformers import HubertConfig, HubertModel

    known = {name: value for name, value in config.items() if name in HubertConfig().to_dict()}
    known.pop("model_type", None)
    network = HubertModel(HubertConfig(**known))
    randomise(network, seed)
    names = {
        ".parametrizations.weight.original0": ".weight_g",
        ".parametrizations.weight.original1": ".weight_v",
    }
    state = {}
    for name, tensor in network.state_dict().items():
        ending = next((new for new in names if name.endswith(new)), "")
        state[name.removesuffix(ending) + names.get(ending, "")] = tensor
    return state


def make_mert(folder: Path, *, seed: int = 11, **settings: Any) -> Path:
    """A folder as the hub's; ``settings`` replace those of ``MERT_CONFIG``."""
    config = MERT_CONFIG | settings
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(json.dumps(MERT_PREPROCESSOR))
    torch.save(mert_state(config, seed), folder / "pytorch_model.bin")
    return folder


CLAP_TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "max_position_embeddings": 34,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "vocab_size": 320,
}
CLAP_AUDIO: dict[str, Any] = {
    "depths": [2, 1, 1, 1],  # the second layer of a stage shifts its windows
    "hidden_size": 64,
    "num_attention_heads": [1, 2, 2, 4],
    "patch_embeds_hidden_size": 8,
}
CLAP_FRONT_END: dict[str, Any] = {
    "frequency_max": 14_000,
    "frequency_min": 50,
    "padding": "repeatpad",
    "truncation": "rand_trunc",
}


def make_clap(folder: Path, *, seed: int = 12, **audio: Any) -> Path:
    """A folder as the hub's, from ``ClapModel.save_pretrained``; ``audio`` replaces settings of ``CLAP_AUDIO``."""
    from safetensors.torch import load_file
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    network = ClapModel(ClapConfig(text_config=CLAP_TEXT, audio_config=CLAP_AUDIO | audio, projection_dim=16))
    randomise(network, seed)
    bands: Any = network.audio_model.audio_encoder.batch_norm
    bands.running_mean.mul_(30.0).sub_(40.0)  # decibels: as of music, or all sound saturates the network
    bands.running_var.mul_(200.0)
    network.save_pretrained(folder)
    ClapFeatureExtractor(**CLAP_FRONT_END).save_pretrained(folder)
    roberta_tokenizer().save(str(folder / "tokenizer.json"))
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    return folder


def roberta_tokenizer() -> Any:
    """Byte pairs learned from a few lines, with RoBERTa's marks of beginning and end."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(
        ["a slow sad piano ballad", "a heavy metal guitar solo", "the sad guitar"], trainer
    )
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def make_music2latent(folder: Path, *, seed: int = 21, levels: tuple[int, ...] = (8, 8, 8, 8, 256)) -> Path:
    """A checkpoint that gives as many features and latents as the published one, in narrow layers.

    As in the published file, the encoder is a part of a generator, and numbers of the training lie beside it.
    """
    from reprise.models.music2latent_encoder import Encoder, Shape

    encoder = Encoder(Shape(levels=levels, bottleneck=16, depth=4, latents=64))
    randomise(encoder, seed)
    generator = {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}
    generator["decoder.conv_inp.weight"] = torch.zeros(16, 64, 1)
    folder.mkdir(parents=True, exist_ok=True)
    saved = {"gen_state_dict": generator, "it": 800_000, "best_fad_score": np.float64(1.176)}
    torch.save(saved, folder / "music2latent.pt")
    return folder


TEXT_SPECIALS = ["<s>", "<pad>", "</s>", "<unk>"]
TEXT_WORDS = (
    "a and bass black blast calm cello dark drums fast guitar heavy loud metal passage piano query quiet slow sung the"
    " warm with : . ,"
)


def _text_tokenizer(*, ends_only: bool) -> Any:
    """Words to ids, with specials around them, or (as Qwen3 Embedding has it) an end alone."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    vocabulary = {word: number for number, word in enumerate([*TEXT_SPECIALS, *TEXT_WORDS.split()])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    single = "$A </s>" if ends_only else "<s> $A </s>"
    tokenizer.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def text_network(kind: str, seed: int) -> Any:
    """``bert``, ``xlm-roberta``, ``qwen3``, or ``bert-with-head`` as a masked language model is saved."""
    from transformers import (
        BertConfig,
        BertForMaskedLM,
        BertModel,
        Qwen3Config,
        Qwen3Model,
        XLMRobertaConfig,
        XLMRobertaModel,
    )

    small: dict[str, Any] = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 48,
    }
    small |= {"vocab_size": 40, "pad_token_id": 1}
    qwen3: Any = Qwen3Model
    networks: dict[str, Any] = {
        "bert": lambda: BertModel(BertConfig(max_position_embeddings=24, **small)),
        "bert-with-head": lambda: BertForMaskedLM(BertConfig(max_position_embeddings=24, **small)),
        "xlm-roberta": lambda: XLMRobertaModel(XLMRobertaConfig(max_position_embeddings=26, **small)),
        "qwen3": lambda: qwen3(
            Qwen3Config(max_position_embeddings=24, num_key_value_heads=2, head_dim=8, **small)
        ),
    }
    network = networks[kind]()
    randomise(network, seed)
    return network


def make_text_model(
    folder: Path, *, kind: str = "bert", pooling: str = "mean_tokens", seed: int = 31
) -> Path:
    """A folder in the layout of sentence-transformers, saved by ``save_pretrained``."""
    from transformers import PreTrainedTokenizerFast

    text_network(kind, seed).save_pretrained(folder)
    wrapped: Any = PreTrainedTokenizerFast
    wrapped(
        tokenizer_object=_text_tokenizer(ends_only=kind == "qwen3"),
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        padding_side="left" if kind == "qwen3" else "right",
        model_max_length=24,
    ).save_pretrained(folder)
    modes = (
        "cls_token",
        "mean_tokens",
        "max_tokens",
        "mean_sqrt_len_tokens",
        "weightedmean_tokens",
        "lasttoken",
    )
    settings: dict[str, Any] = {"word_embedding_dimension": 32, "include_prompt": True}
    (folder / "1_Pooling").mkdir()
    settings |= {f"pooling_mode_{mode}": mode == pooling for mode in modes}
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(settings))
    return folder
