"""What a run made, in the Prefect UI: a table of its recipes and a link to its report."""

from __future__ import annotations

import json
from typing import Any

from prefect.artifacts import create_link_artifact, create_table_artifact
from prefect.settings import PREFECT_API_URL

from flows.report import PATH
from leanvlm import files

STAGE = "report"  # which writes what is shown
SHARES = {  # columns of the table, which is narrow in the UI
    "OP": "overall_performance",
    "mean": "mean_accuracy_kept",
    "worst": "worst_accuracy_kept",
    "memory": "memory_kept",
}


def show() -> None:
    """Add the artifacts to the flow run that asks."""
    recipes = json.loads(files.SUMMARY.read_text(encoding="utf-8"))["answers"]["recipes"]
    create_table_artifact(
        key="results",
        table=[row(recipe) for recipe in recipes],
        description="# Results\nWhat each recipe keeps of the full model: of accuracy over all benchmarks (OP), their "
        "mean and the worst of them, and of memory. The report has the error bars.",
    )
    create_link_artifact(key="report", link=f"{_server()}{PATH}/", link_text="the report", description="# Report")


def row(recipe: dict[str, Any]) -> dict[str, str]:
    """Return a recipe's line of the table; a value that is undefined is a dash."""
    shares = {column: _percent(recipe[name]) for column, name in SHARES.items()}
    return {"model": recipe["model"], "recipe": recipe["recipe"], **shares, "verdict": recipe["verdict"] or "–"}


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.1%}"


def _server() -> str:
    return str(PREFECT_API_URL.value()).removesuffix("/api")
