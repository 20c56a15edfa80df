"""A small grid that never ran: tables with known numbers, drawn from a fixed seed, for the report to show."""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from PIL import Image, ImageDraw

from leanvlm import grading, store
from leanvlm.metrics import tally
from leanvlm.tables import (
    answers,
    audits,
    ceilings,
    costs,
    grades,
    judgements,
    parts,
    samples,
    skips,
    timings,
    workloads,
)

HOSTILE = '<script>alert("x")</script><img src=http://evil.example/x.png onerror=alert(1)>\u202e{{ 7*7 }}</dd>'
BENCHMARKS = {"charts": 4, "documents": 7, "easy_vqa": 1, "scenes": 5}  # with the tokens of their answers
N_SAMPLES = 30  # of each benchmark
WASTEFUL = "tokens/fastv@10%"  # keeps half as much again as it was asked to
FULL_CACHE, FULL_WEIGHTS = 1_000_000, 3_000_000  # [bytes]
RESAMPLES = 60
MODULES = (answers, audits, ceilings, costs, grades, judgements, parts, samples, skips, timings, workloads)
SCHEMAS = {module.TABLE.name: module.TABLE.schema for module in MODULES}


@dataclass(frozen=True)
class Acceleration:
    """What a made-up recipe does to the grid."""

    family: str
    acts_on: str
    kept: float  # chance that a right answer stays right
    cache: float = 1.0  # share of cache bytes
    weights: float = 1.0  # share of weight bytes
    speedup: float = 1.0


RECIPES = {
    "controls/full": Acceleration("controls", "none", 1.0),
    "controls/blind": Acceleration("controls", "image", 0.3, cache=0.2, speedup=2.1),
    "controls/downsample@10%": Acceleration("controls", "image", 0.7, cache=0.28, speedup=1.95),
    "controls/random_tokens@10%": Acceleration("controls", "tokens", 0.62, cache=0.28, speedup=1.9),
    "controls/random_tokens@10%:seed=1": Acceleration("controls", "tokens", 0.6, cache=0.28, speedup=1.88),
    "controls/random_tokens@50%": Acceleration("controls", "tokens", 0.94, cache=0.6, speedup=1.4),
    "controls/random_tokens@5%": Acceleration("controls", "tokens", 0.75, cache=0.22, speedup=2.6),
    "controls/random_cache@10%": Acceleration("controls", "cache", 0.5, cache=0.1, speedup=1.1),
    "controls/random_cache@40%": Acceleration("controls", "cache", 0.8, cache=0.4, speedup=1.06),
    "tokens/fastv@10%": Acceleration("tokens", "tokens", 0.8, cache=0.35, speedup=1.7),
    "tokens/fastv@50%": Acceleration("tokens", "tokens", 0.97, cache=0.66, speedup=1.3),
    "tokens/visionzip@10%": Acceleration("tokens", "tokens", 0.83, cache=0.28, speedup=1.9),
    "tokens/visionzip@50%": Acceleration("tokens", "tokens", 0.98, cache=0.6, speedup=1.42),
    "tokens/prumerge@5%": Acceleration("tokens", "tokens", 0.5, cache=0.22, speedup=2.4),
    "cache/snapkv@40%": Acceleration("cache", "cache", 0.96, cache=0.4, speedup=1.05),
    "cache/snapkv@10%": Acceleration("cache", "cache", 0.88, cache=0.1, speedup=1.08),
    "cache/streaming@10%": Acceleration("cache", "cache", 0.48, cache=0.1, speedup=1.12),
    "weights/gptq@w4a16-g128": Acceleration("weights", "weights", 0.96, weights=0.27, speedup=0.9),
    "weights/wanda@2:4": Acceleration("weights", "weights", 0.85, weights=0.5, speedup=1.0),
    "weights/gptq@w4a16-g128+tokens/visionzip@50%": Acceleration(
        "combined", "several", 0.92, cache=0.6, weights=0.27, speedup=1.25
    ),
    "tokens/visionzip@10%+cache/snapkv@10%": Acceleration("combined", "several", 0.7, cache=0.03, speedup=1.92),
}


@dataclass(frozen=True)
class Grid:
    """What a synthetic grid has and lacks."""

    has_timings: bool = True
    has_flips: bool = True
    has_intervals: bool = True
    models: tuple[str, ...] = ("embedded",)  # all answer alike
    left_out: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()  # benchmarks on which no model answers anything rightly

    @property
    def recipes(self) -> dict[str, Acceleration]:
        """The recipes that ran."""
        return {name: recipe for name, recipe in RECIPES.items() if name not in self.left_out}


def build(path: Path, grid: Grid, *, spell: Callable[[str, str], str] = lambda _, text: text) -> Path:
    """Write the grid's tables, and the metrics computed from them, into a DuckDB file; `spell` gets column and text."""
    with duckdb.connect(str(path)) as connection:
        grading.load_macros(connection)
        for name, rows in tables(grid).items():
            spelt = [spell_row(row, spell) for row in _of_each_model(grid, rows)]
            store.add(connection, name, _typed(name, spelt))
        view = (Path(store.__file__).parent / "cells.sql").read_text(encoding="utf-8")
        connection.execute(f"create table cells as {view}")
        tally.measure(connection, resamples=RESAMPLES if grid.has_intervals else 0, seed=0)
    return path


def spell_row(row: dict[str, Any], spell: Callable[[str, str], str]) -> dict[str, Any]:
    """Spell every text of a row anew, those in lists too."""
    return {column: _respelt(column, value, spell) for column, value in row.items()}


def _respelt(column: str, value: Any, spell: Callable[[str, str], str]) -> Any:
    if isinstance(value, list):
        return [_respelt(column, one, spell) for one in value]
    return spell(column, value) if isinstance(value, str) else value


def tables(grid: Grid) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of every stored table."""
    rng = random.Random(3)
    answers: list[dict[str, Any]] = []
    grades: list[dict[str, Any]] = []
    for benchmark in BENCHMARKS:
        for index in range(N_SAMPLES):
            for answer, grade in _answered(grid, rng, benchmark, index):
                answers.append(answer)
                grades.append(grade)
    return {
        "samples": [_sample(benchmark, index) for benchmark in BENCHMARKS for index in range(N_SAMPLES)],
        "sample_images": list(_images()),
        "answers": answers,
        "grades": grades,
        "judgements": [_judgement()],
        "stored_cells": [_cell(grid, recipe, benchmark) for recipe in grid.recipes for benchmark in BENCHMARKS],
        "parts": [part for recipe in grid.recipes for part in _parts(recipe)],
        "timings": [row for recipe in grid.recipes for row in _timings(grid, recipe, rng)] if grid.has_timings else [],
        "workloads": [row for recipe in grid.recipes for row in _worked(grid, recipe)] if grid.has_timings else [],
        "ceilings": [_ceiling(process) for process in range(5)] if grid.has_timings else [],
        "audits": [row for recipe in grid.recipes if recipe in CHECKPOINTS for row in _layers(recipe)],
        "costs": [COST | {"model": "embedded", "recipe": recipe} for recipe in grid.recipes if recipe in CHECKPOINTS],
        "skips": [_key("tokens/fastv@25%", "scenes") | {"reason": "needs <b>attention</b> that the model hides"}],
    }


CHECKPOINTS = ("weights/gptq@w4a16-g128", "weights/wanda@2:4")
COST = {"calibration_samples": 32, "seconds": 12.5, "peak_bytes": 3 * 2**30 // 2}


def _layers(recipe: str) -> Iterator[dict[str, Any]]:
    """Two layers, the second of three times as many weights."""
    for name, weights, zero_share, bits in (("q_proj", 2**20, 0.1, 8.0), ("up_proj", 3 * 2**20, 0.5, 4.0)):
        yield {
            "model": "embedded",
            "recipe": recipe,
            "layer": name,
            "weights": weights,
            "zero_share": zero_share,
            "bits_per_weight": bits,
            "stored_bytes": weights,
            "packed_bytes": weights // 2,
            "budget": None,
            "achieved_budget": bits / 16,
        }


def _of_each_model(grid: Grid, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield from (row | {"model": model} for model in grid.models) if "model" in row else (row,)


def _typed(name: str, rows: list[dict[str, Any]]) -> pa.Table:
    """Give the columns the types that the real tables have; an empty table has no others to go by."""
    if name not in SCHEMAS or not rows:
        return pa.Table.from_pylist(rows) if rows else SCHEMAS[name].empty_table()
    return pa.Table.from_pylist(rows, schema=pa.schema([f for f in SCHEMAS[name] if f.name in rows[0]]))


def _key(recipe: str, benchmark: str) -> dict[str, Any]:
    return {"model": "embedded", "recipe": recipe, "benchmark": benchmark}


def _sample(benchmark: str, index: int) -> dict[str, Any]:
    return {
        "benchmark": benchmark,
        "sample_id": f"{index:05d}",
        "group_id": f"{index:05d}",
        "kind": ("absent", "present")[index % 2] if benchmark == "scenes" else "value",
        "question": f"What is the value of key {index}?",
        "answers": [f"{benchmark} {index}", f"{index}"],
        "rule": "exact",
        "options": ["one", "two"],
        "max_new_tokens": 9,
        "stop_texts": ["over"],
        "published_rule": "paper/docvqa",
        "aggregate": "mean",
        "facts": "{}",
        "judge": "mmvet",
        "turn": 1,
        "difficulty": '{"lines": 4}',
    }


def _judgement() -> dict[str, Any]:
    asked = {"benchmark": "charts", "sample_id": "00000", "answer": "charts 0", "judge": "mmvet", "prompt_version": "1"}
    where = {"endpoint": "http://127.0.0.1:1/v1", "judge_model": "someone", "messages": "[]", "reply": "so so"}
    return (
        asked
        | where
        | {"grade": None, "reference": None, "problem": "no number", "tokens_in": 9, "tokens_out": 2, "tries": 1}
    )


def _images() -> Iterator[dict[str, Any]]:
    for benchmark in BENCHMARKS:
        for index in range(N_SAMPLES):
            for position in range(2 if benchmark == "documents" else 1):
                image = Image.new("RGB", (96, 72), (240, 240, 235))
                ImageDraw.Draw(image).text((6, 28), f"{benchmark} {index}", fill=(20, 20, 20))
                buffer = io.BytesIO()
                image.save(buffer, format="PNG")
                key = {"benchmark": benchmark, "sample_id": f"{index:05d}"}
                yield key | {"position": position, "image": buffer.getvalue()}


def _answered(grid: Grid, rng: random.Random, benchmark: str, index: int) -> Iterator[tuple[dict[str, Any], ...]]:
    is_full_right = rng.random() < 0.85
    for recipe, acceleration in grid.recipes.items():
        is_kept = not grid.has_flips or (acceleration.acts_on == "cache" and BENCHMARKS[benchmark] <= 2)
        is_right = (is_full_right and (is_kept or rng.random() < acceleration.kept)) or (
            not is_full_right and acceleration.kept < 1 and grid.has_flips and rng.random() < 0.04
        )
        is_right = is_right and benchmark not in grid.failed
        key = _key(recipe, benchmark) | {"sample_id": f"{index:05d}"}
        answer = f"{benchmark} {index}" if is_right else HOSTILE
        said = _said(answer, benchmark, acceleration) | {"refusal": REFUSAL if index == 3 else None}
        yield key | said, key | _graded(is_right)


def _graded(is_right: bool) -> dict[str, Any]:
    worth = {"grade": float(is_right), "published_grade": float(is_right), "published_reference": None}
    return worth | {"outcome": "right" if is_right else "wrong"}


REFUSAL = "sample '00003' (1093 x 5): the model's processor refuses it"
CENTERS = [{"image": 0, "x": 250, "y": 500}, {"image": 1, "x": 1000, "y": 0}]


def _said(answer: str, benchmark: str, acceleration: Acceleration) -> dict[str, Any]:
    visual_kept = acceleration.cache if acceleration.acts_on != "cache" else 1.0
    return {
        "answer": answer,
        "new_tokens": BENCHMARKS[benchmark],
        "finish_reason": "stop",
        "log_probability": -0.1 * BENCHMARKS[benchmark],
        "prompt_tokens": 120,
        "visual_tokens": 100,
        "visual_runs": 1,
        "visual_tokens_kept": 100 * visual_kept,
        "cache_bytes": int(FULL_CACHE * acceleration.cache),
        "full_cache_bytes": FULL_CACHE,
        "cache_kept": acceleration.cache if acceleration.acts_on == "cache" else 1.0,
        "bits_kept": 1.0,
        "image_kept": 1.0,
        "tokens_kept": visual_kept,
        "kept_centers": CENTERS if acceleration.acts_on == "tokens" else None,
    }


def _cell(grid: Grid, recipe: str, benchmark: str) -> dict[str, Any]:
    acceleration = grid.recipes[recipe]
    return _key(recipe, benchmark) | {
        "family": acceleration.family,
        "acts_on": acceleration.acts_on,
        "cell_key": "0" * 8,
        "weights_bytes": int(FULL_WEIGHTS * acceleration.weights),
        "full_weights_bytes": FULL_WEIGHTS,
        "checkpoint": "llava-hf/llava-onevision-qwen2-7b-ov-hf",
    }


def _parts(recipe: str) -> Iterator[dict[str, Any]]:
    for position, text in enumerate(recipe.split("+")):
        method, _, strength = text.partition("@")
        setting, _, options = strength.partition(":") if "seed" in strength else (strength, "", "")
        budget = _budget(setting)
        yield {
            "model": "embedded",
            "recipe": recipe,
            "position": position,
            "method": method,
            "setting": setting or None,
            "options": options,
            "budget": budget,
            "achieved_budget": None if budget is None else budget * (1.5 if recipe == WASTEFUL else 0.99),
        }


def _budget(setting: str) -> float | None:
    known = {"": None, "w4a16-g128": 0.2656, "2:4": 0.5}
    return known[setting] if setting in known else float(setting.rstrip("%")) / 100


def _timings(grid: Grid, recipe: str, rng: random.Random) -> Iterator[dict[str, Any]]:
    for phase, full_seconds in (("vision", 0.1), ("prefill", 0.8), ("decode", 0.05), ("total", 1.6)):
        for process in range(5):
            yield _condition(recipe) | {
                "phase": phase,
                "process": process,
                "repeat": 0,
                "seconds": full_seconds / grid.recipes[recipe].speedup * rng.uniform(0.96, 1.04),
                "full_seconds": full_seconds,
            }
    if recipe == WASTEFUL:  # no faster with one prompt, faster with four
        for process in range(5):
            key = _condition(recipe) | {"axis": "batch_size", "batch_size": 4, "phase": "total", "process": process}
            yield key | {"repeat": 0, "seconds": 1.0, "full_seconds": 2.0}


def _condition(recipe: str) -> dict[str, Any]:
    return {
        "model": "embedded",
        "recipe": recipe,
        "device": "Synthetic CPU, 2 cores",
        "engine": "leanvlm",
        "dtype": "bfloat16",
        "attention": "sdpa",
        "axis": "none",
        "batch_size": 1,
        "prompt_tokens": 120,
        "visual_tokens": 100,
        "new_tokens": 16,
        "is_shape_only": False,
    }


def _worked(grid: Grid, recipe: str) -> Iterator[dict[str, Any]]:
    for phase, operations, moved in (("vision", 4e9, 1e6), ("prefill", 4e10, 1e8), ("decode", 1e8, 1e8)):
        yield _condition(recipe) | {
            "phase": phase,
            "operations": operations / grid.recipes[recipe].speedup,
            "full_operations": operations,
            "moved_bytes": moved,
            "full_moved_bytes": moved,
            "cache_bytes": 10**6,
            "full_cache_bytes": 10**7,
            "peak_bytes": None,
            "full_peak_bytes": None,
        }


def _ceiling(process: int) -> dict[str, Any]:
    named = {"model": "embedded", "device": "Synthetic CPU, 2 cores", "dtype": "bfloat16", "process": process}
    limits = {"threads": 1, "operations": 1e11, "moved_bytes": 1e10, "watts": None, "dollars_per_hour": None}
    return named | limits | {"reference_seconds": 0.003, "reference_low": 0.002, "reference_high": 0.004}
