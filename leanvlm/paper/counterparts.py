"""What of ours is what the paper printed: its models, methods and benchmarks under our names.

A checkpoint counts as the paper's model by the last part of its name, whoever serves it: owner/NAME, or a folder NAME.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from leanvlm.paper.entry import Score
from leanvlm.paper.scores import read
from leanvlm.recipes import FULL

ROOT = Path(__file__).parent
TABLES = ("token_pruning", "weights")
MODELS = {
    "LLaVA-OV-7B": ("llava-onevision-qwen2-7b-ov", "llava-onevision-qwen2-7b-ov-hf"),
    "Qwen2-VL-7B": ("qwen2-vl-7b-instruct",),
    "InternVL2.5-38B": ("internvl2_5-38b", "internvl2_5-38b-hf"),
}
METHODS = {
    "FastV": "tokens/fastv",
    "VisionZip": "tokens/visionzip",
    "PruMerge+": "tokens/prumerge",
    "EcoFLAP": "weights/ecoflap",
    "Wanda": "weights/wanda",
    "SparseGPT": "weights/sparsegpt",
    "GPTQ": "weights/gptq",
    "AWQ": "weights/awq",
}
SETTINGS = {"w4a16": "w4a16-g128"}  # the paper does not print the group; llmcompressor's default is 128
BENCHMARKS = {
    "DocVQA": "docvqa",
    "ChartQA": "chartqa",
    "TextVQA": "textvqa",
    "OCRBench": "ocrbench",
    "AI2D": "ai2d",
    "GQA": "gqa",
    "MMMU": "mmmu",
    "MME": "mme",
    "RealworldQA": "realworldqa",
    "MMStar": "mmstar",
    "MathVista": "mathvista",
    "LLaVA-Wilder": "llava_wilder",
    "MMBench": "mmbench",
    "MMVet": "mmvet",
    "ImageDC": "imagedc",
}


def printed() -> pa.Table:
    """Return what the paper printed: checkpoint_name, recipe, benchmark, printed_score, drift.

    A model has a row for each name that its checkpoint goes by; the full model stands in both tables and is told once.
    """
    drift = {row["benchmark"]: row["drift"] for row in csv.read_csv(ROOT / "drift.csv").to_pylist()}
    rows = {
        (name, recipe(score), BENCHMARKS[score.benchmark]): score.score
        for table in TABLES
        for score in read(ROOT / f"{table}.json")
        for name in MODELS[score.model]
    }
    keys = ("checkpoint_name", "recipe", "benchmark", "printed_score", "drift")
    return pa.Table.from_pylist(
        [dict(zip(keys, (*key, score, drift[key[2]]), strict=True)) for key, score in rows.items()]
    )


def recipe(score: Score) -> str:
    """Spell what was run as we do."""
    setting = SETTINGS.get(score.budget, score.budget)
    return FULL if score.is_full else f"{METHODS[score.method]}@{setting}"
