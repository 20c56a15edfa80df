"""vLLM under a recipe says what leanvlm says under it: `make test-vllm`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from leanvlm import files, plugins
from leanvlm.engine.sweep import answers_to
from leanvlm.errors import RunError
from leanvlm.for_vllm.chosen import VARIABLE
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import FULL, parse
from leanvlm.sample import Sample
from tests.models import tiny
from tests.models.test_processors import write_checkpoint
from tests.serving.server import ask, served

pytestmark = pytest.mark.vllm

N, LIMIT = 20, 48  # questions, tokens of an answer
SIDE_BY_SIDE = 4
RECIPES = (
    FULL,
    "controls/random_tokens@25%",
    "controls/pool@25%",
    "tokens/prumerge@25%",
    "tokens/tome@25%",
    "tokens/visionzip@25%",
    "tokens/visionzip@100%",
)
SMALL_STEPS = ("--max-num-batched-tokens=50",)  # a prompt is read in three steps, and a picture is cut by their ends


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    return list(plugins.load("benchmarks", "documents")().samples(N, seed=0))[:N]


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model("llava_onevision", files.EMBEDDED)


@pytest.mark.parametrize(
    ("recipe", "arguments"), [*((recipe, ()) for recipe in RECIPES), ("tokens/visionzip@25%", SMALL_STEPS)]
)
def test_vllm_answers_as_leanvlm_does(
    recipe: str, arguments: tuple[str, ...], samples: list[Sample], model: LoadedModel, tmp_path: Path
) -> None:
    folder, told = files.EMBEDDED.absolute(), {VARIABLE: recipe}
    with (
        served(folder, dtype="float32", log=tmp_path / "log", arguments=arguments, variables=told) as client,
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        found = list(pool.map(partial(ask, client, limit=LIMIT), samples))
    both = [parse(FULL), parse(recipe)] if recipe != FULL else [parse(FULL)]
    said = [answers_to(model, sample, both, limit=LIMIT) for sample in samples]
    assert found == [answers[recipe].answer for answers in said]
    n_changed = sum(answers[recipe].answer != answers[FULL].answer for answers in said)
    assert n_changed >= N // 2 or recipe in (FULL, "tokens/visionzip@100%")  # else equal answers would say little


@pytest.mark.parametrize(
    ("recipe", "architecture", "said"),
    [
        (
            "tokens/fastv@25%",
            "llava_onevision",
            r"leanvlm: vLLM cannot serve tokens/fastv@25%: it drops tokens between",
        ),
        (
            "tokens/tome@25%",
            "qwen2_vl",
            r"leanvlm: LEANVLM_RECIPE cannot be served with Qwen2VLForConditionalGeneration",
        ),
    ],
)
def test_what_cannot_be_served_ends_with_a_sentence(recipe: str, architecture: str, said: str, tmp_path: Path) -> None:
    folder = files.EMBEDDED.absolute()
    if architecture in tiny.BUILDERS:
        folder = tmp_path / "model"
        write_checkpoint(architecture, folder)
    with (
        pytest.raises(RunError, match=rf"(?s){said}[^\n]*$"),
        served(folder, dtype="float32", log=tmp_path / "log", variables={VARIABLE: recipe}),
    ):
        pass
