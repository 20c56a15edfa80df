"""Nest the summary's numbers by model and recipe, as `dvc metrics show` and `dvc metrics diff` read them."""

from __future__ import annotations

from typing import Any

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


def nested(summary: dict[str, Any]) -> dict[str, Any]:
    """Return {model: {recipe: {name: number}}} of a summary; what was not measured is left out."""
    numbers: dict[str, Any] = {}
    for part, names in (("answers", ANSWERS), ("timings", TIMINGS)):
        for row in summary[part]["recipes"]:
            measured = {name: row[column] for column, name in names.items() if row[column] is not None}
            numbers.setdefault(row["model"], {}).setdefault(row["recipe"], {}).update(measured)
    return numbers
