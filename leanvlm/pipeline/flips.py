"""How many answers another batch changes: the noise that CUDA's rounding leaves in every comparison of answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leanvlm.pipeline import seals
from leanvlm.pipeline.cells import Cell
from leanvlm.recipes import FULL

REBATCHED = "controls/rebatched"


def flips(cells: Sequence[Cell]) -> Iterator[str]:
    """Yield a sentence on each model and benchmark whose answers were also made in another batch."""
    whole = {(cell.model, cell.benchmark): cell for cell in cells if cell.recipe.text == FULL}
    for cell in cells:
        full = whole.get((cell.model, cell.benchmark))
        if cell.recipe.text == REBATCHED and full is not None:
            said, again = _said(full), _said(cell)
            n = sum(said[sample] != again[sample] for sample in said)
            yield (f"{cell.model} | {cell.benchmark}: {n} of {len(said)} answers ({n / max(1, len(said)):.1%}) differ "
                   f"between {FULL} and {REBATCHED}; fewer flips than that say nothing of a recipe")  # fmt: skip


def _said(cell: Cell) -> dict[str, str]:
    """Read what was said, without the samples that the model was not asked."""
    rows = seals.read(cell).select(["sample_id", "answer", "refusal"]).to_pylist()
    return {row["sample_id"]: row["answer"] for row in rows if row["refusal"] is None}
