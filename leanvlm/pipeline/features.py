"""Which vision passes are kept while the grid is filled: those that several checkpoints of a model would repeat."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from leanvlm import files
from leanvlm.engine.vision.features import FeatureStore
from leanvlm.hashes import digest, folder_hash
from leanvlm.params import Params
from leanvlm.pipeline.cells import Cell, computed_by
from leanvlm.pipeline.models import architecture
from leanvlm.pipeline.sources import vision_hash

GB = 10**9

Stores = dict[tuple[str, str], FeatureStore]  # by model and benchmark


def stores(params: Params, missing: Sequence[Cell]) -> Stores:
    """Say where features are kept, for each model and benchmark that several checkpoints are still to be asked.

    What an earlier run left that is of no use any more is deleted.
    """
    asked: dict[tuple[str, str], set[Path]] = defaultdict(set)
    for cell in missing:
        asked[cell.model, cell.benchmark].add(params.folder(cell.model, cell.recipe))
    most_bytes = int(params.answer.features_gb * GB)
    shared = [key for key, folders in asked.items() if most_bytes and len(folders) > 1]
    found = {key: _store(params, key[0], most_bytes) for key in shared}
    for stale in set(files.FEATURES.glob("*")) - {store.folder for store in found.values()}:
        files.remove(stale)
    return found


def _store(params: Params, model: str, most_bytes: int) -> FeatureStore:
    """Say what the features of a model depend on: its own checkpoint stands for all, since its processor is theirs."""
    parts = (
        ("checkpoint", folder_hash(params.source(model))),
        ("code", vision_hash(architecture(params, model))),
        *computed_by(params, model),
    )
    return FeatureStore(files.FEATURES / digest(json.dumps(parts).encode()), parts, most_bytes)
