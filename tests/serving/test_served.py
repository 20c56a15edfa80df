"""What is saved here is served by vLLM, and says there what it says here: `make test-vllm`.

In float32 every answer must be the same. Four-bit weights have a kernel for bfloat16 only, in which also transformers'
answers are not all those of float32: as many of vLLM's must be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import leanvlm
from leanvlm import files, plugins
from leanvlm.engine.sweep import answers_to
from leanvlm.models._loading import load_model
from leanvlm.models._model import LoadedModel
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
HEADS = ("checkpoint", "dtype", "benchmark", "n", "vLLM = float32", "transformers = float32", "vLLM = transformers")
Answers = dict[str, str]  # a text a sample


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
def table() -> Iterator[list[str]]:
    rows = [ROW.format(*HEADS)]
    yield rows
    print("", *rows, sep="\n")


@pytest.mark.parametrize("recipe", SERVED)
def test_vllm_says_what_is_said_here(
    recipe: str,
    samples: dict[str, list[Sample]],
    checkpoint: Callable[[str], Path],
    table: list[str],
    tmp_path: Path,
) -> None:
    folder, dtype = checkpoint(recipe), SERVED[recipe]
    asked = [sample for name in BENCHMARKS for sample in samples[name]]
    own, plain = said_here(folder, asked), said_by_transformers(folder, asked, dtype=dtype)
    with served(folder, dtype=dtype, log=tmp_path / "vllm.log") as client:
        found = {sample.sample_id: ask(client, sample, limit=LIMIT) for sample in asked}
    for name in BENCHMARKS:
        ids = [sample.sample_id for sample in samples[name]]
        counts = equal(found, own, ids), equal(plain, own, ids), equal(found, plain, ids)
        table.append(ROW.format(recipe, dtype, name, len(ids), *counts))
        if dtype == "float32":
            assert {one: found[one] for one in ids} == {one: own[one] for one in ids}
        assert counts[0] >= counts[1]


def equal(these: Answers, those: Answers, ids: list[str]) -> int:
    return sum(these[one] == those[one] for one in ids)


def said_here(folder: Path, asked: list[Sample]) -> Answers:
    """Answer in float32 with the engine that the pipeline runs."""
    model, full = load_model("llava_onevision", folder), [parse(FULL)]
    return {one.sample_id: answers_to(model, one, full, limit=LIMIT)[FULL].answer for one in asked}


def said_by_transformers(folder: Path, asked: list[Sample], *, dtype: str) -> Answers:
    """Answer with `generate`, as transformers has it."""
    model = load_model("llava_onevision", folder, dtype=dtype)
    return {one.sample_id: generated(model, one) for one in asked}


def generated(model: LoadedModel, sample: Sample) -> str:
    inputs = model.inputs(sample.pictures(), sample.question)
    output = model.model.generate(**inputs, max_new_tokens=LIMIT, do_sample=False)
    tokens = output[0, inputs["input_ids"].shape[1] :]
    return str(model.tokenizer.decode(tokens, skip_special_tokens=True)).strip()
