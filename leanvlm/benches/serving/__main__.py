"""What a recipe gives whoever serves a model, full against compressed in the same engine: `make bench-serving`.

vLLM serves the model and each compressed checkpoint, two at a time. They are asked the same questions over HTTP in
turns, a given number side by side; no answer is taken from a cache. A recipe's weights are a checkpoint that `make
repro` wrote, and its tokens are left to leanvlm/for_vllm. A server that already runs, on a GPU's machine say, is asked
with `--at RECIPE URL`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from leanvlm import files, plugins
from leanvlm.benches._figures import write
from leanvlm.benches.serving.bench import Asked, Bench, work_of
from leanvlm.benches.serving.client import Burst, burst
from leanvlm.benches.serving.figures import HEADS, Limits, Row, as_json, row
from leanvlm.benches.serving.server import PYTHON
from leanvlm.errors import InputError, exit_on_error
from leanvlm.printing import as_table
from leanvlm.recipes import FULL, parse

RECIPES = ("weights/wanda@50%", "weights/gptq@w4a16-g128")
MOST_SIDE_BY_SIDE = 64
WARM_UP = 2  # questions before the first round: kernels are built at the first ones


def main() -> None:
    """Ask, then print one line a recipe and number of answers side by side."""
    arguments = _parsed()
    bench, limits = _bench(arguments), Limits(arguments.ttft, arguments.tpot)
    recipes = [parse(text).text for text in arguments.recipes or () if parse(text).text != FULL]
    chosen = dict.fromkeys([*recipes, *(name for name in bench.at if name != FULL)]) or RECIPES
    for recipe in (FULL, *chosen):
        if recipe not in bench.at:
            work_of(parse(recipe), bench.model)  # refuses at once what would be refused after minutes
    with bench.opened(FULL) as full:
        rows = [found for recipe in chosen for found in compared(bench, full, recipe, limits)]
    rows = [*(_row_of(full, n, limits) for n in bench.concurrency), *rows]
    print(as_table(HEADS, [found.cells for found in rows]))
    print("answers/s, times full and good/s: median of the rounds (quartiles)")
    write("serving", [as_json(found) for found in rows], rounds=bench.rounds, questions=bench.questions,
          benchmark=arguments.benchmark, model=bench.model.name, dtype=bench.dtype, ttft=limits.first_seconds,
          tpot=limits.token_seconds)  # fmt: skip


def compared(bench: Bench, full: Asked, recipe: str, limits: Limits) -> list[Row]:
    """Ask a recipe and the full model in turns, who is first changing from round to round."""
    before = {n: len(full.bursts.get(n, ())) for n in bench.concurrency}
    with bench.opened(recipe) as other:
        for one in (full, other):
            burst(one.server.url, bench.bodies(one, 0)[:WARM_UP], concurrency=1)
        for number in range(bench.rounds):
            for n in bench.concurrency:
                for one in (full, other) if number % 2 == 0 else (other, full):
                    one.ask(bench.bodies(one, number), n)
            print(f"{recipe}: round {number + 1} of {bench.rounds}", flush=True)
        return [_row_of(other, n, limits, beside=full.bursts[n][before[n] :]) for n in bench.concurrency]


def _row_of(asked: Asked, n: int, limits: Limits, *, beside: Sequence[Burst] | None = None) -> Row:
    return row(asked.recipe, n, asked.bursts[n], beside=beside, limits=limits, memory=asked.memory[n], note=asked.note)


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m leanvlm.benches.serving", description=__doc__)
    parser.add_argument("recipes", nargs="*", metavar="RECIPE", help=f"beside {FULL}; by default {', '.join(RECIPES)}")
    parser.add_argument("--model", type=Path, default=files.EMBEDDED, metavar="FOLDER")
    parser.add_argument("--at", nargs=2, action="append", default=[], metavar=("RECIPE", "URL"))
    parser.add_argument("--python", type=Path, default=PYTHON, help="of the environment that vLLM is in")
    parser.add_argument("--dtype", default="auto", help="of vLLM")
    parser.add_argument("--benchmark", default="documents")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8], metavar="N", help="answers side by side")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--questions", type=int, default=32, metavar="N", help="of a round, at each concurrency")
    parser.add_argument("--tokens", type=int, default=48, metavar="N", help="most of an answer")
    parser.add_argument("--max-model-len", type=int, default=4096, metavar="TOKENS", help="of a prompt and its answer")
    parser.add_argument("--ttft", type=float, metavar="SECONDS", help="most that a content user waits")
    parser.add_argument("--tpot", type=float, metavar="SECONDS", help="and between tokens")
    return parser.parse_args()


def _bench(arguments: argparse.Namespace) -> Bench:
    """Read the arguments.

    Raises: InputError for a number out of its range, and for a benchmark that cannot be read.
    """
    for name, most in (("rounds", 1000), ("questions", 10_000), ("tokens", 10_000)):
        _refuse(name, getattr(arguments, name), most)
    for n in arguments.concurrency:
        _refuse("concurrency", n, MOST_SIDE_BY_SIDE)
    n_samples = arguments.rounds * arguments.questions
    return Bench(
        model=arguments.model,
        at={parse(recipe).text: url for recipe, url in arguments.at},
        python=arguments.python,
        dtype=arguments.dtype,
        concurrency=sorted(set(arguments.concurrency)),
        rounds=arguments.rounds,
        questions=arguments.questions,
        limit=arguments.tokens,
        most_tokens=arguments.max_model_len,
        samples=list(plugins.load("benchmarks", arguments.benchmark)().samples(n_samples, seed=0))[:n_samples],
    )


def _refuse(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise InputError(f"--{name} is {value}; it must be from 1 to {most}")


if __name__ == "__main__":
    exit_on_error(main)
