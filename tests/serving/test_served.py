"""What is saved here is served by vLLM, and says there what transformers says: `make test-vllm`.

In float32 every answer must be the same. Four-bit weights have a kernel for bfloat16 only, in which also transformers'
answers are not all those of float32: as many of vLLM's must be. Where a prompt shows several pictures, transformers
gives each one tile and vLLM all of its tiles: it is compared with what transformers says of all tiles.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import leanvlm
from leanvlm import files, plugins
from leanvlm.engine.sweep import answers_to
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
from leanvlm.models._words import content
from leanvlm.recipes import FULL, parse
from leanvlm.sample import Sample
from tests.serving.server import ask, served

pytestmark = pytest.mark.vllm

N, LIMIT = 50, 48  # questions of a benchmark, tokens of an answer
BENCHMARKS = ("documents", "pages")
SERVED = {
    "controls/full": "float32",
    "weights/wanda@50%": "float32",
    "weights/gptq@w4a16-g128": "bfloat16",
    "weights/awq@w4a16-g128": "bfloat16",
}
ROW = "{:26} {:9} {:10} {:>3} {:>14} {:>21} {:>18}"
HEADS = ("checkpoint", "dtype", "benchmark", "n", "vLLM = float32", "transformers = float32", "vLLM = leanvlm")


@pytest.fixture(scope="module")
def samples() -> dict[str, list[Sample]]:
    return {name: list(plugins.load("benchmarks", name)().samples(N, seed=0))[:N] for name in BENCHMARKS}


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Compress the embedded model with its own calibration pictures."""

    def made(recipe: str) -> Path:
        if recipe == FULL:
            return files.EMBEDDED.absolute()
        folder = tmp_path_factory.mktemp("served") / "checkpoint"
        leanvlm.compress(leanvlm.load(files.EMBEDDED), recipe, folder=folder)
        return folder

    return made


@pytest.fixture(scope="module")
def table() -> Callable[..., None]:
    """Print a row as soon as it is known."""

    def add(*cells: object) -> None:
        print(ROW.format(*cells), flush=True)

    print()
    add(*HEADS)
    return add


@pytest.mark.parametrize("recipe", SERVED)
def test_vllm_says_what_transformers_says(
    recipe: str,
    samples: dict[str, list[Sample]],
    checkpoint: Callable[[str], Path],
    table: Callable[..., None],
    tmp_path: Path,
) -> None:
    folder, dtype = checkpoint(recipe), SERVED[recipe]
    wide, narrow = load_model("llava_onevision", folder), load_model("llava_onevision", folder, dtype=dtype)
    with served(folder, dtype=dtype, log=tmp_path / "vllm.log") as client:
        found = {name: [ask(client, one, limit=LIMIT) for one in asked] for name, asked in samples.items()}
    for name, asked in samples.items():
        here = [answered_here(wide, one) for one in asked]
        float32, plain = ([generated(model, one) for one in asked] for model in (wide, narrow))
        counts = equal(found[name], float32), equal(plain, float32), equal(found[name], here)
        table(recipe, dtype, name, len(asked), *counts)
        assert counts[0] >= counts[1]
        assert here == float32 or any(len(one.images) > 1 for one in asked)


def equal(these: list[str], those: list[str]) -> int:
    return sum(this == that for this, that in zip(these, those, strict=True))


def answered_here(model: LoadedModel, sample: Sample) -> str:
    """Answer with the engine that the pipeline runs."""
    return answers_to(model, sample, [parse(FULL)], limit=LIMIT)[FULL].answer


def generated(model: LoadedModel, sample: Sample) -> str:
    """Answer with transformers' `generate`, each picture cut into tiles as if it were the only one, as vLLM does."""
    pictures = sample.pictures()
    message = {"role": "user", "content": content(len(pictures), sample.question)}
    text = model.processor.apply_chat_template([message], add_generation_prompt=True)
    inputs = model.processor(images=[[one] for one in pictures], text=[text], return_tensors="pt").to(model.dtype)
    output = model.model.generate(**inputs, max_new_tokens=LIMIT, do_sample=False)
    tokens = output[0, inputs["input_ids"].shape[1] :]
    return str(model.tokenizer.decode(tokens, skip_special_tokens=True)).strip()
