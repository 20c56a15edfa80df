"""What every weights and cache method costs a real pretrained decoder, in nats a token: `make bench-decoder`.

SmolLM2-135M, behind LLaVA-OneVision, reads prose that no method was calibrated on. With a weights method it reads whole
windows; with a cache method it goes on reading over what the method kept of the cache of a window's first part. Costs
are over the full model's loss on the same tokens; intervals are of 95 %, by a bootstrap over windows.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from leanvlm import plugins
from leanvlm.benches._figures import COUNT, write
from leanvlm.benches.decoder.costs import costs, print_all
from leanvlm.benches.decoder.model import write_checkpoint
from leanvlm.benches.decoder.orders import check
from leanvlm.benches.decoder.recipes import ARCHITECTURE, cache_losses, weights_losses
from leanvlm.benches.decoder.text import SOURCE, take, windows
from leanvlm.errors import InputError, RunError, exit_on_error
from leanvlm.models._loading import load_model
from leanvlm.recipes import FULL, parse

WEIGHTS = (
    *(f"weights/{name}@50%" for name in ("magnitude", "wanda", "sparsegpt", "owl")),
    "weights/wanda@2:4",
    *(f"weights/{name}@w4a16-g64" for name in ("rtn", "gptq", "awq")),  # 64 divides 576 and 1536, 128 does not
    *(f"weights/{name}@w8a8" for name in ("rtn", "smoothquant")),
    "weights/gptq@w4a16-g64+weights/eora@r32",
    "weights/ecoflap@50%:samples=1",  # 420 passes, the longest here; the default's 8 samples take an hour
)
CACHE = (
    *("controls/random_cache@10%", "cache/streaming@10%:sinks=0", "cache/streaming@10%"),
    *(f"cache/{name}@10%" for name in ("h2o", "snapkv", "pyramidkv", "lookm", "vlcache", "csp", "adakv", "kvzip")),
    *("cache/kivi@4bit", "cache/kivi@2bit"),
)
WINDOW, PROMPT = 512, 384  # tokens that are read, and how many of them stand in a cache
CALIBRATION = 256  # tokens of a calibration sample, of which a window gives two


def main() -> None:
    """Measure, then print one line a recipe and one an order."""
    asked = read_arguments()
    torch.set_num_threads(1)
    started = time.perf_counter()
    of: dict[str, Any] = {"commit": commit(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    with tempfile.TemporaryDirectory() as name:
        full = Path(name) / "full"
        write_checkpoint(full)
        prose = windows(load_model(ARCHITECTURE, full).tokenizer, WINDOW)
        calibration = [half for one in take(prose, asked.calibration) for half in torch.split(one, CALIBRATION, 1)]
        read = take(prose, asked.windows)
        of |= {"source": SOURCE, "windows": len(read), "window": WINDOW, "prompt": PROMPT}
        of |= {"calibration_samples": len(calibration), "calibration_tokens": CALIBRATION}
        print(", ".join(f"{key.replace('_', ' ')} {value}" for key, value in of.items()), flush=True)
        cache = cache_losses(full, [FULL, *asked.cache], read, n_prompt=PROMPT)
        print_all(costs("cache", cache), [], {})  # long before the end, and once more there
        weights, failed = weights_losses(full, [FULL, *asked.weights], read, calibration)
    rows = [*costs("weights", weights), *costs("cache", cache)]
    orders = check(weights | cache)
    of |= {"seconds": round(time.perf_counter() - started), "peak_mib": peak_mib()}
    print_all(rows, orders, failed)
    missing = left_out([*asked.weights, *asked.cache])
    print(f"not measured (what acts on pictures finds none in prose): {', '.join(missing)}")
    print(f"{of['seconds']} s, peak memory of the process {of['peak_mib']} MiB, 1 thread")
    checked = [asdict(order) for order in orders]
    write("decoder", [asdict(row) for row in rows], orders=checked, failed=failed, left_out=missing, **of)
    if failed:
        raise RunError(f"{', '.join(failed)} could not be measured; the reason is printed above")


def read_arguments() -> Any:
    """Read how many windows are read, and which recipes are measured."""
    parser = argparse.ArgumentParser(prog="python -m leanvlm.benches.decoder", description=__doc__)
    parser.add_argument("--windows", type=COUNT, default=32)
    parser.add_argument("--calibration", type=COUNT, default=12, help="windows for calibration")
    parser.add_argument("--weights", nargs="*", default=WEIGHTS)
    parser.add_argument("--cache", nargs="*", default=CACHE)
    return parser.parse_args()


def left_out(recipes: Iterable[str]) -> list[str]:
    """Name the methods that are not measured."""
    measured = {part.method for recipe in (FULL, *recipes) for part in parse(recipe).parts}
    return [name for name in plugins.ids("methods") if name not in measured]


def commit() -> str:
    """Name the code that is measured; an ending tells of changes that no commit has.

    Raises: InputError outside a clone of the project.
    """
    asked = ["git", "describe", "--always", "--dirty"]
    said = subprocess.run(asked, check=False, capture_output=True, text=True)
    if said.returncode:
        raise InputError("the figures name the commit that they are of, and git knows none here; run this in a clone")
    return said.stdout.strip()


def peak_mib() -> int:
    """Return the most memory that this process held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    exit_on_error(main)
