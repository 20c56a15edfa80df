"""vLLM under a recipe says what leanvlm says under it: `make test-vllm`."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from leanvlm import files, plugins
from leanvlm.engine.sweep import answers_to
from leanvlm.errors import RunError
from leanvlm.for_vllm.chosen import VARIABLE
from leanvlm.models._loading import load_model
from leanvlm.models._published import complete_processor, save_published
from leanvlm.recipes import FULL, parse
from leanvlm.sample import Sample
from tests.models import tiny
from tests.models.test_processors import QUESTION, image_processor, tokenizer, write_checkpoint
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
SMALL_BLOCKS = ("--block-size=32",)  # at 20 %, what is cached of a prompt then covers its whole picture
SIDE = 28  # pixels of a token of Qwen2.5-VL
SIDES = [(a, b) for a in range(2, 9) for b in range(2, 9) if a * b <= 16]  # tokens; such pictures are not resized


@pytest.fixture(scope="module")
def embedded() -> tuple[Path, list[Sample]]:
    """The embedded model and drawn documents."""
    return files.EMBEDDED.absolute(), list(plugins.load("benchmarks", "documents")().samples(N, seed=0))[:N]


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Sample]]:
    """A random Qwen2.5-VL, with heads as wide as vLLM has kernels for, and pictures of noise."""
    folder = tmp_path_factory.mktemp("qwen")
    tower = {"hidden_size": 32, "out_hidden_size": 128, "intermediate_size": 64}
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(tiny.TEXT, "hidden_size", 128)
        network, _ = tiny.qwen(
            "qwen2_5_vl", "Qwen2_5_VL", {**tower, "window_size": 56, "fullatt_block_indexes": [1, 3]}
        )
    network.config.text_config.rope_parameters["mrope_section"] = [4, 6, 6]
    network.generation_config.eos_token_id = 2
    save_published(network, folder)
    tokenizer("qwen2_5_vl").save_pretrained(folder)
    image_processor("qwen2_5_vl").save_pretrained(folder)
    complete_processor(folder)
    return folder, [_noise(index) for index in range(N)]


def _noise(index: int) -> Sample:
    rng = random.Random(index)
    width, height = (SIDE * side for side in SIDES[index % len(SIDES)])
    image = Image.frombytes("RGB", (width, height), rng.randbytes(3 * width * height))
    return Sample(sample_id=f"noise{index}", question=QUESTION, images=(image,))


@pytest.mark.parametrize(
    ("model", "recipe", "arguments"),
    [
        *(("embedded", recipe, ()) for recipe in RECIPES),
        ("embedded", "tokens/visionzip@25%", SMALL_STEPS),
        ("embedded", "tokens/visionzip@20%", SMALL_BLOCKS),
        *(("qwen", recipe, ()) for recipe in (FULL, "controls/random_tokens@25%", "tokens/tome@25%")),
        ("qwen", "tokens/visionzip@50%", ()),
    ],
)
def test_vllm_answers_as_leanvlm_does(
    model: str, recipe: str, arguments: tuple[str, ...], request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    folder, samples = request.getfixturevalue(model)
    with (
        served(folder, dtype="float32", log=tmp_path / "log", arguments=arguments, variables={VARIABLE: recipe}) as to,
        ThreadPoolExecutor(SIDE_BY_SIDE) as pool,
    ):
        found = list(pool.map(partial(ask, to, limit=LIMIT), samples))
        again = list(pool.map(partial(ask, to, limit=LIMIT), samples))  # of what vLLM has in its caches
    said, full = answers(folder, samples, recipe), answers(folder, samples, FULL)
    assert found == said
    assert again == said
    n_changed = sum(own != other for own, other in zip(said, full, strict=True))
    assert n_changed >= N // 2 or recipe in (FULL, "tokens/visionzip@100%")  # else equal answers would say little


def answers(folder: Path, samples: list[Sample], recipe: str) -> list[str]:
    """Answer with the engine that the pipeline runs."""
    architecture = "llava_onevision" if folder.name == files.EMBEDDED.name else "qwen2_5_vl"
    model = load_model(architecture, folder)
    return [answers_to(model, one, [parse(recipe)], limit=LIMIT)[recipe].answer for one in samples]


@pytest.fixture
def checkpoint(tmp_path: Path) -> Callable[[str], Path]:
    """What finds or writes a checkpoint of an architecture."""

    def made(architecture: str) -> Path:
        if architecture == "llava_onevision":
            return files.EMBEDDED.absolute()
        write_checkpoint(architecture, tmp_path / "model")
        return tmp_path / "model"

    return made


@pytest.mark.parametrize(
    ("recipe", "architecture", "said"),
    [
        ("tokens/fastv@25%", "llava_onevision", "vLLM cannot serve tokens/fastv@25%: it drops tokens between"),
        ("tokens/tome@25%", "qwen2_vl", "LEANVLM_RECIPE cannot be served with Qwen2VLForConditionalGeneration"),
    ],
)
def test_what_cannot_be_served_ends_with_a_sentence(
    recipe: str, architecture: str, said: str, checkpoint: Callable[[str], Path], tmp_path: Path
) -> None:
    with (
        pytest.raises(RunError, match=rf"(?s)leanvlm: {said}[^\n]*$"),
        served(checkpoint(architecture), dtype="float32", log=tmp_path / "log", variables={VARIABLE: recipe}),
    ):
        pass
