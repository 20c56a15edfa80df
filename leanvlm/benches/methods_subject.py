"""What `make bench-methods` times: a model of random weights, and a prompt that is crowded with visual tokens."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from transformers import LlavaOnevisionForConditionalGeneration, Qwen2Config

from leanvlm.clock.shapes import load_shape
from leanvlm.engine.passes import encoder_signals
from leanvlm.engine.prompt import EncoderAttention, Prompt
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.processes.quiet import quiet
from leanvlm.recipes import Recipe
from leanvlm.training.architecture import build_image_processor, build_model, build_tokenizer

SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers")
TEXT = 40  # tokens around the visual ones


@dataclass(frozen=True)
class Setting:
    """Which model is timed, where, how often, and on how many visual tokens."""

    shape: str | None  # of profiles/shapes; else the embedded model's with a decoder of the sizes that follow
    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    dtype: str
    device: str
    pairs: int
    visual: int
    recipes: list[str]

    def __str__(self) -> str:
        size = self.shape or f"hidden {self.hidden_size}, {self.num_hidden_layers} layers"
        return f"{self.visual} visual tokens, {self.pairs} pairs, {size}, {self.dtype} on {self.device}"


def load(setting: Setting) -> LoadedModel:
    """Make a model of random weights, of a shape or as wide and deep as the setting says."""
    if setting.shape:
        return load_shape(setting.shape, dtype=setting.dtype, device=setting.device)
    return _wide_model(setting)


def _wide_model(wide: Setting) -> LoadedModel:
    """Make the embedded model's architecture with a wider, deeper decoder and random weights."""
    tokenizer = build_tokenizer()
    config: Any = build_model(tokenizer).config
    sizes = {name: value for name, value in asdict(wide).items() if name in SIZES}
    config.text_config = Qwen2Config(**{**config.text_config.to_dict(), **sizes, "layer_types": None})
    with tempfile.TemporaryDirectory() as name, quiet(), torch.random.fork_rng():
        torch.manual_seed(0)
        folder = Path(name)
        LlavaOnevisionForConditionalGeneration(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        build_image_processor().save_pretrained(folder)
        return load_model("llava_onevision", folder, dtype=wide.dtype, device=wide.device)


def crowded_prompt(model: LoadedModel, recipes: list[Recipe], n: int, generator: torch.Generator) -> Prompt:
    """Show the model one picture and repeat its tokens until there are enough."""
    inputs = model.inputs([Image.effect_noise((288, 288), 90).convert("RGB")], "what is the name?")
    prompt = run_vision(model, inputs, wanted=encoder_signals(recipes))
    visual = prompt.is_visual.nonzero()[:, 0]
    repeated = visual.repeat(-(-n // len(visual)))[:n]
    text = (~prompt.is_visual).nonzero()[:, 0].repeat(TEXT)[:TEXT]
    order = torch.cat([text[: TEXT // 2], repeated, text[TEXT // 2 :]])
    among = torch.arange(n) % len(visual)
    noise = 0.1 * torch.randn(1, len(order), prompt.embeds.shape[-1], generator=generator)
    positions = torch.arange(len(order), device=prompt.embeds.device)[None]
    return Prompt(
        embeds=prompt.embeds[:, order] + noise.to(prompt.embeds),
        positions=positions,
        is_visual=prompt.is_visual[order],
        spans=((0, n),),
        is_patch=prompt.is_patch[among],
        index=positions[0],
        encoder={
            signal: EncoderAttention(found.attention[among], found.keys[among])
            for signal, found in prompt.encoder.items()
        },
    )
