"""From what the compress stage wrote beside its checkpoints to two tables: what each keeps, and what it cost."""

from __future__ import annotations

from math import ceil
from typing import Any

from leanvlm import files
from leanvlm.params import Params
from leanvlm.pipeline import notes
from leanvlm.tables import audits, costs

Row = dict[str, Any]
MEASURED = tuple(name for name in costs.TABLE.schema.names if name not in costs.TABLE.keys)


def write_tables(params: Params) -> None:
    """Write the tables of the checkpoints that the recipes need, but those that a model does not allow.

    Raises: InputError for a checkpoint that was not made, or whose notes are damaged.
    """
    made = [(model, slug, text) for model in params.grid.models for slug, text in params.weights.items()]
    layers, spent = [], []
    for model, slug, text in made:
        if (files.checkpoint(model, slug) / files.NOT_MADE).is_file():
            continue
        keys = {"model": model, "recipe": text}
        with notes.reading(files.checkpoint(model, slug) / files.AUDIT) as audit:
            layers += [keys | row for row in layer_rows(audit)]
        with notes.reading(files.costs(model, slug)) as cost:
            spent.append(keys | {name: cost[name] for name in MEASURED})
    audits.TABLE.write(layers, files.table("audits"))
    costs.TABLE.write(spent, files.table("costs"))


def layer_rows(audit: Row) -> list[Row]:
    """Describe each layer of one checkpoint."""
    return [_layer_row(name, layer) for name, layer in audit["layers"].items()]


def _layer_row(name: str, layer: Row) -> Row:
    """Add what the layer takes where pruned weights are left out.

    To tell which are left takes one bit a weight, in a mask as in 2:4, whose two of four weights have two bits each.
    """
    kept = layer["bits_per_weight"] * layer["n_weights"] / 8
    return {
        "layer": name,
        "weights": layer["n_weights"],
        "zero_share": 1 - layer["nonzero_share"],
        "bits_per_weight": layer["bits_per_weight"],
        "stored_bytes": layer["stored_bytes"],
        "packed_bytes": min(layer["stored_bytes"], ceil(kept + layer["n_weights"] / 8)),
        "budget": layer["budget"],
        "achieved_budget": layer["bits_per_weight"] / 16,
    }
