"""What params.yaml says: one block per stage, the grid's chosen recipes, and the checkpoints that they need."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.params._endpoints import is_address, is_bucket, is_endpoint, is_loopback
from leanvlm.params._typed import BENCHMARK, NAME, SOME, SOME_KEYS, Rule, between
from leanvlm.recipes import Recipe, parse, slug

if TYPE_CHECKING:
    from leanvlm.benchmarks._benchmark import Benchmark

# Bounds are far above what anybody needs: they catch a slip of the keyboard before it costs hours or the memory.
Name = Annotated[str, NAME]
Names = Annotated[tuple[Name, ...], SOME]
BenchmarkName = Annotated[str, BENCHMARK]
BenchmarkNames = Annotated[tuple[BenchmarkName, ...], SOME]
Recipes = Annotated[tuple[str, ...], SOME]
Sources = Annotated[tuple[Annotated[str, Rule(bool, "a benchmark, or a path")], ...], SOME]
Count = Annotated[int, between(1, 100_000)]
Few = Annotated[int, between(1, 1000)]
Tokens = Annotated[int, between(1, 32_768)]
Seed = Annotated[int, between(0, 2**31 - 1)]
TrainingSeed = Annotated[int, between(0, 9_999_999)]  # graded samples are drawn from the next one on
Minutes = Annotated[float, between(0, 10_000)]
Dollars = Annotated[float, between(0, 10_000)]
VARIABLE = Rule(re.compile(r"|[A-Za-z_][A-Za-z0-9_]{,99}").fullmatch, "a variable of the environment, not the key")
MaxPixels = Annotated[int, Rule(lambda n: n == 0 or n >= 28 * 28, "784 or more, or left out")]
SERVER = Rule(lambda url: not url or is_endpoint(url), "http(s)://host[:port], and no user or query in it; or nothing")
REGION = Rule(re.compile(r"[a-z0-9-]{1,50}").fullmatch, "a region, such as us-east-1")
TWO_LEVELS = Rule(lambda levels: len(set(levels)) == len(levels) > 1, "two levels or more, each once")
Levels = Annotated[tuple[Few, ...], TWO_LEVELS]


@dataclass(frozen=True)
class Grid:
    """What is run: every model x recipe x benchmark is a cell."""

    models: Names
    recipes: Recipes
    benchmarks: BenchmarkNames
    more: tuple[str, ...] = ()  # recipes that a profile adds

    @property
    def chosen(self) -> tuple[str, ...]:
        """All recipes, as they are spelt."""
        return self.recipes + self.more


@dataclass(frozen=True)
class Checkpoint:
    """One model: where its checkpoint lies, and what is special about asking it."""

    checkpoint: Annotated[str, Rule(bool, "a folder, or owner/name[@revision] of the hub")]
    architecture: str = ""  # a file of leanvlm/models; config.json says it where this does not
    dtype: str = ""  # else answer.dtype
    device_map: str = ""  # else answer.device; "auto" spreads the layers over the GPUs that are there
    max_pixels: MaxPixels = 0  # of a picture


@dataclass(frozen=True)
class Samples:
    """How many samples of each benchmark, and which draw."""

    n: Count
    seed: Seed


@dataclass(frozen=True)
class Calibration:
    """How many training questions weights methods look at, which draw, and of which benchmarks or files, in turn."""

    n: Count
    seed: TrainingSeed
    sources: Sources


@dataclass(frozen=True)
class Compressing:
    """Where a layer computes while a weights method looks at it, and in which dtype; scores are in float32."""

    device: str
    dtype: str


@dataclass(frozen=True)
class Answering:
    """How answers are made."""

    max_new_tokens: Tokens
    dtype: str
    device: str
    workers: Few
    rows: Few
    keep_unused_cells: Annotated[int, between(0, 1_000_000)]
    features_gb: Annotated[float, between(0, 100_000)] = 10.0  # on disk; 0 keeps none


@dataclass(frozen=True)
class Cluster:
    """Whose workers answer and compress, each on a GPU of its own: those of one that runs, or of one for this run."""

    runner: Annotated[str, Rule(("dask", "ray").__contains__, "dask or ray")]
    address: Annotated[str, Rule(is_address, "tcp://HOST:PORT of Dask's scheduler, or HOST:PORT of Ray's head")] = ""
    workers: Annotated[int, between(0, 1000)] = 0  # of a cluster on this machine, which ends with the run
    folder: str = ""  # where workers find this checkout, if not under the path that it has here


@dataclass(frozen=True)
class Judge:
    """Who says what an answer is worth where no rule can: a model behind an endpoint, and what it may cost."""

    endpoint: Annotated[str, Rule(is_endpoint, "https://host/path or http://host/path, and no user or query in it")]
    model: Annotated[str, Rule(bool, "the model's name at the endpoint")]
    dollars_per_million_in: Dollars  # tokens
    dollars_per_million_out: Dollars
    most_dollars: Annotated[float, between(0, 1_000_000)]  # of all replies that the grid needs
    key_variable: Annotated[str, VARIABLE] = ""  # of the environment, which holds the key; none where none is needed
    tokens_per_picture: Annotated[int, between(0, 1_000_000)] = 1500  # at most, as the endpoint counts them
    workers: Few = 4  # calls that wait for their reply side by side
    timeout_seconds: Annotated[float, between(0.1, 3600)] = 120.0  # of one call

    @property
    def is_here(self) -> bool:
        """Tell whether the endpoint is on this machine, where no proxy stands between."""
        return is_loopback(self.endpoint)


@dataclass(frozen=True)
class LocalJudge:
    """Who says what an answer is worth where no rule can: a checkpoint on this machine, which costs nothing."""

    checkpoint: Annotated[str, Rule(bool, "a folder, or owner/name[@revision] of the hub")]
    dtype: str = "float32"
    device: str = "cpu"
    max_pixels: MaxPixels = 0  # of a picture

    @property
    def endpoint(self) -> str:
        """Say where it is asked, as the table judgements does."""
        return f"this machine, {self.device}, {self.dtype}"

    @property
    def model(self) -> str:
        """Name it, as the table judgements does."""
        return self.checkpoint


@dataclass(frozen=True)
class ObjectStore:
    """Where cells, samples and checkpoints lie that machines share; credentials are never written here."""

    url: Annotated[str, Rule(is_bucket, "s3://bucket or s3://bucket/prefix, in letters, digits and . _ = -")]
    endpoint: Annotated[str, SERVER] = ""  # else AWS itself
    region: Annotated[str, REGION] = "us-east-1"


@dataclass(frozen=True)
class Axes:
    """Along which axes, one at a time, some recipes are timed too: where does a method begin to pay?"""

    recipes: Recipes
    batch_sizes: tuple[Annotated[int, between(2, 64)], ...] = ()  # prompts side by side
    new_tokens: tuple[Annotated[int, between(2, 32_768)], ...] = ()
    pictures: tuple[Annotated[int, between(1, 1000)], ...] = ()  # in one prompt
    sides: tuple[Annotated[int, between(8, 10_000)], ...] = ()  # the longer one of a picture [pixels]

    @property
    def texts(self) -> set[str]:
        """The recipes, as canonical texts; those that the grid lacks are not timed."""
        return {parse(text).text for text in self.recipes}


@dataclass(frozen=True)
class Clock:
    """How seconds are measured."""

    benchmark: BenchmarkName
    samples: Few
    new_tokens: Annotated[int, between(2, 32_768)]  # the first is part of the prefill
    processes: Annotated[int, between(1, 100)]  # one after the other; of one, nobody knows what another run would say
    repeats: Few  # in each of them
    threads: Few
    axes: Axes | None = None
    shapes: tuple[Name, ...] = ()  # files of profiles/shapes: models of random weights, which are timed only
    dollars_per_hour: Dollars = 0.0  # of the machine; 0 where nobody says


@dataclass(frozen=True)
class Tally:
    """How error bars are made."""

    resamples: Count
    seed: Seed


@dataclass(frozen=True)
class Ablation:
    """Which knobs of the drawn benchmarks `make ablate` turns, easy to hard, and what it asks."""

    n: Count
    recipes: Recipes
    knobs: Annotated[dict[Name, Annotated[dict[Name, Levels], SOME_KEYS]], SOME_KEYS]


@dataclass(frozen=True)
class Report:
    """What the report shows beside the numbers."""

    flips: Annotated[int, between(0, 200)]  # more would not fit on a page that opens offline
    seed: Seed = 0  # of the draw of flips


@dataclass(frozen=True)
class Train:
    """How the embedded model was trained: minutes of each lesson on two busy cores."""

    seed: Seed
    tower_minutes: Minutes
    finding_minutes: Minutes
    decoder_minutes: Minutes
    projector_minutes: Minutes
    together_minutes: Minutes
    relating_minutes: Minutes
    last_minutes: Minutes


@dataclass(frozen=True)
class Params:
    """The whole of params.yaml, one block per stage."""

    grid: Grid
    models: Annotated[dict[Name, Checkpoint], SOME_KEYS]
    benchmarks: dict[BenchmarkName, dict[Name, Any]]  # options by benchmark
    samples: Samples
    calibration: Calibration
    compress: Compressing
    answer: Answering
    storage: ObjectStore | None
    judge: Judge | LocalJudge | None
    clock: Clock
    tally: Tally
    ablation: Ablation
    report: Report
    train: Train
    cluster: Cluster | None = None

    def benchmark(self, name: str) -> Benchmark:
        """Build a benchmark with its options.

        Raises: InputError for a name without a file, an option that it lacks, or one of another type.
        """
        from leanvlm.benchmarks._named import named

        return named(name, self.benchmarks.get(name, {}))

    def folder(self, model: str, recipe: Recipe) -> Path:
        """Say where the weights lie that a recipe runs on."""
        text = weights_text(recipe)
        return files.checkpoint(model, slug(text)) if text else self.source(model)

    def dtype(self, model: str) -> str:
        """Say in which dtype a model is asked: its own, else that of all."""
        return self.models[model].dtype or self.answer.dtype

    def source(self, model: str) -> Path:
        """Say where a model's own checkpoint lies: in a folder, or in the hub's cache.

        Raises: InputError where it is neither.
        """
        from leanvlm.models._hub import folder_of

        return folder_of(self.models[model].checkpoint, fetch=False)

    @property
    def weights(self) -> dict[str, str]:
        """The checkpoints that the chosen recipes need: the methods of one each, by its slug.

        Raises: InputError where two have the same slug, as 2:4 and 2.4% do.
        """
        found: dict[str, str] = {}
        for text in sorted({weights_text(parse(text)) for text in self.grid.chosen} - {""}):
            if slug(text) in found:
                raise InputError(f"{found[slug(text)]!r} and {text!r} would share the file name {slug(text)}; "
                                 "take one of them out of params.yaml")  # fmt: skip
            found[slug(text)] = text
        return found


def weights_text(recipe: Recipe) -> str:
    """Spell the methods of a recipe that act on the weights; nothing if there are none."""
    return "+".join(part.text for part in recipe.parts if part.built.acts_on == "weights")
