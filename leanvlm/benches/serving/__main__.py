"""What a recipe gives whoever serves a model, full against compressed in the same engine: `make bench-serving`.

vLLM serves the model and each compressed checkpoint, two at a time. They are asked the same questions over HTTP, in
turns, so many side by side; no answer is taken from a cache. A recipe's weights are a checkpoint that `make repro`
wrote, and its tokens are left to leanvlm/for_vllm. A server that already runs, on a GPU's machine say, is asked with
`--at RECIPE URL`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import torch

from leanvlm import files, plugins
from leanvlm.benches._figures import write
from leanvlm.benches.serving.client import Burst, body, burst, model_of
from leanvlm.benches.serving.figures import HEADS, Limits, Row, as_json, row
from leanvlm.benches.serving.server import FRESH, PYTHON, Server, served
from leanvlm.choice.kernels import no_faster
from leanvlm.errors import InputError, RunError, exit_on_error
from leanvlm.for_vllm.chosen import VARIABLE, of_recipe
from leanvlm.printing import as_table
from leanvlm.recipes import FULL, Recipe, parse, slug
from leanvlm.sample import Sample

RECIPES = ("weights/wanda@50%", "weights/gptq@w4a16-g128")
MOST_SIDE_BY_SIDE = 64
WARM_UP = 2  # questions before the first round: kernels are built at the first ones
EAGER = "--enforce-eager"  # where no GPU is: compiling takes minutes there


@dataclass(frozen=True)
class Bench:
    """What is asked, how often, and of which servers."""

    model: Path
    at: dict[str, str]  # servers that run already, by their recipe
    python: Path
    dtype: str
    concurrency: Sequence[int]
    rounds: int
    questions: int  # of a round, at each concurrency
    limit: int  # most tokens of an answer
    most_tokens: int
    samples: Sequence[Sample]

    @contextmanager
    def opened(self, recipe: str) -> Iterator[Asked]:
        """Serve a recipe, or find the server that does, for the length of a `with`."""
        if recipe in self.at:
            server = Server(self.at[recipe].rstrip("/").removesuffix("/v1"))
            yield Asked(recipe, server, model_of(server.url))
            return
        folder, variables = work_of(parse(recipe), self.model)
        with served(
            folder,
            log=files.BENCH / "serving" / f"{slug(recipe)}.log",
            python=self.python,
            dtype=self.dtype,
            side_by_side=max(self.concurrency),
            most_tokens=self.most_tokens,
            arguments=FRESH if torch.cuda.is_available() else (*FRESH, EAGER),
            variables=variables,
        ) as server:
            note = None if variables[VARIABLE] else note_of(folder)
            yield Asked(recipe, server, model_of(server.url), note)

    def bodies(self, asked: Asked, number: int) -> list[bytes]:
        """Write the requests of one round, others than those of the round before while there are any."""
        start = number * self.questions % len(self.samples)
        chosen = islice(cycle(self.samples), start, start + self.questions)
        return [body(sample, model=asked.model, limit=self.limit) for sample in chosen]


@dataclass(frozen=True)
class Asked:
    """A server of one recipe, and the bursts that it answered, by how many were side by side."""

    recipe: str
    server: Server
    model: str  # as the server calls it
    note: str | None = None
    bursts: dict[int, list[Burst]] = field(default_factory=dict)
    memory: dict[int, list[int | None]] = field(default_factory=dict)

    def ask(self, bodies: Sequence[bytes], concurrency: int) -> None:
        """Ask one burst, then look at what the server holds.

        Raises: RunError, which names the log of a server that was started from here.
        """
        try:
            found = burst(self.server.url, bodies, concurrency=concurrency)
        except RunError as error:
            raise RunError(f"{self.recipe}: {error}" + (f" {log}" if (log := self.server.log) else "")) from None
        self.bursts.setdefault(concurrency, []).append(found)
        self.memory.setdefault(concurrency, []).append(self.server.memory_bytes())


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


def work_of(recipe: Recipe, model: Path) -> tuple[Path, dict[str, str]]:
    """Find the checkpoint that a recipe's weights lie in, and tell the plug-in what is left to it.

    Raises: InputError for a recipe that vLLM cannot serve, or whose checkpoint was not made.
    """
    weights = Recipe(tuple(part for part in recipe.parts if part.built.acts_on == "weights"))
    others = Recipe(tuple(part for part in recipe.parts if part not in weights.parts))
    reduced = of_recipe(others) if others.parts else None
    variables = {VARIABLE: reduced.part.text if reduced else ""}  # whatever the environment of the bench says
    if not weights.parts:
        if not (model / "config.json").is_file():
            raise InputError(f"no checkpoint in {model}; name a model's folder with --model")
        return model.absolute(), variables
    folder = files.checkpoint(model.name, slug(weights.text))
    if not folder.is_dir():
        raise InputError(f"no checkpoint of {weights.text} in {folder}; name it under grid.recipes in params.yaml, and "
                         "`make repro` makes it")  # fmt: skip
    return folder.absolute(), variables


def note_of(folder: Path) -> str | None:
    """Say of a checkpoint that was compressed here why it cannot be faster, if it cannot."""
    path = folder / files.AUDIT
    if not path.is_file():
        return None
    layers = json.loads(path.read_text(encoding="utf-8"))["layers"].values()
    return no_faster(
        stored_bytes=sum(layer["stored_bytes"] for layer in layers),
        n_weights=sum(layer["n_weights"] for layer in layers),
    )


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
