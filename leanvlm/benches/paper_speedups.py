"""The paper's speed-ups beside ours: `make bench-paper`, on a shape of profiles/shapes, `SHAPE=...` for another.

EffiVLM-Bench's figure is of LLaVA-OneVision 7B on DocVQA on a GPU; leanvlm/paper/speedups.csv holds what can be read
off it. Ours are of random weights of a known shape and a drawn page, in turns with the full model: vision passes are
timed once and added to both sides. Beside each stands what the device allows: operations and bytes, over what it
can do a second.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import torch

from leanvlm.benches import _subject
from leanvlm.benches._figures import COUNT, span, write
from leanvlm.benches._timed import medians, seconds
from leanvlm.benchmarks import documents
from leanvlm.clock.ceilings import Ceilings, measure
from leanvlm.clock.pairs import pairs
from leanvlm.clock.shapes import load_shape
from leanvlm.clock.stopwatch import Stopwatch
from leanvlm.clock.timers import FULL_MODEL
from leanvlm.clock.work import Work, count
from leanvlm.engine.passes import encoder_signals
from leanvlm.engine.prompt import Prompt
from leanvlm.engine.vision.vision_pass import run_vision
from leanvlm.errors import exit_on_error
from leanvlm.models._model import LoadedModel
from leanvlm.models._network import DTYPES
from leanvlm.paper import speedups
from leanvlm.params import DEVICES
from leanvlm.recipes import Recipe, parse
from leanvlm.sample import Sample


def main() -> None:
    """Print a line a method and budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", default="llava-onevision-0.5b")
    parser.add_argument("--dtype", choices=DTYPES, default="bfloat16")
    parser.add_argument("--device", choices=DEVICES, default="cpu")
    parser.add_argument("--repeats", type=COUNT, default=3)
    parser.add_argument("--budgets", nargs="+", default=["40%", "10%", "1%"])
    parser.add_argument(
        "--side", type=COUNT, default=288, help="of the page [pixels]; scanned ones have some 1,200 to 2,000"
    )
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = load_shape(asked.shape, dtype=asked.dtype, device=asked.device)
    limits = measure(model.model.device, DTYPES[asked.dtype])
    sample = page(asked.side)
    full = count(model, [sample], FULL_MODEL)
    print(f"{asked.shape}, {asked.dtype} on {asked.device}, {asked.repeats} pairs, 1 thread, random weights")
    print(f"{'recipe':<24}{'TTFT ours':>24}{'theirs':>8}{'theory':>8}{'TPOT ours':>24}{'theirs':>8}{'theory':>8}")
    rows = []
    for printed in speedups.read():
        if printed.budget in asked.budgets:
            recipe = parse(f"{printed.method}@{printed.budget}")
            found = compare(model, sample, recipe, full, limits, asked.repeats)
            rows.append(found | {"theirs": [printed.ttft, printed.tpot]})
            print(line(rows[-1]), flush=True)
    write("paper_speedups", rows, shape=asked.shape, dtype=asked.dtype, device=asked.device, repeats=asked.repeats)


def page(side: int) -> Sample:
    """Draw a page of text, as DocVQA shows, as large as it was scanned."""
    drawn = _subject.page(0, documents.Benchmark(columns=24, rows=24))
    return Sample(
        sample_id="s", question=drawn.question, images=tuple(one.resize((side, side)) for one in drawn.pictures())
    )


def compare(
    model: LoadedModel, sample: Sample, recipe: Recipe, full: Work, limits: Ceilings, repeats: int
) -> dict[str, Any]:
    """Time one recipe beside the full model; return the ratios with their intervals, and those of the limits."""
    inputs = model.inputs(sample.pictures(), sample.question)
    mine, theirs = (_prompt(model, inputs, one) for one in (recipe, FULL_MODEL))
    timed = [
        ((theirs[1] + slow.prefill) / (mine[1] + fast.prefill), slow.decode / fast.decode)
        for fast, slow in pairs(
            partial(seconds, model, theirs[0], FULL_MODEL), partial(seconds, model, mine[0], recipe), repeats=repeats
        )
    ]
    low, middle, high = medians(timed)
    ours = [[float(low[i]), float(middle[i]), float(high[i])] for i in (0, 1)]
    work = count(model, [sample], recipe)
    theory = [_least(full, phase, limits) / _least(work, phase, limits) for phase in (1, 2)]  # prefill, decode
    return {"recipe": recipe.text, "ours": ours, "theory": theory}


def _prompt(model: LoadedModel, inputs: dict[str, torch.Tensor], recipe: Recipe) -> tuple[Prompt, float]:
    """Run the vision pass once to warm up and once to be timed."""
    for _ in range(2):
        watch = Stopwatch(model.model.device)
        with watch.phase("vision"):
            prompt = run_vision(model, inputs, wanted=encoder_signals([recipe]))
    return prompt, watch.seconds()["vision"]


def _least(work: Work, phase: int, limits: Ceilings) -> float:
    return max(work.operations[phase] / limits.operations, work.moved_bytes[phase] / limits.moved_bytes)


def line(row: dict[str, Any]) -> str:
    """Spell a row as it is printed."""
    (first, later), theirs, theory = row["ours"], row["theirs"], row["theory"]
    return (f"{row['recipe']:<24}{span(*first):>24}{theirs[0]:>7.2f}x{theory[0]:>7.2f}x"
            f"{span(*later):>24}{theirs[1]:>7.2f}x{theory[1]:>7.2f}x")  # fmt: skip


if __name__ == "__main__":
    exit_on_error(main)
