"""Whether a GPU answers as a CPU does: `make bench-devices`, where there is a GPU.

In float32, how many answers of the two are equal, recipe by recipe; in 16 bits, how many another batch changes
(`controls/rebatched`), which is the noise that every comparison of answers on that GPU has.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch

from leanvlm import files
from leanvlm.benches import _subject
from leanvlm.benches._figures import COUNT, write
from leanvlm.engine.sweep import answer_all
from leanvlm.errors import InputError, exit_on_error
from leanvlm.models._adapter import infer
from leanvlm.models._loading import load_model
from leanvlm.pipeline.flips import REBATCHED
from leanvlm.recipes import FULL, parse
from leanvlm.sample import Sample

RECIPES = (FULL, REBATCHED, "controls/random_tokens@40%", "controls/pool@25%", "controls/downsample@40%",
           "tokens/fastv@40%", "tokens/visionzip@40%", "tokens/prumerge@40%", "tokens/tome@40%", "tokens/divprune@40%",
           "tokens/cdpruner@40%", "tokens/dart@40%", "tokens/pyramiddrop@40%", "cache/streaming@20%",
           "cache/snapkv@20%", "cache/h2o@20%", "cache/pyramidkv@20%", "cache/lookm@20%", "cache/vlcache@20%",
           "cache/csp@20%", "cache/adakv@20%", "cache/kvzip@20%", "cache/kivi@4bit",
           "tokens/fastv@40%+cache/snapkv@20%")  # fmt: skip
NEW_TOKENS = 32
Said = dict[str, list[str]]  # the answers of each recipe, sample by sample


def main() -> None:
    """Print a line a recipe, then the flips in 16 bits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=COUNT, default=48)
    asked = parser.parse_args()
    if not torch.cuda.is_available():
        raise InputError("there is no CUDA device here to compare with; run this where one is")
    torch.set_num_threads(1)
    samples = [_subject.page(seed) for seed in range(asked.questions)]
    here, there = (say(samples, RECIPES, "float32", device) for device in ("cpu", "cuda"))
    rows = [{"recipe": recipe, "equal": equal(here[recipe], there[recipe])} for recipe in RECIPES]
    for row in rows:
        print(f"float32: {row['equal']:>3} of {asked.questions} answers of the GPU equal the CPU's: {row['recipe']}")
    for dtype in ("bfloat16", "float16"):
        said = say(samples, (FULL, REBATCHED), dtype, "cuda")
        rows += [{"dtype": dtype, "flips": asked.questions - equal(said[FULL], said[REBATCHED])}]
        print(f"{dtype}: {rows[-1]['flips']} of {asked.questions} answers differ in another batch")
    write("devices", rows, questions=asked.questions, new_tokens=NEW_TOKENS)


def say(samples: Sequence[Sample], recipes: Sequence[str], dtype: str, device: str) -> Said:
    """Let the embedded model answer on a device."""
    model = load_model(infer(files.EMBEDDED), files.EMBEDDED, dtype=dtype, device=device)
    said = answer_all(model, samples, [parse(recipe) for recipe in recipes], limit=NEW_TOKENS)
    found = {(recipe.text, sample_id): answer.answer for sample_id, recipe, answer in said}
    return {recipe: [found[recipe, sample.sample_id] for sample in samples] for recipe in recipes}


def equal(mine: Sequence[str], theirs: Sequence[str]) -> int:
    """Count answers that are the same to the letter."""
    return sum(one == other for one, other in zip(mine, theirs, strict=True))


if __name__ == "__main__":
    exit_on_error(main)
