"""What the embedded model's compressed checkpoints lose on 2,000 held-out questions: `make bench-weights`.

Every checkpoint is asked the same questions, so differences are paired; intervals are of 95 %, by a bootstrap over
questions. `make repro PROFILE=all` makes the checkpoints; recipes may be named, else all are asked.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from leanvlm import files
from leanvlm.benches._figures import write
from leanvlm.benches._paired import compare
from leanvlm.errors import InputError, exit_on_error
from leanvlm.recipes import FULL, slug
from leanvlm.training.exam import graded

MADE = files.CHECKPOINTS / "embedded"
BENCHMARKS = ("documents", "charts", "scenes", "pages", "easy_vqa")
QUESTIONS = 400  # of each
BASELINES = {"80%": "weights/magnitude@80%", "50%": "weights/magnitude@50%", "w4a16-g128": "weights/rtn@w4a16-g128"}
RECIPES = (
    *BASELINES.values(),
    *(f"weights/{name}@{share}" for share in ("80%", "50%") for name in ("wanda", "sparsegpt", "ecoflap", "owl")),
    *(f"weights/{name}@w4a16-g128" for name in ("gptq", "awq")),
)


def main() -> None:
    """Ask, then print one line a pair."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=RECIPES)
    folders = {FULL: files.EMBEDDED, **{recipe: MADE / slug(recipe) for recipe in parser.parse_args().recipes}}
    for recipe, folder in folders.items():
        if not folder.is_dir():
            raise InputError(f"no checkpoint of {recipe} in {folder}; `make repro PROFILE=all` makes it")
    grades = {}
    for recipe, folder in folders.items():
        grades[recipe] = np.concatenate([graded(name, QUESTIONS, folder)[1] for name in BENCHMARKS])
        print(f"{recipe:<26} {grades[recipe].mean():.4f} of {len(grades[recipe])} questions", flush=True)
    rows = [compare(grades, *pair) for pair in pairs(list(grades))]
    for row in rows:
        print(row.line)
    write("weights", [asdict(row) for row in rows], questions=QUESTIONS, benchmarks=BENCHMARKS)


def pairs(recipes: Sequence[str]) -> list[tuple[str, str]]:
    """Pair every recipe with the full model, and with the baseline of its setting where both are asked."""
    baselines = [(recipe, BASELINES.get(recipe.partition("@")[2], recipe)) for recipe in recipes]
    beside = [(recipe, baseline) for recipe, baseline in baselines if baseline != recipe and baseline in recipes]
    return [(recipe, FULL) for recipe in recipes if recipe != FULL] + beside


if __name__ == "__main__":
    exit_on_error(main)
