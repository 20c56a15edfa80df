"""Split the summary into a file a recipe, of which `dvc metrics show` and `dvc metrics diff` make a row each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leanvlm.recipes import slug

ANSWERS = {  # names in the file, by column
    "overall_performance": "op",
    "overall_performance_low": "op_low",
    "overall_performance_high": "op_high",
    "worst_accuracy_kept": "worst",
    "overall_generalization": "og",
    "overall_loyalty": "ol",
    "memory_kept": "memory",
}
TIMINGS = {"total_speedup": "speedup_total", "prefill_speedup": "speedup_prefill", "decode_speedup": "speedup_decode"}


def by_recipe(summary: dict[str, Any]) -> dict[Path, dict[str, float]]:
    """Return {<model>/<recipe's slug>.json: {name: number}} of a summary; what was not measured is left out."""
    found: dict[Path, dict[str, float]] = {}
    for part, names in (("answers", ANSWERS), ("timings", TIMINGS)):
        for row in summary[part]["recipes"]:
            measured = {name: row[column] for column, name in names.items() if row[column] is not None}
            found.setdefault(Path(row["model"], f"{slug(row['recipe'])}.json"), {}).update(measured)
    return found
