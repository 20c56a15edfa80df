"""The embedded model's shape, tokenizer and processor: LLaVA-OneVision, small enough to lie in the repository.

The widths of the decoder's linear layers are multiples of 128, so that a weight group of 128 is the paper's setting;
8 query heads share 4 key-value heads; a tile is 12 x 12 patches, so the smallest single image has 300 visual tokens.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer
from tokenizers.decoders import Fuse
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Split
from torch import nn
from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    PreTrainedTokenizerFast,
    Qwen2Config,
    SiglipVisionConfig,
)
from transformers.models.llava_onevision.image_processing_pil_llava_onevision import (
    LlavaOnevisionImageProcessorPil,
)

from leanvlm.benchmarks import charts, documents, easy_vqa, pages, scenes
from leanvlm.benchmarks._canvas import COLOR_IDS, FIELDS, KIND_IDS, PATCH, TILE
from leanvlm.models._published import complete_processor, save_published

SPECIALS = ("<|pad|>", "<|end|>", "<|user|>", "<|assistant|>", "<image>", "<video>", "<unk>")
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijklmnopqrstuvwxyz .,:;?!'\"%-/()#+=\n"
WORDS = Regex(r" ?[a-z]+|[A-Z0-9]|[^A-Za-z0-9 ]| ")
SIDE_PIXELS = TILE * PATCH
PINPOINTS = [[SIDE_PIXELS * rows, SIDE_PIXELS * columns] for rows, columns in ((1, 1), (1, 2), (2, 1), (2, 2))]
LOOK_BACK = {0: (2, 3), 1: (1, 2)}  # layer -> tokens back, for its first heads
CHAT_TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>"
    "{% for part in message['content'] %}{{ '<image>' if part['type'] == 'image' else "
    "'<video>' if part['type'] == 'video' else part['text'] }}{% endfor %}"
    "{% if message['role'] == 'assistant' %}<|end|>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Make every lower-case word of the training questions one token; all else is spelt by character."""
    named = [f" {name}" for name in (*COLOR_IDS, *KIND_IDS, *FIELDS)]
    words = sorted({*named, *(word for text in _training_texts() for word in _words_in(text))})
    entries = dict.fromkeys((*SPECIALS, *CHARACTERS, *words))
    model = WordPiece({entry: i for i, entry in enumerate(entries)}, unk_token="<unk>", continuing_subword_prefix="")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = Split(WORDS, behavior="isolated")
    tokenizer.decoder = Fuse()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token="<|pad|>",
        eos_token="<|end|>",
        unk_token="<unk>",
        additional_special_tokens=list(SPECIALS[2:6]),
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


def build_image_processor() -> LlavaOnevisionImageProcessorPil:
    """Cut a picture into a base tile and a grid of tiles, as LLaVA-OneVision does."""
    half = [0.5, 0.5, 0.5]
    return LlavaOnevisionImageProcessorPil(
        size={"height": SIDE_PIXELS, "width": SIDE_PIXELS},
        image_grid_pinpoints=PINPOINTS,
        image_mean=half,
        image_std=half,
    )


def build_model(tokenizer: PreTrainedTokenizerFast) -> LlavaOnevisionForConditionalGeneration:
    """Make the model with random weights; seed torch before."""
    vision = SiglipVisionConfig(  # type: ignore[call-arg]
        hidden_size=128,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=4,
        image_size=SIDE_PIXELS,
        patch_size=PATCH,
        vision_use_head=False,
    )
    text = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=768,
        num_hidden_layers=4,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": 1_000_000.0},  # Qwen2's own
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    ids: Any = tokenizer.convert_tokens_to_ids  # typed as if one token could have several ids
    config = LlavaOnevisionConfig(  # type: ignore[call-arg]
        vision_config=vision,
        text_config=text,
        image_token_index=ids("<image>"),
        video_token_index=ids("<video>"),
        image_grid_pinpoints=PINPOINTS,
        vision_feature_layer=-1,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    config._attn_implementation = {
        "vision_config": "eager",
        "text_config": "sdpa",
    }  # eager is faster on 144 patches
    model = LlavaOnevisionForConditionalGeneration(config)
    start_by_echoing(model)
    return model


@torch.no_grad()
def start_by_echoing(model: LlavaOnevisionForConditionalGeneration) -> None:
    """Let each head begin by attending to tokens like its own and by passing on what it sees; four look back instead.

    Source: Trockman & Kolter 2023, "Mimetic initialization of self-attention layers", arXiv 2305.09828; looking back is
    ours. Finding a key on a page is matching, reading its value is copying, and the first token of an answer has to
    know the word before the question mark. LOG.md tells what came of other starts.
    """
    words: Any = model.get_input_embeddings()
    text: Any = model.config.text_config
    nn.init.normal_(words.weight, std=0.1)
    for index, layer in enumerate(model.model.language_model.layers):
        attention: Any = layer.self_attn
        width, repeats = attention.head_dim, attention.num_key_value_groups
        keys: Any = torch.empty_like(attention.k_proj.weight).normal_(std=0.05)  # (G * D, C)
        values: Any = torch.empty_like(attention.v_proj.weight).normal_(std=0.05)
        if index in LOOK_BACK:
            keys[:width] = 0
            _look_back(attention, LOOK_BACK[index], text.rope_parameters["rope_theta"])
        attention.k_proj.weight.add_(keys)
        attention.v_proj.weight.add_(values)
        attention.q_proj.weight.add_(keys.unflatten(0, (-1, width)).repeat_interleave(repeats, 0).flatten(0, 1))
        copies = values.unflatten(0, (-1, width)).repeat_interleave(repeats, 0).flatten(0, 1) / repeats
        attention.o_proj.weight.add_(copies.T)


def _look_back(attention: Any, offsets: tuple[int, ...], theta: float) -> None:
    """Give the first heads biases that rotary positions turn into a peak so many tokens back.

    Of the fastest four pairs of a head's width, each adds cos(angle x (distance - offset)) to the logit.
    """
    width, pairs, strength = attention.head_dim, 4, 40.0**0.5
    angles = theta ** (-torch.arange(pairs) * 2 / width)  # radians a token
    attention.k_proj.bias[:pairs] = strength
    query = attention.q_proj.bias.view(-1, width)
    for head, offset in enumerate(offsets):
        query[head, :pairs] = strength * (angles * offset).cos()
        query[head, width // 2 : width // 2 + pairs] = -strength * (angles * offset).sin()


def _words_in(text: str) -> list[str]:
    """Split as the tokenizer's first step does and keep the lower-case words."""
    pieces = (piece for piece, _ in Split(WORDS, behavior="isolated").pre_tokenize_str(text))
    return [piece for piece in pieces if piece.strip().isalpha() and piece.islower()]


def _training_texts() -> list[str]:
    rng = random.Random(0)
    drawn = [module.Benchmark() for module in (documents, pages, charts, scenes)]
    pictures = [benchmark.draw(rng) for benchmark in drawn for _ in range(500)]
    pictures += easy_vqa.Benchmark().training_pictures()[:500]
    asked = [question for picture in pictures for question in (*picture.questions, *picture.drills)]
    return [text for question in asked for text in (question.text, *question.answers)]


def export(model: LlavaOnevisionForConditionalGeneration, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write a plain Hugging Face checkpoint in bfloat16, with the names and files that published ones have."""
    model.config._attn_implementation = "sdpa"
    model.generation_config.do_sample = False
    save_published(model.to(torch.bfloat16), folder)  # type: ignore[arg-type]
    tokenizer.save_pretrained(folder)
    build_image_processor().save_pretrained(folder)
    complete_processor(folder)
