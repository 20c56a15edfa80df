"""Refuse names in params.yaml that mean nothing here, recipes that are listed twice, and what lacks its reference."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from leanvlm import plugins
from leanvlm.errors import InputError
from leanvlm.params.answering import Answering
from leanvlm.params.clock import Clock
from leanvlm.params.judges import LocalJudge
from leanvlm.params.machines import Cluster
from leanvlm.params.models import Compressing
from leanvlm.params.params import Params
from leanvlm.recipes import FULL, parse
from leanvlm.rows.once import refuse_file_twice
from leanvlm.shape_names import refuse_unknown

DEVICES = ("cpu", "cuda")
DTYPES = ("float32", "bfloat16", "float16")


def check_names(params: Params) -> None:
    """Raise InputError for the first name, recipe, knob or missing reference."""
    for names in (params.grid.benchmarks, params.grid.models):
        if twice := {name for name in names if names.count(name) > 1}:
            raise InputError(f"{min(twice)!r} is listed twice under `grid:` in params.yaml; write it once")
    _check_benchmarks(params)
    refuse_file_twice(params.grid.benchmarks, where="under `grid:` in params.yaml")
    for name, block in (("answer", params.answer), ("compress", params.compress)):
        _check_device(name, block)
    _check_cluster(params.cluster)
    _check_clock(params.clock)
    _check_judge(params)
    _check_models(params)
    _check_recipes(params)
    _check_ablated(params.ablation.recipes)


def _check_device(name: str, block: Answering | Compressing | LocalJudge) -> None:
    if block.device not in DEVICES or block.dtype not in DTYPES:
        raise InputError(f"{name}.device is {block.device!r} and {name}.dtype {block.dtype!r}; they must be one of "
                         f"{', '.join(DEVICES)} and one of {', '.join(DTYPES)}")  # fmt: skip


def _check_clock(clock: Clock) -> None:
    for name in clock.shapes:
        refuse_unknown(name)
    for text in clock.axes.recipes if clock.axes else ():
        parse(text)


def _check_cluster(cluster: Cluster | None) -> None:
    if cluster is None:
        return
    if bool(cluster.address) == bool(cluster.workers):
        raise InputError("cluster needs either the address of one that runs or a number of workers for one on this "
                         f"machine, and has address {cluster.address!r} and workers {cluster.workers}")  # fmt: skip
    if cluster.runner == "ray" and cluster.address.startswith("t"):
        raise InputError(f"cluster.address is {cluster.address!r}, which is one of Dask's; Ray's are HOST:PORT")
    if find_spec(f"prefect_{cluster.runner}") is None:
        raise InputError(f'cluster.runner is {cluster.runner!r}, which is not installed; run: pip install '
                         f'"leanvlm[{cluster.runner}]", or set cluster to null')  # fmt: skip


def _check_judge(params: Params) -> None:
    judge = params.judge
    if isinstance(judge, LocalJudge):
        _check_device("judge", judge)
    elif judge and judge.key_variable and judge.endpoint.startswith("http:") and not judge.is_here:
        raise InputError(f"judge.endpoint is {judge.endpoint!r}, and the key in {judge.key_variable} could be read on "
                         "the way there; write https://, or leave judge.key_variable out")  # fmt: skip


def _check_models(params: Params) -> None:
    for name in params.grid.models:
        if name not in params.models:
            raise InputError(f"no model {name!r} under `models:` in params.yaml; it has {', '.join(params.models)}")
    for name, model in params.models.items():
        if model.architecture:
            plugins.check("models", model.architecture)
        if model.dtype not in ("", *DTYPES):
            raise InputError(f"models.{name}.dtype is {model.dtype!r}; it must be one of {', '.join(DTYPES)}")


def _check_benchmarks(params: Params) -> None:
    from leanvlm.ablation.levels import levels  # these draw, and `read` does without
    from leanvlm.calibration import source_of
    from leanvlm.params._knobs import refuse_undrawable

    seed = params.samples.seed
    for name in (*params.benchmarks, *params.grid.benchmarks, params.clock.benchmark):
        refuse_undrawable(params.benchmark(name), f"benchmarks.{name}", seed=seed)
    if params.clock.benchmark not in params.grid.benchmarks:
        raise InputError(f"clock.benchmark is {params.clock.benchmark!r}, which grid.benchmarks lacks; it must be one "
                         f"of {', '.join(params.grid.benchmarks)}")  # fmt: skip
    for name in params.calibration.sources:
        source_of(name, params.benchmark)
    for level in levels(params.ablation.knobs):
        refuse_undrawable(level.built(), f"ablation.knobs.{level.benchmark}.{level.knob}", seed=seed)


def _check_ablated(recipes: Sequence[str]) -> None:
    parsed = [parse(text) for text in recipes]
    if FULL not in [recipe.text for recipe in parsed]:
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
            raise InputError(f"recipe {given!r} is listed twice in params.yaml; write it once, as {text!r}")
    if FULL not in texts[: len(params.grid.recipes)]:
        raise InputError("grid.recipes lacks 'controls/full', which every ratio is taken of; add it to params.yaml")
    assert params.weights is not None  # two of one slug are refused
