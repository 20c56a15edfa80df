"""compress: rewrite a model's linear layers with one weights method, and audit what came of it.

Call:   python stages/compress.py embedded weights-gptq-w4a16-g128 (or the recipe itself)
Writes: artifacts/checkpoints/<model>/<slug>/, a checkpoint that Hugging Face and vLLM load, with audit.json;
        artifacts/costs/<model>/<slug>.json, seconds and memory, which differ from run to run: apart, so that what
        answers depend on has the same bytes each time.
Reads:  data/calibration.parquet, the model's checkpoint, params.yaml: models.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path

import torch

from leanvlm import calibration, params
from leanvlm.errors import InputError, exit_on_error
from leanvlm.methods._checkpoint import produce
from leanvlm.methods._saving import whole
from leanvlm.models._model import load_model
from leanvlm.processes import die_with_parent
from leanvlm.recipe import parse, slug
from leanvlm.tables.calibration import TABLE

ROOT = Path("artifacts/checkpoints")
COSTS = Path("artifacts/costs")


def main() -> None:
    """Compress one model with one method."""
    die_with_parent()
    if len(sys.argv) != 3:
        raise InputError("compress takes a model and a weights method: stages/compress.py embedded weights/wanda@50%")
    grid = params.load(Path("params.yaml"))
    name, models = sys.argv[1], grid.models
    recipe = parse(grid.weights.get(sys.argv[2], sys.argv[2]))  # DVC knows a recipe by its slug
    if name not in models:
        raise InputError(f"no model {name!r} under `models:` in params.yaml; it has {', '.join(models)}")
    if recipe.acts_on != "weights":
        raise InputError(f"compress takes one weights method, not {recipe.text!r}")
    torch.set_num_threads(1)  # sums, and so the stored bytes, must not depend on the machine's cores
    source = Path(models[name].checkpoint)
    loaded = load_model(models[name].architecture, source)
    samples = calibration.inputs(loaded, TABLE.read(Path("data/calibration.parquet")).to_pylist())
    started = time.perf_counter()
    with whole(ROOT / name / slug(recipe.text)) as folder:
        methods = [part.built for part in recipe.parts]
        produce(methods, loaded.model, loaded.processor, samples, source=source, folder=folder)
    seconds, kibibytes = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    costs = {"calibration_samples": len(samples), "seconds": seconds, "peak_bytes": 1024 * kibibytes}
    path = COSTS / name / f"{slug(recipe.text)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(costs, indent=2) + "\n")


if __name__ == "__main__":
    exit_on_error(main)
