"""Read params.yaml and refuse what it should not say: a typo in a key is an error, not a default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from leanvlm import plugins
from leanvlm.errors import InputError
from leanvlm.recipe import Recipe, parse, slug

PROFILES = ("default", "all")
DEVICES = ("cpu", "cuda")
DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Grid:
    """What is run: every model x recipe x benchmark is a cell."""

    models: tuple[str, ...]
    recipes: tuple[str, ...]
    benchmarks: tuple[str, ...]
    profile: str = "default"
    more: tuple[str, ...] = ()  # recipes that the profile "all" adds

    @property
    def chosen(self) -> tuple[str, ...]:
        """The profile's recipes, as they are spelt."""
        return self.recipes + (self.more if self.profile == "all" else ())


@dataclass(frozen=True)
class Checkpoint:
    """One model: the adapter of its architecture and where its checkpoint lies."""

    architecture: str
    checkpoint: str


@dataclass(frozen=True)
class Count:
    """How many rows, and which draw."""

    n: int
    seed: int


@dataclass(frozen=True)
class Calibration:
    """How many training questions weights methods look at, which draw, and of which benchmarks, in turn."""

    n: int
    seed: int
    sources: tuple[str, ...]


@dataclass(frozen=True)
class Answering:
    """How answers are made."""

    max_new_tokens: int
    dtype: str
    device: str
    workers: int
    rows: int
    keep_unused_cells: int


@dataclass(frozen=True)
class Clock:
    """How seconds are measured."""

    benchmark: str
    samples: int
    new_tokens: int
    repeats: int
    threads: int


@dataclass(frozen=True)
class Tally:
    """How error bars are made."""

    resamples: int
    seed: int


@dataclass(frozen=True)
class Ablation:
    """Which knobs of the drawn benchmarks `make ablate` turns, easy to hard, and what it asks."""

    n: int
    recipes: tuple[str, ...]
    knobs: dict[str, dict[str, tuple[int, ...]]]


@dataclass(frozen=True)
class Report:
    """What the report shows beside the numbers."""

    flips: int
    seed: int = 0  # of the draw of flips


@dataclass(frozen=True)
class Train:
    """How the embedded model was trained: minutes of each lesson on two busy cores."""

    seed: int
    tower_minutes: float
    finding_minutes: float
    decoder_minutes: float
    projector_minutes: float
    together_minutes: float
    relating_minutes: float
    last_minutes: float


@dataclass(frozen=True)
class Params:
    """The whole of params.yaml, one block per stage."""

    grid: Grid
    models: dict[str, Checkpoint]
    weights: dict[str, str]
    samples: Count
    calibration: Calibration
    answer: Answering
    clock: Clock
    tally: Tally
    ablation: Ablation
    report: Report
    train: Train

    def folder(self, model: str, recipe: Recipe) -> Path:
        """Say where the weights lie that a recipe runs on."""
        text = weights_text(recipe)
        return Path(f"artifacts/checkpoints/{model}/{slug(text)}" if text else self.models[model].checkpoint)

    @property
    def needed_checkpoints(self) -> dict[str, str]:
        """What stands under `weights:` for the chosen recipes: the methods of one checkpoint each, by its slug.

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


def load(path: Path) -> Params:
    """Read and check params.yaml.

    Raises: InputError naming the first key, name or recipe that cannot be used.
    """
    params = read(path)
    _check_names(params)
    return params


def read(path: Path) -> Params:
    """Read params.yaml, and check its keys and types, not yet what they name.

    Raises: InputError naming the first key that is missing, unknown or of another type.
    """
    if not path.is_file():
        raise InputError(f"no {path} here; run from the repository's root")
    try:
        text = YAML(typ="safe").load(path)  # YAML 1.2, as DVC reads it
    except YAMLError as error:
        raise InputError(f"{path} is not YAML ({_problem(error)}); mend it or `git checkout {path}`") from None
    params: Params = _build(Params, text, "params.yaml")
    return params


def _problem(error: YAMLError) -> str:
    """Say on one line what is wrong, and where."""
    if isinstance(error, MarkedYAMLError) and error.problem and error.problem_mark:
        return f"{error.problem.splitlines()[0]} in line {error.problem_mark.line + 1}"
    return str(error).strip().splitlines()[0]


def _check_names(params: Params) -> None:
    if params.grid.profile not in PROFILES:
        raise InputError(f"grid.profile is {params.grid.profile!r}; it must be {' or '.join(PROFILES)}")
    for name in (*params.grid.benchmarks, params.clock.benchmark):
        plugins.load("benchmarks", name)
    for names in (params.grid.benchmarks, params.grid.models):
        if twice := {name for name in names if names.count(name) > 1}:
            raise InputError(f"{min(twice)!r} stands twice under `grid:` in params.yaml; write it once")
    if params.answer.device not in DEVICES or params.answer.dtype not in DTYPES:
        raise InputError(f"answer.device is {params.answer.device!r} and answer.dtype {params.answer.dtype!r}; they "
                         f"must be one of {', '.join(DEVICES)} and one of {', '.join(DTYPES)}")  # fmt: skip
    for name in params.grid.models:
        if name not in params.models:
            raise InputError(f"no model {name!r} under `models:` in params.yaml; it has {', '.join(params.models)}")
        plugins.load("models", params.models[name].architecture)
    _check_recipes(params)
    _check_ablation(params.ablation.recipes)


def _check_ablation(recipes: Sequence[str]) -> None:
    parsed = [parse(text) for text in recipes]
    if "controls/full" not in [recipe.text for recipe in parsed]:
        raise InputError("ablation.recipes lacks 'controls/full', which every loss is taken of; add it to params.yaml")
    for recipe in parsed:
        if recipe.part("weights") is not None:
            raise InputError(f"ablation.recipes has {recipe.text!r}, and an ablation runs on the untouched checkpoint "
                             "only; leave out what acts on weights")  # fmt: skip


def _check_recipes(params: Params) -> None:
    spelt = params.grid.recipes + params.grid.more
    recipes = [parse(text) for text in spelt]
    texts = [recipe.text for recipe in recipes]
    for given, text in zip(spelt, texts, strict=True):
        if texts.count(text) > 1:
            raise InputError(f"recipe {given!r} stands twice in params.yaml; write it once, as {text!r}")
    if "controls/full" not in texts[: len(params.grid.recipes)]:
        raise InputError("grid.recipes lacks 'controls/full', which every ratio is taken of; add it to params.yaml")
    for name, text in params.needed_checkpoints.items():
        if params.weights.get(name) != text:
            raise InputError(f"recipe {text!r} needs a checkpoint, and `weights:` in params.yaml has no line "
                             f"`{name}: {text!r}`; run `make repro`, which adds it")  # fmt: skip


def _build(kind: Any, value: Any, where: str) -> Any:
    """Turn plain YAML into a dataclass, a tuple, a dict or a scalar of the annotated type."""
    if is_dataclass(kind):
        return _build_block(kind, value, where)
    if get_origin(kind) is tuple:
        _expect(isinstance(value, list), value, "a list", where)
        return tuple(_build(get_args(kind)[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if get_origin(kind) is dict:
        _expect(isinstance(value, dict), value, "a block of keys", where)
        return {key: _build(get_args(kind)[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float:
        _expect(isinstance(value, int | float) and not isinstance(value, bool), value, "a number", where)
        return float(value)
    names = {str: "a quoted text", int: "a whole number"}
    _expect(isinstance(value, kind) and not isinstance(value, bool), value, names[kind], where)
    if kind is int:
        least = 0 if where.endswith((".seed", ".keep_unused_cells", ".flips")) else 1
        least = 2 if where.endswith("clock.new_tokens") else least  # the first is part of the prefill
        _expect(value >= least, value, f"{least} or more", where)
    return value


def _build_block(kind: Any, value: Any, where: str) -> Any:
    _expect(isinstance(value, dict), value, "a block of keys", where)
    known = [field.name for field in fields(kind)]
    for key in value:
        if key not in known:
            raise InputError(f"{where} has no key {key!r}; it knows: {', '.join(known)}")
    for field in fields(kind):
        if field.name not in value and field.default is MISSING:
            raise InputError(f"{where} lacks the key {field.name!r}; add it, or `git checkout params.yaml`")
    hints = get_type_hints(kind)
    return kind(**{key: _build(hints[key], item, f"{where}.{key}") for key, item in value.items()})


def _expect(holds: bool, value: Any, wanted: str, where: str) -> None:
    if not holds:
        raise InputError(f"{where} is {value!r}; it must be {wanted}")
