"""A whole Whisper checkpoint of two megabytes, in the format of CTranslate2, that says one sentence to any speech.

The network is transformers' own, converted by CTranslate2's own converter, with Whisper's whole vocabulary and its
special tokens at their places. Its weights are chance, but for those of the decoder: attention and feed-forward give
nothing, and the position decides which token comes next. So what it says is known.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from transformers import WhisperForConditionalGeneration

BYTE_TOKENS = 50_257  # of GPT-2, as far as special tokens do not begin
LANGUAGES = (
    "en", "zh", "de", "es", "ru", "ko", "fr", "ja", "pt", "tr", "pl", "ca", "nl", "ar", "sv", "it", "id", "hi", "fi", "vi",
    "he", "uk", "el", "ms", "cs", "ro", "da", "hu", "ta", "no", "th", "ur", "hr", "bg", "lt", "la", "mi", "ml", "cy", "sk",
    "te", "fa", "lv", "bn", "sr", "az", "sl", "kn", "et", "mk", "br", "eu", "is", "hy", "ne", "mn", "bs", "kk", "sq", "sw",
    "gl", "mr", "pa", "si", "km", "sn", "yo", "so", "af", "oc", "ka", "be", "tg", "sd", "gu", "am", "yi", "lo", "uz", "fo",
    "ht", "ps", "tk", "nn", "mt", "sa", "lb", "my", "bo", "tl", "mg", "as", "tt", "haw", "ln", "ha", "ba", "jw", "su",
)  # fmt: skip
SPECIAL = [
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{language}|>" for language in LANGUAGES),
    *(
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ),
]
TIMES = 1501  # <|0.00|> to <|30.00|>
WIDTH = 32


def whisper_checkpoint(folder: Path, text: str, *, language: str = "de", seconds: float = 2.0) -> Path:
    """``folder`` with ``model.bin``, ``config.json``, ``tokenizer.json`` and ``vocabulary.json``.

    To every window of speech it says ``text`` from 0 to ``seconds``, in ``language``.
    """
    from ctranslate2.converters import TransformersConverter

    source = folder.with_name(f"{folder.name}-transformers")
    source.mkdir(parents=True)
    tokenizer = _tokenizer(text)
    said = tokenizer.encode(" " + text, add_special_tokens=False).ids
    script = [
        _id(f"<|{language}|>"),
        _id("<|transcribe|>"),
        _time(0.0),
        *said,
        _time(seconds),
        _id("<|endoftext|>"),
    ]
    network = _network(script)
    network.save_pretrained(source)
    _save_tokenizer(tokenizer, source)
    TransformersConverter(str(source), copy_files=["tokenizer.json"]).convert(str(folder))
    return folder


def _id(token: str) -> int:
    return BYTE_TOKENS + SPECIAL.index(token)


def _time(seconds: float) -> int:
    return BYTE_TOKENS + len(SPECIAL) + round(seconds / 0.02)


def _tokenizer(text: str) -> Tokenizer:
    """Letters as bytes, and each word of ``text`` as one token with its space, which alone is never written."""
    vocabulary = sorted(pre_tokenizers.ByteLevel.alphabet())
    written = [
        pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(f" {word}")[0][0]
        for word in text.split()
    ]
    merges = list(dict.fromkeys((word[:end], word[end]) for word in written for end in range(1, len(word))))
    vocabulary += ["".join(merge) for merge in merges]
    vocabulary += [f"filler{number}" for number in range(BYTE_TOKENS - 1 - len(vocabulary))]
    vocabulary.append("")  # by this token CTranslate2 knows the models of many languages
    tokenizer = Tokenizer(
        models.BPE({token: number for number, token in enumerate(vocabulary)}, merges=merges)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    tokenizer.add_tokens([AddedToken(f"<|{i * 0.02:.2f}|>", normalized=False) for i in range(TIMES)])
    return tokenizer


def _save_tokenizer(tokenizer: Tokenizer, folder: Path) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "eos_token": "<|endoftext|>",
        "unk_token": "<|endoftext|>",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))


def _network(script: Sequence[int]) -> WhisperForConditionalGeneration:
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(1)
    config = WhisperConfig(
        vocab_size=BYTE_TOKENS + len(SPECIAL) + TIMES,
        d_model=WIDTH,
        encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=WIDTH, decoder_ffn_dim=WIDTH,
        bos_token_id=_id("<|endoftext|>"), eos_token_id=_id("<|endoftext|>"), pad_token_id=_id("<|endoftext|>"),
        decoder_start_token_id=_id("<|startoftranscript|>"),
    )  # fmt: skip
    network = WhisperForConditionalGeneration(config)
    network.train(mode=False)
    said: Any = network.generation_config
    said._from_model_config = False  # else it is not read again
    said.lang_to_id = {f"<|{name}|>": _id(f"<|{name}|>") for name in LANGUAGES}
    said.suppress_tokens = said.begin_suppress_tokens = []
    said.alignment_heads = [[0, 0]]
    _write_script(network, script)
    return network


@torch.no_grad()
def _write_script(network: WhisperForConditionalGeneration, script: Sequence[int]) -> None:
    """At each position the decoder's output points at the embedding of the token that comes next."""
    decoder = network.model.decoder
    tokens = torch.randn(network.config.vocab_size, WIDTH)
    tokens = torch.nn.functional.normalize(
        tokens - tokens.mean(dim=1, keepdim=True), dim=1
    )  # as the norm leaves them
    decoder.embed_tokens.weight.copy_(tokens)
    layer = decoder.layers[0]
    for silent in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
        silent.weight.zero_()
        silent.bias.zero_()
    decoder.embed_positions.weight.zero_()
    for position, token in enumerate(script):
        decoder.embed_positions.weight[position] = 50 * tokens[token]
    decoder.layer_norm.weight.fill_(10.0)
