"""What each method costs and saves: `make bench-methods`.

A random model of LLaVA-OneVision's shape, wide enough that arithmetic and not call overhead takes the time (hidden 512,
8 layers; `--help` for others), and a picture of more than 1,500 visual tokens. From the prompt at the decoder's door to
the first token, and per further token, each recipe beside the full model in the same repeat. The theory is a count of
multiplications.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import LlavaOnevisionForConditionalGeneration, Qwen2Config

from leanvlm.benches._figures import COUNT, span, write
from leanvlm.clock.pairs import pairs
from leanvlm.clock.run import Seconds, answer_prompts, to_seconds
from leanvlm.clock.shapes import load_shape
from leanvlm.clock.stopwatch import Stopwatch
from leanvlm.engine.passes import encoder_signals, keep_cache, read_prompt
from leanvlm.engine.prompt import EncoderAttention, Prompt
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import exit_on_error
from leanvlm.methods._tokens import LayerMethod
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.models._network import DTYPES
from leanvlm.params import DEVICES
from leanvlm.processes.quiet import quiet
from leanvlm.recipes import FULL, Recipe, parse
from leanvlm.training.architecture import build_image_processor, build_model, build_tokenizer

TOKENS = (
    "controls/random_tokens",
    "controls/pool",
    "tokens/fastv",
    "tokens/visionzip",
    "tokens/prumerge",
    "tokens/tome",
    "tokens/divprune",
    "tokens/cdpruner",
    "tokens/dart",
    "tokens/pyramiddrop",
)
CACHE = ("controls/random_cache", "cache/streaming", "cache/snapkv", "cache/pyramidkv", "cache/vlcache", "cache/h2o",
         "cache/lookm", "cache/csp", "cache/adakv", "cache/kvzip")  # fmt: skip
RECIPES = [
    *(f"{name}@{budget}%" for name in TOKENS for budget in (50, 25, 10)),
    *(f"{name}@10%" for name in CACHE),
    "cache/kivi@4bit",
]
FULL_MODEL = parse(FULL)
NEW_TOKENS = 8
SIZES = ("hidden_size", "intermediate_size", "num_hidden_layers")
TEXT = 40  # tokens around the visual ones


@dataclass(frozen=True)
class Row:
    """One recipe beside the full model: ratios, more is faster, as (low, median, high) of a 95 % interval."""

    recipe: str
    prefill: tuple[float, ...]
    theory: float
    decode: tuple[float, ...]
    cache_bytes_kept: float

    @property
    def line(self) -> str:
        """The row as it is printed."""
        ratios = f"{span(*self.prefill):>22}{self.theory:>7.2f}x{span(*self.decode):>22}"
        return f"{self.recipe:<28}{ratios}{self.cache_bytes_kept:>13.3f}"


def main() -> None:
    """Print one line a recipe: median ratio and the 95 % interval of the median."""
    setting = read_arguments()
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(0)
    model = build(setting)
    recipes = [parse(text) for text in setting.recipes]
    prompt = crowded_prompt(model, recipes, setting.visual, generator)
    print(f"interleaved, 1 thread; {setting}")
    print(f"{'recipe':<28}{'prefill':>22}{'theory':>8}{'decode':>22}{'cache bytes':>13}")
    rows = []
    for recipe in recipes:
        rows.append(compare(model, prompt, recipe, setting.pairs))
        print(rows[-1].line, flush=True)
    write("methods", [asdict(row) for row in rows], **asdict(setting))


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


def read_arguments() -> Setting:
    """Read the setting: `--shape llava-onevision-7b --device cuda --dtype bfloat16` is what a GPU is for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", help="of profiles/shapes, instead of the three sizes that follow")
    parser.add_argument("--hidden", type=COUNT, default=512)
    parser.add_argument("--intermediate", type=COUNT, default=1536)
    parser.add_argument("--layers", type=COUNT, default=8)
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--device", choices=DEVICES, default="cpu")
    parser.add_argument("--pairs", type=COUNT, default=15)
    parser.add_argument("--visual", type=COUNT, default=1536, help="visual tokens of the prompt")
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    return Setting(*vars(parser.parse_args()).values())


def build(setting: Setting) -> LoadedModel:
    """Build a model of random weights."""
    if setting.shape:
        return load_shape(setting.shape, dtype=setting.dtype, device=setting.device)
    return wide_model(setting)


def wide_model(wide: Setting) -> LoadedModel:
    """Build the embedded model's architecture with a wider, deeper decoder and random weights."""
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


def compare(model: LoadedModel, prompt: Prompt, recipe: Recipe, repeats: int) -> Row:
    """Time one recipe beside the full model."""
    mine, full = (partial(seconds, model, prompt, one) for one in (recipe, FULL_MODEL))
    timed = list(pairs(full, mine, repeats=repeats))
    ratios = [(slow.prefill / fast.prefill, slow.decode / fast.decode) for fast, slow in timed]
    quantiles = np.quantile(bootstrap(np.array(ratios)), [0.025, 0.5, 0.975], axis=0)  # (3, prefill and decode)
    prefill, decode = (tuple(map(float, column)) for column in quantiles.T)
    return Row(
        recipe.text,
        prefill,
        theory(model, recipe, int(prompt.is_visual.sum())),
        decode,
        cache_share(model, prompt, recipe),
    )


def seconds(model: LoadedModel, prompt: Prompt, recipe: Recipe) -> Seconds:
    """Time one recipe from the decoder's door to the last token."""
    watch = Stopwatch(model.model.device)
    answer_prompts(model, [prompt], recipe, "s", watch, new_tokens=NEW_TOKENS)
    return to_seconds(watch.seconds(), NEW_TOKENS)


def bootstrap(ratios: np.ndarray) -> np.ndarray:
    """Draw medians of resampled pairs."""
    chosen = np.random.default_rng(0).integers(len(ratios), size=(2000, len(ratios)))
    drawn: np.ndarray = np.median(ratios[chosen], axis=1)
    return drawn


def cache_share(model: LoadedModel, prompt: Prompt, recipe: Recipe) -> float:
    """Return the bytes of the cache that a recipe keeps over those of the full cache."""
    kept = [
        keep_cache(one, read_prompt(model, prompt, one.part("tokens"), "s", [one]), "s").size.cache_bytes
        for one in (recipe, FULL_MODEL)
    ]
    return kept[0] / kept[1]


def theory(model: LoadedModel, recipe: Recipe, visual: int) -> float:
    """Count the multiplications of the full prefill over those with fewer visual tokens."""
    part, n = recipe.part("tokens"), len(model.text.layers)
    if part is None:
        return 1.0
    shares = part.built.stages(n) if isinstance(part.built, LayerMethod) else {0: part.budget or 1}
    entering = [min([1, *(share for first, share in shares.items() if first <= layer)]) for layer in range(n)]
    return n * work(model, TEXT + visual) / sum(work(model, TEXT + int(visual * share)) for share in entering)


def work(model: LoadedModel, n: int) -> float:
    """Count one layer's multiplications for `n` tokens: linear layers, and causal attention's two products."""
    weights = sum(p.numel() for p in model.text.layers[0].parameters() if p.ndim == 2)
    return float(n * weights + n * n * model.text.config.hidden_size)


if __name__ == "__main__":
    exit_on_error(main)
