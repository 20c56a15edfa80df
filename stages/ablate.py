"""ablation: turn the drawn benchmarks' knobs of difficulty, and say which explains what each recipe loses.

Writes: artifacts/ablation.json, which git keeps, and artifacts/ablation.parquet, the grades behind it.
Reads:  the models' checkpoints, params.yaml: ablation, grid.models, models, answer, samples.seed, tally.
"""

from __future__ import annotations

import json

from leanvlm import files
from leanvlm.ablation.ask import ask, table
from leanvlm.ablation.levels import levels
from leanvlm.ablation.measure import measure
from leanvlm.errors import exit_on_error
from leanvlm.params import load
from leanvlm.pipeline.models import checkpoint
from leanvlm.recipes import FULL, parse
from leanvlm.tables import ablation


def main() -> None:
    """Ask, grade, measure, and write the answers and a summary."""
    params = load(files.PARAMS)
    chosen, rows = list(levels(params.ablation.knobs)), []
    for name in params.grid.models:
        weights = checkpoint(params, name, parse(FULL))
        sizes = {"n": params.ablation.n, "seed": params.samples.seed}
        found = ask(weights, params.ablation.recipes, chosen, **sizes, answering=params.answer)
        rows += [{"model": name, **row} for row in found]
    answered = table(rows)
    ablation.TABLE.write(answered, files.table("ablation"))
    found_tables = measure(answered, resamples=params.tally.resamples, seed=params.tally.seed)
    summary = {name: rows.to_pylist() for name, rows in found_tables.items()}
    files.write(json.dumps(summary, indent=1) + "\n", files.ABLATION)
    for row in summary["effects"]:
        print(sentence(row))


def sentence(row: dict[str, object]) -> str:
    """Say what one knob does to one recipe."""
    knob = f"{row['benchmark']}, {row['knob']} from {row['easiest']} to {row['hardest']}"
    effect = f"{row['effect']:+.3f} ({row['low']:+.3f} to {row['high']:+.3f})"
    return f"{row['recipe']} on {knob}: the loss {row['verdict']}, {effect}".replace("the loss unclear", "unclear")


if __name__ == "__main__":
    exit_on_error(main)
