"""What `make bench-serving` asks, and of which server: one of a recipe that is started, or that runs already."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import torch

from leanvlm import files
from leanvlm.benches.serving.client import Burst, body, burst, model_of
from leanvlm.benches.serving.server import FRESH, Server, served
from leanvlm.choice.kernels import no_faster
from leanvlm.errors import InputError, RunError
from leanvlm.for_vllm.chosen import VARIABLE, of_recipe
from leanvlm.recipes import Recipe, parse, slug
from leanvlm.sample import Sample

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
