"""Tiny checkpoints of networks that see, each from its real class and saved in the shape of the published files."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.models.checkpoints import randomise

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 32
"""Pixels that the tiny networks see."""

LAYERS: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
}
SIGHT: dict[str, Any] = LAYERS | {"image_size": SIDE, "patch_size": 8}
LINES = ["a photo of a cat on a red sofa", "a dog runs along the beach at sunset", "two people talk"]

CLIP_PREPROCESSOR: dict[str, Any] = {
    "crop_size": SIDE,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
    "size": SIDE,
}
"""``preprocessor_config.json`` of openai/clip-vit-base-patch32, but for its size."""

SIGLIP_PREPROCESSOR: dict[str, Any] = {
    "do_convert_rgb": None,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "SiglipImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "processor_class": "SiglipProcessor",
    "resample": 2,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": SIDE, "width": SIDE},
}
"""The same of google/siglip2-base-patch16-224."""


def make_clip(folder: Path, *, seed: int = 41, **sight: Any) -> Path:
    """A folder as the hub's; ``sight`` replaces settings of the tower that sees."""
    from transformers import CLIPConfig, CLIPModel

    tokenizer = clip_tokenizer()
    ends = {
        "bos_token_id": tokenizer.token_to_id("<|startoftext|>"),
        "eos_token_id": tokenizer.token_to_id("<|endoftext|>"),
    }
    reading = LAYERS | ends | {"vocab_size": tokenizer.get_vocab_size(), "max_position_embeddings": 24}
    network: Any = CLIPModel(CLIPConfig(text_config=reading, vision_config=SIGHT | sight, projection_dim=16))
    return _saved(network, folder, seed, CLIP_PREPROCESSOR, tokenizer)


def make_siglip(folder: Path, *, seed: int = 42, **sight: Any) -> Path:
    from transformers import SiglipConfig, SiglipModel

    tokenizer = gemma_tokenizer()
    reading = LAYERS | {"vocab_size": tokenizer.get_vocab_size(), "max_position_embeddings": 16}
    network: Any = SiglipModel(SiglipConfig(text_config=reading, vision_config=SIGHT | sight))
    return _saved(network, folder, seed, SIGLIP_PREPROCESSOR, tokenizer)


def _saved(network: Any, folder: Path, seed: int, preprocessor: dict[str, Any], tokenizer: Any) -> Path:
    randomise(network, seed)
    network.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor))
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


def clip_tokenizer() -> Any:
    """Byte pairs in lower case between a mark of the beginning and one of the end, as CLIP's."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    begin, end = "<|startoftext|>", "<|endoftext|>"
    tokenizer: Any = Tokenizer(models.BPE(unk_token=end, end_of_word_suffix="</w>"))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(" ", "removed"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=[begin, end],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        end_of_word_suffix="</w>",
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    first, last = tokenizer.token_to_id(begin), tokenizer.token_to_id(end)
    tokenizer.post_processor = processors.RobertaProcessing(
        (end, last), (begin, first), trim_offsets=False, add_prefix_space=False
    )
    return tokenizer


def gemma_tokenizer() -> Any:
    """Byte pairs over words that begin with a low line, with an end and no beginning, as SigLIP 2's."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    trainer = trainers.BpeTrainer(
        vocab_size=200,
        special_tokens=["<pad>", "<eos>", "<bos>", "<unk>"],
        initial_alphabet=list("abcdefghijklmnopqrstuvwxyz▁"),
        show_progress=False,
    )
    tokenizer.train_from_iterator(LINES, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    return tokenizer
