"""What each method costs and saves: `make bench-methods`.

A random model of LLaVA-OneVision's shape, wide enough that arithmetic and not call overhead takes the time (hidden 512,
8 layers), and a picture of more than 1,500 visual tokens. From the prompt at the decoder's door to the first token, and
per further token, each recipe beside the full model in the same repeat. The theory is a count of multiplications.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from transformers import LlavaOnevisionForConditionalGeneration, Qwen2Config

from leanvlm.engine.decode import Start, steps
from leanvlm.engine.sweep import encoder_signals, evict_for, read_prompt
from leanvlm.engine.vision import Prompt, see
from leanvlm.methods._tokens import LayerMethod
from leanvlm.models._model import LoadedModel, load_model
from leanvlm.quiet import quiet
from leanvlm.recipe import Recipe, parse
from leanvlm.training.architecture import build_image_processor, build_model, build_tokenizer

TOKENS = (
    "controls/random_tokens",
    "controls/pool",
    "tokens/fastv",
    "tokens/visionzip",
    "tokens/prumerge",
    "tokens/tome",
)
CACHE = ("controls/random_cache", "cache/streaming", "cache/snapkv", "cache/pyramidkv", "cache/vlcache", "cache/h2o",
         "cache/lookm")  # fmt: skip
FULL = parse("controls/full")
PAIRS, NEW_TOKENS = 15, 8
VISUAL, TEXT = 1536, 40


@dataclass(frozen=True)
class Seconds:
    """One run."""

    prefill: float
    decode: float


def main() -> None:
    """Print one line a recipe: median ratio and the 95 % interval of the median."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = wide_model()
    recipes = [parse(f"{name}@{budget}%") for name in TOKENS for budget in (50, 25, 10)]
    recipes += [parse(f"{name}@10%") for name in CACHE]
    prompt = crowded_prompt(model, recipes)
    print(f"{VISUAL} visual tokens of {VISUAL + TEXT}, {PAIRS} interleaved pairs, float32, 1 thread")
    print(f"{'recipe':<28}{'prefill':>22}{'theory':>8}{'decode':>22}{'cache bytes':>13}")
    for recipe in recipes:
        print(line(model, prompt, recipe), flush=True)


def wide_model() -> LoadedModel:
    """Build the embedded model's architecture with a wider, deeper decoder and random weights."""
    tokenizer = build_tokenizer()
    config: Any = build_model(tokenizer).config
    shape = config.text_config.to_dict()
    wide = {"hidden_size": 512, "intermediate_size": 1536, "num_hidden_layers": 8}
    config.text_config = Qwen2Config(**{**shape, **wide, "layer_types": None})
    with tempfile.TemporaryDirectory() as name, quiet():
        folder = Path(name)
        LlavaOnevisionForConditionalGeneration(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        build_image_processor().save_pretrained(folder)
        return load_model("llava_onevision", folder)


def crowded_prompt(model: LoadedModel, recipes: list[Recipe]) -> Prompt:
    """Let the model see one picture and repeat its tokens until there are enough."""
    inputs = model.inputs([Image.effect_noise((288, 288), 90).convert("RGB")], "what is the name?")
    seen = see(model, inputs, wanted=encoder_signals(recipes))
    places = seen.is_visual.nonzero()[:, 0]
    repeated = places.repeat(-(-VISUAL // len(places)))[:VISUAL]
    text = (~seen.is_visual).nonzero()[:, 0].repeat(TEXT)[:TEXT]
    order = torch.cat([text[: TEXT // 2], repeated, text[TEXT // 2 :]])
    among = torch.arange(VISUAL) % len(places)
    encoder = {signal: type(found)(found.attention[among], found.keys[among]) for signal, found in seen.encoder.items()}
    embeds = seen.embeds[:, order] + 0.1 * torch.randn(1, len(order), seen.embeds.shape[-1])
    return Prompt(embeds, torch.arange(len(order))[None], seen.is_visual[order], ((0, VISUAL),), encoder)


def line(model: LoadedModel, prompt: Prompt, recipe: Recipe) -> str:
    """Time one recipe beside the full model."""
    run(model, prompt, recipe), run(model, prompt, FULL)
    ratios = []
    for pair in range(PAIRS):
        order = (recipe, FULL) if pair % 2 else (FULL, recipe)
        timed = {one.text: run(model, prompt, one) for one in order}
        mine, full = timed[recipe.text], timed[FULL.text]
        ratios.append((full.prefill / mine.prefill, full.decode / mine.decode))
    low, middle, high = np.quantile(bootstrap(np.array(ratios)), [0.025, 0.5, 0.975], axis=0)
    spans = [f"{middle[i]:.2f}x ({low[i]:.2f} to {high[i]:.2f})" for i in (0, 1)]
    counted, held = theory(model, recipe), cache_share(model, prompt, recipe)
    return f"{recipe.text:<28}{spans[0]:>22}{counted:>7.2f}x{spans[1]:>22}{held:>13.3f}"


def bootstrap(ratios: np.ndarray) -> np.ndarray:
    """Draw medians of resampled pairs."""
    chosen = np.random.default_rng(0).integers(len(ratios), size=(2000, len(ratios)))
    drawn: np.ndarray = np.median(ratios[chosen], axis=1)
    return drawn


def run(model: LoadedModel, prompt: Prompt, recipe: Recipe) -> Seconds:
    """Go from the decoder's door to the last token."""
    start = time.perf_counter()
    read = read_prompt(model, prompt, recipe.part("tokens"), "s", [recipe])
    kept = evict_for(recipe, read, "s")
    first = time.perf_counter()
    with torch.inference_mode():
        list(islice(steps(model, Start(kept.cache, read.logits, read.next_position)), NEW_TOKENS))
    return Seconds(first - start, (time.perf_counter() - first) / (NEW_TOKENS - 1))


def cache_share(model: LoadedModel, prompt: Prompt, recipe: Recipe) -> float:
    """Return the bytes of the cache that a recipe keeps over those of the full cache."""
    kept = [
        evict_for(one, read_prompt(model, prompt, one.part("tokens"), "s", [one]), "s").held.cache_bytes
        for one in (recipe, FULL)
    ]
    return kept[0] / kept[1]


def theory(model: LoadedModel, recipe: Recipe) -> float:
    """Count the multiplications of the full prefill over those with fewer visual tokens."""
    part, n = recipe.part("tokens"), len(model.text.layers)
    if part is None:
        return 1.0
    shares = part.built.stages(n) if isinstance(part.built, LayerMethod) else {0: part.budget or 1}
    entering = [min([1, *(share for first, share in shares.items() if first <= layer)]) for layer in range(n)]
    return n * work(model, TEXT + VISUAL) / sum(work(model, TEXT + int(VISUAL * share)) for share in entering)


def work(model: LoadedModel, n: int) -> float:
    """Count one layer's multiplications for `n` tokens: linear layers, and causal attention's two products."""
    weights = sum(p.numel() for p in model.text.layers[0].parameters() if p.ndim == 2)
    return float(n * weights + n * n * model.text.config.hidden_size)


if __name__ == "__main__":
    main()
