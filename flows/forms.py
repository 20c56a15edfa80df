"""What the forms of the Prefect UI ask: drop-downs of what this checkout has, lists, bounded numbers.

The schema of a form refuses a wrong choice before a run is made. What only the grid knows, such as whether a recipe can
be read, is said by the run as its state, in one sentence, before it works.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field

from leanvlm import files, plugins
from leanvlm.params._profiles import NONE, names
from leanvlm.params._yaml import read_yaml
from leanvlm.recipes import FULL
from leanvlm.typed import LOCAL

N_MOST = 100_000  # as samples.n of params.yaml


def one_of(choices: Callable[[], Sequence[str]]) -> Any:
    """Show a text as a drop-down; the choices are looked up when the form is deployed."""
    return Field(json_schema_extra=lambda schema: schema.update(enum=list(choices())))


def _profiles() -> list[str]:
    return [NONE, *names(Path())]


def _stages() -> list[str]:
    return [name for name, stage in read_yaml(Path("dvc.yaml"))["stages"].items() if not stage.get("frozen")]


def _models() -> list[str]:
    """List the models of params.yaml and of every profile."""
    written = [files.PARAMS, *(files.PROFILES / f"{name}.yaml" for name in names(Path()))]
    blocks = [read_yaml(path).get("models") or {} for path in written]
    return list(dict.fromkeys(name for block in blocks for name in block))


Profile = Annotated[str, one_of(_profiles)]
Stage = Annotated[str, one_of(_stages)]
Model = Annotated[str, one_of(_models)]
Method = Annotated[str, one_of(lambda: plugins.ids("methods"))]
Benchmark = Annotated[str, one_of(lambda: plugins.ids("benchmarks"))]
PROFILE = "A file of profiles/, laid over params.yaml in this run; default lays none."
SETTING = (
    "The share kept, such as 10%; methods on weights have settings of their own, such as 50%, 2:4 or w4a16-g128. "
    "controls/full and controls/blind have none."
)
RECIPES = "More recipes, as params.yaml spells them, such as tokens/fastv@40%+cache/snapkv@20%."


class Reproduce(BaseModel, extra="forbid"):
    """What to bring up to date."""

    profile: Profile = Field(default=NONE, description=PROFILE)
    stages: list[Stage] = Field(default=[], description="Stages, with all that they need. None: the whole pipeline.")

    def laid(self) -> dict[str, Any]:
        """Return what is laid over params.yaml and the profile: nothing."""
        return {}


class Setting(BaseModel, str_strip_whitespace=True, extra="forbid"):
    """One method at one setting."""

    method: Method = Field(description="`leanvlm methods` says what each does.")
    setting: str = Field(default="", max_length=100, description=SETTING)

    @property
    def text(self) -> str:
        """Spell the recipe as params.yaml does."""
        return f"{self.method}@{self.setting}" if self.setting else self.method


class Sweep(BaseModel, str_strip_whitespace=True, extra="forbid"):
    """A grid of your own: every model x recipe x benchmark. Empty fields are as params.yaml and the profile say."""

    profile: Profile = Field(default=NONE, description=PROFILE)
    models: list[Model] = Field(default=[], description="One of a profile needs that profile.")
    methods: list[Setting] = Field(default=[], description="Recipes of one method each; controls/full is always asked.")
    recipes: list[str] = Field(default=[], max_length=200, description=RECIPES)
    benchmarks: list[Benchmark] = Field(default=[], description="The first is timed; one without data here is skipped.")
    questions: list[str] = Field(default=[], max_length=50, description="Files of your own questions, by their paths.")
    n: int = Field(default=100, ge=1, le=N_MOST, description="Questions of each benchmark, at most.")

    def laid(self) -> dict[str, Any]:
        """Return what is laid over params.yaml and the profile; what was left empty lays nothing."""
        benchmarks = [*self.benchmarks, *(f"{LOCAL}{path}" for path in self.questions)]
        recipes = [one.text for one in self.methods] + self.recipes
        grid = {
            "models": self.models,
            "recipes": recipes and [FULL, *(text for text in recipes if text != FULL)],
            "benchmarks": benchmarks,
        }
        chosen: dict[str, Any] = {"grid": {key: value for key, value in grid.items() if value}}
        if recipes:
            chosen["grid"]["more"] = []  # of the profile
        if benchmarks:
            chosen["clock"] = {"benchmark": benchmarks[0]}
        return chosen | {"samples": {"n": self.n}}
