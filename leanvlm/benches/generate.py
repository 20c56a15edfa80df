"""What answering costs beside transformers' own `generate`: `make bench-generate`, `CHECKPOINT=FOLDER` for a model.

`python -m leanvlm.benches.generate --shape llava-onevision-7b --device cuda` asks a model of random weights on a GPU.

One question alone, and eight questions together, each against `generate` asked one question after the other, in turns
in one process and thread; no answer ends before its length. The processor's work is on both sides. On a CPU vision
passes and prompts are never batched, since no answer may depend on its company: what is shared is decoding alone, so
the gain grows with the length of answers and shrinks with the number of visual tokens.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from leanvlm.benches import _subject
from leanvlm.benches._figures import COUNT, span, write
from leanvlm.clock.timers import FULL_MODEL
from leanvlm.engine.sweep import answer_all
from leanvlm.errors import exit_on_error
from leanvlm.models._model import LoadedModel
from leanvlm.sample import Sample

N_SAMPLES = 8


def main() -> None:
    """Print a line per length of answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    _subject.add_arguments(parser, dtype="bfloat16")
    parser.add_argument("--lengths", type=COUNT, nargs="+", default=[16, 48, 192], metavar="TOKENS")
    parser.add_argument("--repeats", type=COUNT, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    model = _subject.load(asked)
    samples = [_subject.page(seed) for seed in range(N_SAMPLES)]
    n_tokens = model.inputs(samples[0].pictures(), samples[0].question)["input_ids"].shape[1]
    print(f"{n_tokens} prompt tokens, {asked.dtype} on {asked.device}, {asked.repeats} repeats, 1 thread")
    figures = [compare(model, samples, length, asked.repeats) for length in asked.lengths]
    write("generate", figures, prompt_tokens=n_tokens, shape=asked.shape, dtype=asked.dtype, device=asked.device,
          samples=N_SAMPLES, repeats=asked.repeats)  # fmt: skip


def compare(model: LoadedModel, samples: Sequence[Sample], length: int, repeats: int) -> dict[str, Any]:
    """Time the three ways in turns; print and return their ratios to `generate`: median and quartiles."""
    rows = []
    for _ in range(repeats + 1):  # the first warms up
        single = seconds(lambda: generate(model, samples[0], length))
        alone = seconds(lambda: ours(model, samples[:1], length))
        each = [seconds(lambda asked=sample: generate(model, asked, length)) for sample in samples]  # type: ignore[misc]
        together = seconds(lambda: ours(model, samples, length))
        rows.append((alone / single, together / sum(each), single))
    low, middle, high = np.quantile(np.array(rows[1:]), [0.25, 0.5, 0.75], axis=0)
    spans = [span(low[i], middle[i], high[i]) for i in (0, 1)]
    print(f"{length:>3} new tokens: generate {middle[2]:.2f} s a question; ours {spans[0]} of it alone, "
          f"{spans[1]} for {len(samples)} together", flush=True)  # fmt: skip
    figures = [[float(low[i]), float(middle[i]), float(high[i])] for i in (0, 1)]
    return {"new_tokens": length, "alone": figures[0], "together": figures[1], "generate_seconds": float(middle[2])}


def generate(model: LoadedModel, sample: Sample, length: int) -> None:
    """Answer one question with transformers' own loop."""
    inputs = model.inputs(sample.pictures(), sample.question)
    with torch.inference_mode():
        model.model.generate(**inputs, max_new_tokens=length, min_new_tokens=length, do_sample=False)


def ours(model: LoadedModel, samples: Sequence[Sample], length: int) -> None:
    """Answer questions with the engine."""
    assert len(list(answer_all(model, samples, [FULL_MODEL], limit=length, stops=frozenset()))) == len(samples)


def seconds(run: Callable[[], None]) -> float:
    """Time one call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    exit_on_error(main)
