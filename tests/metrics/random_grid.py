"""A random grid in which every metric has something to say: two models, four benchmarks, every family."""

from __future__ import annotations

import json
import random
from itertools import product
from typing import Any

Rows = list[dict[str, Any]]
MODELS = ("one", "two")
SAMPLES = {"a": 40, "b": 60, "c": 1100, "d": 30}  # c fills more than one block of places
AGGREGATES = {"a": "mean", "b": "pairs", "c": "mean_of_kinds", "d": "circular"}
SENSITIVE = ("b", "c", "d")
RECIPES = {
    "controls/full": ("controls", "none", 0.8),
    "controls/blind": ("controls", "image", 0.2),
    "controls/downsample@10%": ("controls", "image", 0.5),
    "controls/random_tokens@10%": ("controls", "tokens", 0.5),
    "controls/random_tokens@10%:seed=1": ("controls", "tokens", 0.5),
    "controls/random_cache@10%": ("controls", "cache", 0.4),
    "tokens/fastv@10%": ("tokens", "tokens", 0.6),
    "tokens/tome@10%": ("tokens", "tokens", 0.62),
    "tokens/visionzip@10%": ("tokens", "tokens", 0.65),
    "tokens/prumerge@10%": ("tokens", "tokens", 0.6),
    "cache/snapkv@10%": ("cache", "cache", 0.7),
    "cache/h2o@10%": ("cache", "cache", 0.5),
    "weights/gptq@w4": ("weights", "weights", 0.7),
    "weights/gptq@w4+tokens/fastv@10%+cache/snapkv@10%": ("combined", "several", 0.3),
}
REFUSED = 0.02  # of the answers, which have no log-probability
UNGRADED = 0.005  # of the answers; a sample in seven then has one of some recipe
OUTCOMES = {0.0: "wrong", 1.0: "right"}


def random_grid(seed: int) -> dict[str, Rows]:
    """Draw every table; one cell lacks some of its samples."""
    rng = random.Random(seed)
    samples = [
        {
            "benchmark": benchmark,
            "sample_id": f"s{index}",
            "group_id": f"g{index // 2}",
            "kind": f"k{index // 2 % 3}",
            "aggregate": AGGREGATES[benchmark],
            "options": [["x", "y"], ["y", "x"]][index % 2] if benchmark == "a" else [],
            "rule": "mme" if benchmark == "b" else "exact",
            "answers": ["Yes" if index % 5 < 3 else "no"],
            "difficulty": json.dumps(
                {"lines": [1, 2], "rows": index % 7} | ({"depth": index / n} if index % 3 else {})
            ),
        }
        for benchmark, n in SAMPLES.items()
        for index in range(n)
    ]
    cells = [(model, recipe, benchmark) for model in MODELS for recipe in RECIPES for benchmark in SAMPLES]
    asked = [
        {"model": model, "recipe": recipe, "benchmark": sample["benchmark"], "sample_id": sample["sample_id"]}
        for model in MODELS
        for recipe in RECIPES
        for sample in samples
        if (recipe, sample["benchmark"]) != ("tokens/tome@10%", "b") or rng.random() < 0.8
    ]
    said = [_answered(rng, key) for key in asked]
    return {
        "samples": samples,
        "cells": [_cell(rng, *cell) for cell in cells],
        "paper_scores": [
            {"checkpoint_name": "net-7b", "recipe": recipe, "benchmark": name, "printed_score": 60.0, "drift": "judge"}
            for recipe in RECIPES
            for name in SAMPLES
        ],
        "parts": [part for model in MODELS for recipe in RECIPES for part in _parts(model, recipe)],
        "grades": [grade for grade, _ in said],
        "answers": [answer for _, answer in said],
        "timings": [_timing(rng, m, r, p, n, a) for m, r, p, n, a in product(MODELS, RECIPES, PHASES, range(3), AXES)],
        "workloads": [_worked(rng, m, r, p) for m in MODELS for r in RECIPES for p in ("vision", "prefill", "decode")],
        "ceilings": [_ceiling(rng, m, n) for m in MODELS for n in range(3)],
    }


AXES = ("none", "batch_size")
PHASES = ("vision", "selection", "prefill", "decode", "total")


def _answered(rng: random.Random, key: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any]]:
    strength = RECIPES[key["recipe"]][2]
    grade = 1.0 if rng.random() < strength else rng.choice([0.0, 0.0, rng.randrange(1, 21) / 21])
    others = ["x", "yes"] if key["benchmark"] == "a" else ["Yes.", "no", "yes", "the answer is no"]
    said = f"answer {key['sample_id']}" if grade == 1 else rng.choice(others)
    tokens: dict[str, Any] = {"new_tokens": rng.randrange(1, 12), "prompt_tokens": 100}
    tokens["visual_tokens"] = rng.randrange(40, 100)
    tokens["log_probability"] = None if rng.random() < REFUSED else -rng.random() * tokens["new_tokens"]
    if rng.random() < UNGRADED:
        return key | {"grade": None, "published_grade": None, "outcome": "ungraded"}, key | {"answer": said} | tokens
    outcome = "ungradable" if grade == 0 and rng.random() < 0.1 else OUTCOMES.get(grade, "partly")
    published = None if outcome == "ungradable" else 1.0 * (grade > 0.5)  # their rule knows right and wrong alone
    return key | {"grade": grade, "published_grade": published, "outcome": outcome}, key | {"answer": said} | tokens


def _cell(rng: random.Random, model: str, recipe: str, benchmark: str) -> dict[str, Any]:
    family, acts_on, _ = RECIPES[recipe]
    held = {"weights_bytes": 50, "full_weights_bytes": 100, "cache_bytes": 1.0 * rng.randrange(100)}
    kinds = {"family": family, "acts_on": acts_on, "is_sensitive_to_cache": benchmark in SENSITIVE}
    key = {"model": model, "recipe": recipe, "benchmark": benchmark, "checkpoint": "owner/Net-7B@main"}
    return key | {"full_cache_bytes": 100.0} | held | kinds


def _parts(model: str, recipe: str) -> Rows:
    rows = []
    for position, text in enumerate(recipe.split("+"), start=1):
        method, _, strength = text.partition("@")
        setting, _, options = strength.partition(":")
        named = {"model": model, "recipe": recipe, "position": position, "method": method}
        rows.append(named | {"setting": setting or None, "options": options})
    return rows


def _condition(model: str, recipe: str, axis: str = "none") -> dict[str, Any]:
    named = {"model": model, "recipe": recipe, "device": "cpu", "engine": "e", "dtype": "f", "attention": "a"}
    shape = {"prompt_tokens": 90, "visual_tokens": 80, "new_tokens": 16, "is_shape_only": False}
    return named | shape | {"axis": axis, "batch_size": 1 if axis == "none" else 4}


def _timing(rng: random.Random, model: str, recipe: str, phase: str, process: int, axis: str) -> dict[str, Any]:
    measured = {"phase": phase, "process": process, "repeat": 0}
    return (
        _condition(model, recipe, axis) | measured | {"seconds": rng.uniform(1, 2), "full_seconds": rng.uniform(1, 3)}
    )


def _worked(rng: random.Random, model: str, recipe: str, phase: str) -> dict[str, Any]:
    counted = ("operations", "full_operations", "moved_bytes", "full_moved_bytes")
    return _condition(model, recipe) | {"phase": phase} | {name: rng.uniform(1e6, 1e9) for name in counted}


def _ceiling(rng: random.Random, model: str, process: int) -> dict[str, Any]:
    named = {"model": model, "device": "cpu", "dtype": "f", "process": process, "dollars_per_hour": 2.0, "watts": 90.0}
    return named | {"operations": rng.uniform(1e9, 2e9), "moved_bytes": rng.uniform(1e8, 2e8)}
