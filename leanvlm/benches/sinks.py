"""Which attention sinks each method keeps: `make bench-sinks`.

A picture's sinks are the tenth of its visual tokens that receive the most attention: in the decoder, a mean over the
queries that see them, all heads and layers; in the vision tower, as VisionZip ranks them. EffiVLM-Bench finds that who
asks the text misses the tower's sinks, and that FastV gains where a share of its budget is forced to them
(arXiv 2506.00479, on attention sinks). A recipe that chose blindly would keep as large a share of them as of all
tokens. Cache methods are asked layer by layer and head by head. Intervals are of 95 %, by a bootstrap over questions.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from leanvlm.benches import _subject
from leanvlm.benches._figures import COUNT, write
from leanvlm.benches._paired import interval
from leanvlm.engine.evict import select
from leanvlm.engine.passes import encoder_signals, enter, read_entered, rng_for
from leanvlm.engine.prefill.prefill import Prefilled
from leanvlm.engine.prompt import Prompt
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import exit_on_error
from leanvlm.methods._cache import CacheMethod
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe, parse
from leanvlm.sample import Sample

BUDGETS = (40, 10)
NAMES = ("controls/random_tokens", "tokens/fastv", "tokens/sparsevlm", "tokens/pyramiddrop", "tokens/dart",
         "tokens/visionzip", "tokens/prumerge", "tokens/divprune", "tokens/cdpruner", "controls/random_cache",
         "cache/streaming", "cache/snapkv", "cache/h2o", "cache/pyramidkv", "cache/csp", "cache/adakv",
         "cache/kvzip")  # fmt: skip
FORCED = tuple(f"tokens/fastv@{budget}%:sinks=0.1" for budget in BUDGETS)
SHARE = 0.1  # of a picture's visual tokens that are called sinks
TOWER = parse("tokens/visionzip@10%")


@dataclass(frozen=True)
class Row:
    """Shares of sinks that a recipe keeps, each as (low, mean, high)."""

    recipe: str
    decoder: tuple[float, ...]
    tower: tuple[float, ...]


def main() -> None:
    """Print a line a recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    _subject.add_arguments(parser, dtype="float32")
    parser.add_argument("--questions", type=COUNT, default=50)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model, samples = _subject.load(asked), [_subject.page(seed) for seed in range(asked.questions)]
    recipes = [parse(text) for text in (*(f"{name}@{budget}%" for budget in BUDGETS for name in NAMES), *FORCED)]
    found = np.array([ask(model, sample, recipes) for sample in samples])  # (questions, recipes, 2)
    print(f"{'recipe':<34}{'sinks of the decoder':>26}{'of the tower':>26}")
    rows = [Row(recipe.text, *(interval(found[:, i, kind]) for kind in (0, 1))) for i, recipe in enumerate(recipes)]
    for row in rows:
        print(f"{row.recipe:<34}{spelled(row.decoder):>26}{spelled(row.tower):>26}")
    write("sinks", [asdict(row) for row in rows], questions=asked.questions, share=SHARE)


def ask(model: LoadedModel, sample: Sample, recipes: Sequence[Recipe]) -> list[tuple[float, float]]:
    """Return the shares of the decoder's and of the tower's sinks that each recipe keeps."""
    inputs = model.inputs(sample.pictures(), sample.question)
    prompt = run_vision(model, inputs, wanted=encoder_signals([*recipes, TOWER]))
    h2o, visual = parse("cache/h2o@100%"), prompt.is_visual.nonzero()[:, 0]
    read = read_entered(model, prompt, None, sample.sample_id, [h2o, *recipes])
    by_layer = torch.stack([received(signals.column_sums()) for signals in read.signals(rng_for(None, ""))])
    own = visual[sinks(by_layer.mean((0, 1))[visual])]
    [signal] = encoder_signals([TOWER])
    seen = visual[sinks(prompt.encoder[signal].attention)]
    kept = [keeps(model, prompt, read, recipe, sample.sample_id) for recipe in recipes]
    return [(float(one[..., own].mean()), float(one[..., seen].mean())) for one in kept]


def received(sums: Tensor) -> Tensor:
    """Turn sums over all queries into means over those that see a key. Shapes: (1, G, T) -> (G, T)."""
    n = sums.shape[-1]
    return sums[0] / torch.arange(n, 0, -1, device=sums.device)


def sinks(attention: Tensor) -> Tensor:
    """Find the tokens that receive the most. Shapes: (N,) -> (n,)."""
    return attention.nan_to_num(neginf=-1.0).topk(max(1, round(SHARE * len(attention)))).indices


def keeps(model: LoadedModel, prompt: Prompt, read: Prefilled, recipe: Recipe, sample_id: str) -> Tensor:
    """Say which of the prompt's tokens a recipe keeps to the end. Shapes: -> (..., T), 1 = kept."""
    if part := recipe.part("tokens"):
        left = read_entered(model, enter(prompt, part, sample_id), part, sample_id, [recipe])
        return (~prompt.is_visual).float().index_fill(0, left.visual_index, 1.0)
    [part] = recipe.parts_on("cache")
    chosen = select(read.signals(rng_for(part, sample_id)), part.method_as(CacheMethod))
    of_layers = [torch.zeros(*index.shape[:2], len(prompt.is_visual)).scatter_(2, index, 1.0) for index in chosen]
    return torch.stack(of_layers)


def spelled(share: Sequence[float]) -> str:
    """Spell a share with its interval."""
    low, middle, high = share
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    exit_on_error(main)
