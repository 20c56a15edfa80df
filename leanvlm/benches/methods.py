"""What each method costs and saves: `make bench-methods`.

A random model of LLaVA-OneVision's shape, wide enough that arithmetic and not call overhead takes the time (hidden 512,
8 layers; `--help` for others), and a picture of more than 1,500 visual tokens. From the prompt at the decoder's door to
the first token, and per further token, each recipe beside the full model in the same repeat. The theory is a count of
multiplications.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass
from functools import partial

import torch

from leanvlm.benches._figures import COUNT, span, write
from leanvlm.benches._timed import medians, seconds
from leanvlm.benches.methods_subject import TEXT, Setting, crowded_prompt, load
from leanvlm.clock.pairs import pairs
from leanvlm.clock.timers import FULL_MODEL
from leanvlm.engine.passes import keep_cache, read_prompt
from leanvlm.engine.prompt import Prompt
from leanvlm.errors import exit_on_error
from leanvlm.methods._tokens import LayerMethod
from leanvlm.models._model import LoadedModel
from leanvlm.models._network import DTYPES
from leanvlm.params import DEVICES
from leanvlm.recipes import Recipe, parse

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
    model = load(setting)
    recipes = [parse(text) for text in setting.recipes]
    prompt = crowded_prompt(model, recipes, setting.visual, generator)
    print(f"interleaved, 1 thread; {setting}")
    print(f"{'recipe':<28}{'prefill':>22}{'theory':>8}{'decode':>22}{'cache bytes':>13}")
    rows = []
    for recipe in recipes:
        rows.append(compare(model, prompt, recipe, setting.pairs))
        print(rows[-1].line, flush=True)
    write("methods", [asdict(row) for row in rows], **asdict(setting))


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


def compare(model: LoadedModel, prompt: Prompt, recipe: Recipe, repeats: int) -> Row:
    """Time one recipe beside the full model."""
    mine, full = (partial(seconds, model, prompt, one) for one in (recipe, FULL_MODEL))
    timed = list(pairs(full, mine, repeats=repeats))
    ratios = [(slow.prefill / fast.prefill, slow.decode / fast.decode) for fast, slow in timed]
    prefill, decode = (tuple(map(float, column)) for column in medians(ratios).T)
    return Row(
        recipe.text,
        prefill,
        theory(model, recipe, int(prompt.is_visual.sum())),
        decode,
        cache_share(model, prompt, recipe),
    )


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
