"""A grid of two benchmarks and a few recipes on disk, right in every table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from leanvlm import files, grading, pictures
from leanvlm.tables import (
    answers,
    audits,
    calibration,
    ceilings,
    cells,
    costs,
    grades,
    judgements,
    parts,
    samples,
    skips,
    timings,
    workloads,
)

BENCHMARKS = ("short", "long")
RECIPES = {  # family, what it acts on, setting
    "controls/full": ("controls", "none", None),
    "controls/random_tokens@10%": ("controls", "tokens", "10%"),
    "tokens/fastv@10%": ("tokens", "tokens", "10%"),
    "cache/snapkv@40%": ("cache", "cache", "40%"),
    "weights/wanda@50%": ("weights", "weights", "50%"),
}
N_SAMPLES = 6
UNPUBLISHED = {  # what a sample has that no public benchmark asks, on its own
    "turn": 1,
    "options": [],
    "max_new_tokens": None,
    "stop_texts": [],
    "published_rule": None,
    "aggregate": None,
    "facts": None,
    "judge": None,
}


def write(root: Path) -> Path:
    """Write every table of the grid below a folder."""
    asked = [_sample(benchmark, index) for benchmark in BENCHMARKS for index in range(N_SAMPLES)]
    for benchmark in BENCHMARKS:
        of_benchmark = [row for row in asked if row["benchmark"] == benchmark]
        samples.TABLE.write(of_benchmark, root / files.samples(benchmark))
    question = {"sample_id": "0", "question": "what?", "answer": "red", "images": [picture("white")]}
    calibration.TABLE.write([question], root / files.table("calibration"))
    audits.TABLE.write([_audit(layer, 0.5) for layer in range(2)], root / files.table("audits"))
    cost = {"calibration_samples": 1, "seconds": 2.5, "peak_bytes": 10**9}
    costs.TABLE.write([{"model": "embedded", "recipe": "weights/wanda@50%", **cost}], root / files.table("costs"))
    said = [_answer(recipe, row) for recipe in RECIPES for row in asked]
    answers.TABLE.write(said, root / files.table("answers"))
    of_cells = [_cell(recipe, benchmark) for recipe in RECIPES for benchmark in BENCHMARKS]
    cells.TABLE.write(of_cells, root / files.table("cells"))
    parts.TABLE.write([_part(recipe) for recipe in RECIPES], root / files.table("parts"))
    skips.TABLE.write([], root / files.table("skips"))
    clocked = [_timing(recipe, process) for recipe in RECIPES for process in range(3)]
    timings.TABLE.write(clocked, root / files.table("timings"))
    workloads.TABLE.write([_worked(recipe) for recipe in RECIPES], root / files.table("workloads"))
    ceilings.TABLE.write([_ceiling(process) for process in range(3)], root / files.table("ceilings"))
    judgements.TABLE.write([], root / files.table("judgements"))
    worth = grading.grade(
        answers.TABLE.read(root / files.table("answers")),
        pa.concat_tables([samples.TABLE.read(root / files.samples(name)) for name in BENCHMARKS]),
    )
    grades.TABLE.write(worth, root / files.table("grades"))
    return root


def picture(color: str) -> bytes:
    """Return a PNG of one color."""
    return pictures.png(Image.new("RGB", (8, 8), color))


def _audit(layer: int, kept: float) -> dict[str, Any]:
    return {
        "model": "embedded",
        "recipe": "weights/wanda@50%",
        "layer": f"layers.{layer}.down_proj",
        "weights": 250,
        "zero_share": 1 - kept,
        "bits_per_weight": 16 * kept,
        "stored_bytes": 2000,
        "packed_bytes": int(2000 * kept) + 125,
        "budget": 0.5,
        "achieved_budget": kept,
    }


def _sample(benchmark: str, index: int) -> dict[str, Any]:
    return {
        "benchmark": benchmark,
        "sample_id": f"{index:05d}",
        "group_id": f"{index // 2}",
        "kind": "color",
        "question": "what color?",
        "answers": ["red"] if benchmark == "short" else ["a red circle at the top"],
        "rule": "exact" if benchmark == "short" else "token_f1",
        **UNPUBLISHED,
        "images": [picture("red"), picture("blue")][: 1 + index % 2],
        "fps": None,
        "difficulty": "{}",
    }


def _answer(recipe: str, sample: dict[str, Any]) -> dict[str, Any]:
    is_right = recipe == "controls/full" or int(sample["sample_id"]) % 2 == 0
    return {
        "model": "embedded",
        "recipe": recipe,
        "benchmark": sample["benchmark"],
        "sample_id": sample["sample_id"],
        "answer": sample["answers"][0] if is_right else "blue",
        "new_tokens": 2 if sample["benchmark"] == "short" else 7,
        "finish_reason": "stop",
        "log_probability": -0.5,
        "prompt_tokens": 100,
        "visual_tokens": 80,
        "visual_runs": 1,
        "visual_tokens_kept": 8.0 if "tokens" in recipe else 80.0,
        "cache_bytes": 4000 if recipe.startswith("cache") else 10_000,
        "full_cache_bytes": 10_000,
        "cache_kept": 0.4 if recipe.startswith("cache") else 1.0,
        "bits_kept": 1.0,
        "image_kept": 1.0,
        "tokens_kept": 1.0,
        "kept_centers": None,
        "refusal": None,
    }


def _cell(recipe: str, benchmark: str) -> dict[str, Any]:
    family, acts_on, _ = RECIPES[recipe]
    return {
        "model": "embedded",
        "recipe": recipe,
        "benchmark": benchmark,
        "family": family,
        "acts_on": acts_on,
        "cell_key": "0123",
        "weights_bytes": 500 if acts_on == "weights" else 1000,
        "full_weights_bytes": 1000,
        "checkpoint": "artifacts/models/embedded",
    }


def _part(recipe: str) -> dict[str, Any]:
    setting = RECIPES[recipe][2]
    budget = float(setting[:-1]) / 100 if setting else None
    return {
        "model": "embedded",
        "recipe": recipe,
        "position": 1,
        "method": recipe.split("@")[0],
        "setting": setting,
        "options": "",
        "budget": budget,
        "achieved_budget": budget,
    }


def _condition(recipe: str) -> dict[str, Any]:
    return {
        "model": "embedded",
        "recipe": recipe,
        "device": "cpu",
        "engine": "transformers",
        "dtype": "float32",
        "attention": "sdpa",
        "axis": "none",
        "batch_size": 1,
        "prompt_tokens": 100,
        "visual_tokens": 80,
        "new_tokens": 7,
        "is_shape_only": False,
    }


def _timing(recipe: str, process: int) -> dict[str, Any]:
    measured = {"phase": "total", "process": process, "repeat": 0, "seconds": 0.5, "full_seconds": 1.0}
    return _condition(recipe) | measured


def _worked(recipe: str) -> dict[str, Any]:
    counted = {"phase": "prefill", "operations": 1e9, "full_operations": 2e9}
    moved = {"moved_bytes": 1e6, "full_moved_bytes": 1e6, "cache_bytes": 10, "full_cache_bytes": 20}
    return _condition(recipe) | counted | moved | {"peak_bytes": None, "full_peak_bytes": None}


def _ceiling(process: int) -> dict[str, Any]:
    named = {"model": "embedded", "device": "cpu", "dtype": "float32", "process": process, "threads": 1}
    limits = {"operations": 1e11, "moved_bytes": 1e10, "watts": None, "dollars_per_hour": None}
    return named | limits | {"reference_seconds": 0.003, "reference_low": 0.002, "reference_high": 0.004}
