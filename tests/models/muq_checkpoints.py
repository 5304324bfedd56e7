"""Tiny checkpoints of MuQ and MuQ-MuLan in the shape of the published files.

Written down name by name rather than taken from our own network: the published classes load them strictly
(``golden/make_muq.py``), and at its published size MuQ's has to the byte the published file's length.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

MUQ_CONFIG: dict[str, Any] = {
    "codebook_dim": 16,
    "codebook_size": 48,
    "conv_dim": 16,
    "encoder_depth": 3,
    "encoder_dim": 64,
    "features": ["melspec_2048"],
    "hop_length": 240,
    "is_flash": False,
    "label_rate": 25,
    "mask_hop": 0.4,
    "mask_prob": 0.6,
    "n_mels": 128,
    "num_codebooks": 1,
    "rvq_n_codebooks": 1,
    "stat": {
        "melspec_2048_cnt": 14282760192,
        "melspec_2048_mean": 6.768444971712967,
        "melspec_2048_std": 18.417922652295623,
    },
    "use_rvq_target": True,
    "w2v2_config": {
        "activation_dropout": 0.1,
        "attention_dropout": 0.1,
        "conformer_conv_dropout": 0.1,
        "conv_depthwise_kernel_size": 31,
        "feat_extract_activation": "gelu",
        "hidden_act": "swish",
        "hidden_dropout": 0.1,
        "hidden_size": 1024,
        "intermediate_size": 96,
        "layer_norm_eps": 1e-5,
        "layerdrop": 0.0,
        "num_attention_heads": 4,
        "num_conv_pos_embedding_groups": 4,
        "num_conv_pos_embeddings": 16,
        "num_hidden_layers": 24,
        "position_embeddings_type": "rotary",
        "rotary_embedding_base": 10000,
    },
}
"""MuQ's ``config.json`` in small. As published, the conformer's own depth and width are overruled by the encoder's."""

MUQ_PUBLISHED: dict[str, Any] = MUQ_CONFIG | {
    "codebook_size": 8192,
    "conv_dim": 512,
    "encoder_depth": 12,
    "encoder_dim": 1024,
    "rvq_n_codebooks": 8,
    "w2v2_config": MUQ_CONFIG["w2v2_config"]
    | {
        "intermediate_size": 4096,
        "num_attention_heads": 16,
        "num_conv_pos_embedding_groups": 16,
        "num_conv_pos_embeddings": 128,
    },
}
"""At its published size."""

Layout = dict[str, tuple[int, ...]]
"""Shapes of tensors by their names."""


def muq_layout(config: dict[str, Any]) -> Layout:
    """What lies in MuQ's ``model.safetensors``, the parts included that only its training needs."""
    dim, channels, conformer = config["encoder_dim"], config["conv_dim"], config["w2v2_config"]
    layout: Layout = {"cls_token": (dim,)}
    for index in range(config["rvq_n_codebooks"]):
        layout |= _under(f"rvq.quantizers.{index}", {"stale_counter": (1024,), "codebook.weight": (1024, 16)})
        for name, shape in {"in_proj": (16, 512, 1), "out_proj": (512, 16, 1)}.items():
            parts: Layout = {"bias": shape[:1], "weight_g": (shape[0], 1, 1), "weight_v": shape}
            layout |= _under(f"rvq.quantizers.{index}.{name}", parts)
    for block, before in enumerate((1, channels)):
        for place, inputs in ((1, before), (2, channels), (3, before)):
            layout |= _under(
                f"conv.conv.{block}.conv{place}", {"weight": (channels, inputs, 3, 3), "bias": (channels,)}
            )
            layout |= _under(f"conv.conv.{block}.bn{place}", _batch_norm(channels))
    layout |= _under("conv.linear", _dense(32 * channels, dim))
    layout |= _under("linear", _dense(dim, config["codebook_size"]))
    layout |= _under("conformer", _conformer(dim, config["encoder_depth"], conformer))
    return _under("model", layout)


def _conformer(dim: int, depth: int, settings: dict[str, Any]) -> Layout:
    inner, kernel = settings["intermediate_size"], settings["conv_depthwise_kernel_size"]
    positions, groups = settings["num_conv_pos_embeddings"], settings["num_conv_pos_embedding_groups"]
    layout: Layout = {
        "embed_positions.inv_freq": (dim // settings["num_attention_heads"] // 2,),
        "pos_conv_embed.conv.bias": (dim,),
        "pos_conv_embed.conv.parametrizations.weight.original0": (1, 1, positions),
        "pos_conv_embed.conv.parametrizations.weight.original1": (dim, dim // groups, positions),
        **_under("layer_norm", _norm(dim)),
    }
    for index in range(depth):
        layer: Layout = {}
        for name in ("ffn1_layer_norm", "self_attn_layer_norm", "ffn2_layer_norm", "final_layer_norm"):
            layer |= _under(name, _norm(dim))
        for name in ("ffn1", "ffn2"):
            layer |= _under(f"{name}.intermediate_dense", _dense(dim, inner))
            layer |= _under(f"{name}.output_dense", _dense(inner, dim))
        for name in ("q", "k", "v", "out"):
            layer |= _under(f"self_attn.linear_{name}", _dense(dim, dim))
        layer |= _under("conv_module.layer_norm", _norm(dim)) | _under(
            "conv_module.batch_norm", _batch_norm(dim)
        )
        layer["conv_module.pointwise_conv1.weight"] = (2 * dim, dim, 1)
        layer["conv_module.depthwise_conv.weight"] = (dim, 1, kernel)
        layer["conv_module.pointwise_conv2.weight"] = (dim, dim, 1)
        layout |= _under(f"layers.{index}", layer)
    return layout


def _under(prefix: str, layout: Layout) -> Layout:
    return {f"{prefix}.{name}": shape for name, shape in layout.items()}


def _dense(before: int, after: int) -> Layout:
    return {"weight": (after, before), "bias": (after,)}


def _norm(dim: int) -> Layout:
    return {"weight": (dim,), "bias": (dim,)}


def _batch_norm(dim: int) -> Layout:
    return {**_norm(dim), "running_mean": (dim,), "running_var": (dim,), "num_batches_tracked": ()}


def drawn(layout: Layout, seed: int) -> dict[str, torch.Tensor]:
    """Numbers for a layout, from numpy's generator in the order of the names."""
    generator = np.random.default_rng(seed)
    return {name: torch.from_numpy(_drawn(name, layout[name], generator)) for name in sorted(layout)}


def _drawn(name: str, shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[Any]:
    if name.endswith("num_batches_tracked"):
        return np.array(100)
    if name.endswith("inv_freq"):
        return (10_000.0 ** -(np.arange(shape[0]) / shape[0])).astype(np.float32)
    numbers: NDArray[Any] = generator.standard_normal(shape)
    if name.endswith("running_var"):
        numbers = 0.5 + np.abs(numbers)
    elif name.endswith("bias") or "running_mean" in name:
        numbers = 0.2 * numbers
    elif len(shape) > 1:
        numbers = numbers / np.sqrt(np.prod(shape[1:]))
    else:
        numbers = 1.0 + 0.2 * numbers  # weights of norms: what is 1 hides faults
    return np.asarray(numbers, np.float32)


def make_muq(folder: Path, *, seed: int = 13, **settings: Any) -> Path:
    """A folder as the hub's; ``settings`` replace those of ``MUQ_CONFIG``."""
    from safetensors.torch import save_file

    config = MUQ_CONFIG | settings
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    save_file(drawn(muq_layout(config), seed), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


MULAN_CONFIG: dict[str, Any] = {
    "mulan": {
        "sr": 24_000,
        "clip_secs": 10,
        "dim_latent": 24,
        "decoupled_contrastive_learning": True,
        "rank_contrast": True,
    },
    "audio_model": {"name": "OpenMuQ/MuQ-large-msd-iter", "model_dim": 64, "use_layer_idx": -1},
    "text_model": {"name": "xlm-roberta-base", "model_dim": 32, "use_layer_idx": -1},
    "audio_transformer": {"dim": 40, "tf_depth": 2, "heads": 3, "dim_head": 16, "ff_mult": 4},
    "text_transformer": {
        "dim": 40,
        "tf_depth": 2,
        "heads": 3,
        "dim_head": 16,
        "max_seq_len": 1024,
        "ff_mult": 4,
    },
}
"""MuQ-MuLan's ``config.json`` in small, with the names that its code reads."""

ROBERTA_CONFIG: dict[str, Any] = {
    "architectures": ["XLMRobertaForMaskedLM"],
    "attention_probs_dropout_prob": 0.1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 32,
    "initializer_range": 0.02,
    "intermediate_size": 48,
    "layer_norm_eps": 1e-05,
    "max_position_embeddings": 40,
    "model_type": "xlm-roberta",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "output_past": True,
    "pad_token_id": 1,
    "position_embedding_type": "absolute",
    "type_vocab_size": 1,
    "vocab_size": 120,
}
"""``config.json`` of xlm-roberta-base in small."""


def mulan_layout(config: dict[str, Any], muq: dict[str, Any], roberta: dict[str, Any]) -> Layout:
    """What lies in MuQ-MuLan's ``pytorch_model.bin``, the parts included that only its training needs."""
    layout: Layout = {
        "contrast.temperatures": (1, 1, 1),
        "audio.aggregator.weight": (1, 25, 1),
        "audio.aggregator.bias": (1,),
    }
    layout |= _under("audio.model", muq_layout(muq)) | _under("text.model", _roberta(roberta))
    for tower in ("audio", "text"):
        dim, width = config[f"{tower}_transformer"]["dim"], config[f"{tower}_model"]["model_dim"]
        layout |= _under(f"{tower}_to_latents", _dense(dim, config["mulan"]["dim_latent"]))
        layout |= _under(f"{tower}.transformer", _transformer(config[f"{tower}_transformer"]))
        if tower == "audio" or width not in {None, dim}:
            layout |= _under(f"{tower}.proj", _dense(width, dim))
    return _under("mulan", layout)


def _transformer(settings: dict[str, Any]) -> Layout:
    dim, within = settings["dim"], settings["heads"] * settings["dim_head"]
    inner = int(dim * settings["ff_mult"] * 2 / 3)
    layer: Layout = {
        "0.norm.learned_gamma": (dim,),
        "0.q_scale": (settings["dim_head"],),
        "0.k_scale": (settings["dim_head"],),
        "0.to_q.weight": (within, dim),
        "0.to_kv.weight": (2 * within, dim),
        "0.to_out.0.weight": (dim, within),
        "1.0.learned_gamma": (dim,),
        "1.1.weight": (2 * inner, dim),
        "1.4.weight": (dim, inner),
    }
    return {
        f"layers.{index}.{name}": shape
        for index in range(settings["tf_depth"])
        for name, shape in layer.items()
    }


def _roberta(settings: dict[str, Any]) -> Layout:
    dim, inner = settings["hidden_size"], settings["intermediate_size"]
    layout: Layout = {
        "embeddings.word_embeddings.weight": (settings["vocab_size"], dim),
        "embeddings.position_embeddings.weight": (settings["max_position_embeddings"], dim),
        "embeddings.token_type_embeddings.weight": (settings["type_vocab_size"], dim),
        **_under("embeddings.LayerNorm", _norm(dim)),
        **_under("pooler.dense", _dense(dim, dim)),
    }
    for index in range(settings["num_hidden_layers"]):
        layer: Layout = {}
        for name in (
            "attention.self.query",
            "attention.self.key",
            "attention.self.value",
            "attention.output.dense",
        ):
            layer |= _under(name, _dense(dim, dim))
        layer |= _under("attention.output.LayerNorm", _norm(dim)) | _under("output.LayerNorm", _norm(dim))
        layer |= _under("intermediate.dense", _dense(dim, inner)) | _under("output.dense", _dense(inner, dim))
        layout |= _under(f"encoder.layer.{index}", layer)
    return layout


def make_mulan(folder: Path, *, seed: int = 14, **settings: Any) -> Path:
    """A folder as it is put together from three repositories; ``settings`` replace those of ``MULAN_CONFIG``."""
    config = MULAN_CONFIG | settings
    muq, roberta = folder / "MuQ-large-msd-iter", folder / "xlm-roberta-base"
    for path in (muq, roberta):
        path.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    (muq / "config.json").write_text(json.dumps(MUQ_CONFIG))
    (roberta / "config.json").write_text(json.dumps(ROBERTA_CONFIG))
    unigram_tokenizer().save(str(roberta / "tokenizer.json"))
    torch.save(drawn(mulan_layout(config, MUQ_CONFIG, ROBERTA_CONFIG), seed), folder / "pytorch_model.bin")
    return folder


def unigram_tokenizer() -> Any:
    """Pieces with their likelihoods as XLM-RoBERTa's, and its marks of beginning and end; the pieces are our own."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    marks = ["<s>", "<pad>", "</s>", "<unk>"]
    pieces = [
        "▁",
        "▁slow",
        "▁sad",
        "▁piano",
        "▁guitar",
        "▁a",
        "▁heavy",
        "▁metal",
        "solo",
        "bal",
        "lad",
        "钢琴",
        "悲伤",
        ",",
        ".",
    ]
    letters = list("abcdefghijklmnopqrstuvwxyz的曲")
    scores = [(mark, 0.0) for mark in marks] + [
        (piece, -2.0 - index / 8) for index, piece in enumerate([*pieces, *letters])
    ]
    tokenizer = Tokenizer(models.Unigram([*scores, ("<mask>", 0.0)], unk_id=3, byte_fallback=False))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("  ", " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.add_special_tokens([*marks, "<mask>"])
    return tokenizer


def fading_tones(samples: int, seed: int) -> NDArray[Any]:
    """Two tones that fade into each other, and noise; at 24 kHz."""
    generator = np.random.default_rng(seed)
    time = np.arange(samples) / 24_000
    low, high = generator.uniform(80, 400), generator.uniform(500, 4000)
    fade = time / time[-1]
    tones = (1 - fade) * np.sin(2 * np.pi * low * time) + fade * np.sin(2 * np.pi * high * time)
    mixed: NDArray[np.float32] = (0.3 * tones + 0.02 * generator.standard_normal(samples)).astype(np.float32)
    return mixed
