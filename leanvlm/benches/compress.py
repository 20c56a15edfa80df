"""What a checkpoint of a large model costs to make: `make bench-compress SHAPE=...`, with `DEVICE=cuda` on a GPU.

Random weights of a shape of profiles/shapes are written as a checkpoint is; what enters the decoder of drawn training
pictures is recorded once; then each recipe makes its checkpoint in a process of its own, which is proven as every one
is, and deleted. Minutes are of making and proving; memory is the process's, pages of the checkpoint's file among it,
and the device's.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from leanvlm import calibration, files, plugins, shape_names
from leanvlm.benches._figures import COUNT, write
from leanvlm.clock import shapes
from leanvlm.errors import RunError, exit_on_error
from leanvlm.methods.weights import _entrances
from leanvlm.methods.weights._lending import Place
from leanvlm.models._adapter import infer
from leanvlm.models._loading import refuse_device
from leanvlm.params import DEVICES
from leanvlm.pipeline.calibration_inputs import calibration_inputs
from leanvlm.pipeline.compress import make
from leanvlm.pipeline.stored import as_stored
from leanvlm.processes.children import dying_with_this
from leanvlm.processes.quiet import quiet
from leanvlm.recipes import parse

RECIPES = ("weights/magnitude@50%", "weights/wanda@50%", "weights/sparsegpt@50%", "weights/rtn@w4a16-g128",
           "weights/gptq@w4a16-g128", "weights/awq@w4a16-g128")  # fmt: skip
GB = 1e9


def main() -> None:
    """Print a line a recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", default="llava-onevision-0.5b")
    parser.add_argument("--layers", type=COUNT, help="of the decoder; all by default")
    parser.add_argument("--device", choices=DEVICES, default="cpu")
    parser.add_argument("--samples", type=COUNT, default=32)
    parser.add_argument("--recipes", nargs="+", default=RECIPES)
    parser.add_argument("--make", nargs=2, metavar=("RECIPE", "FOLDER"), help="be the process that makes one of them")
    asked = parser.parse_args()
    refuse_device(asked.device)
    if asked.make:
        text, folder = asked.make
        print(json.dumps(make_one(text, Path(folder), asked.device)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        n_tokens = prepare(folder, asked)
        size = sum(path.stat().st_size for path in (folder / "checkpoint").glob("*.safetensors"))
        print(f"{asked.shape}, {asked.layers or 'all'} layers, {size / GB:.1f} GB, on {asked.device}; "
              f"{asked.samples} samples of {n_tokens} tokens in all", flush=True)  # fmt: skip
        print(f"{'recipe':<28}{'minutes':>9}{'RAM GB':>9}{'of checkpoint':>15}{'device GB':>11}")
        rows = []
        for text in asked.recipes:
            rows.append(_child(text, folder, asked.device))
            print(line(rows[-1], size), flush=True)
    write("compress", rows, shape=asked.shape, layers=asked.layers, device=asked.device, samples=asked.samples,
          tokens=n_tokens, bytes=size)  # fmt: skip


def prepare(folder: Path, asked: argparse.Namespace) -> int:
    """Write the checkpoint and the recording that all recipes share; return how many tokens that has."""
    source = folder / "checkpoint"
    save(asked.shape, source, layers=asked.layers, device=asked.device)
    loaded = as_stored(infer(source), source)
    samples = calibration_inputs(loaded, calibration.draw(asked.samples, seed=0))
    entered = _entrances.record(loaded.model, samples, Place(asked.device))
    (folder / "entrances").mkdir()
    _entrances.save(entered, folder / "entrances")
    return sum(len(one.is_visual) for one in entered)


def save(shape: str, folder: Path, *, layers: int | None, device: str) -> None:
    """Write random weights of a shape, in bfloat16, as a checkpoint."""
    shape_names.refuse_unknown(shape)
    told = json.loads((files.SHAPES / f"{shape}.json").read_text(encoding="utf-8"))
    if layers:
        told["config"]["text_config"]["num_hidden_layers"] = layers
    folder.mkdir()
    shapes.write(told, folder)
    kind = plugins.load("models", infer(folder))
    network = shapes.random_network(kind.network_class, kind.read_config(folder), dtype="bfloat16", device=device)
    with quiet():
        network.save_pretrained(folder)


def make_one(text: str, folder: Path, device: str) -> dict[str, Any]:
    """Make one checkpoint and delete it; tell what that took."""
    start, source = time.perf_counter(), folder / "checkpoint"
    loaded, entered = as_stored(infer(source), source), _entrances.load(folder / "entrances")
    with tempfile.TemporaryDirectory(dir=folder) as name:
        make(parse(text), loaded, entered, source=source, folder=Path(name) / "made", where=Place(device))
    peaks = {"ram_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
             "device_bytes": torch.cuda.max_memory_allocated() if device == "cuda" else 0}  # fmt: skip
    return {"recipe": text, "seconds": time.perf_counter() - start} | peaks


def _child(text: str, folder: Path, device: str) -> dict[str, Any]:
    """Run `make_one` in a process of its own; return what it printed."""
    command = [sys.executable, "-m", "leanvlm.benches.compress", "--device", device, "--make", text, str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, preexec_fn=dying_with_this(), check=False)
    if done.returncode:
        raise RunError(f"{text} ended with status {done.returncode}; what it said stands above")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def line(row: dict[str, Any], size: int) -> str:
    """Spell a row as it is printed."""
    return (f"{row['recipe']:<28}{row['seconds'] / 60:>9.2f}{row['ram_bytes'] / GB:>9.2f}"
            f"{row['ram_bytes'] / size:>14.2f}x{row['device_bytes'] / GB:>11.2f}")  # fmt: skip


if __name__ == "__main__":
    exit_on_error(main)
