"""What weights methods look at: training questions with a picture each and their answers, never graded ones.

All samples have exactly one picture, since llmcompressor follows only the branches that the first sample
takes; so `pages`, whose prompts hold several, is left out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import easy_vqa
import torch
from PIL import Image

from leanvlm import pictures, plugins
from leanvlm.benchmarks._benchmark import HELD_OUT_SEED, DrawnBenchmark
from leanvlm.errors import InputError
from leanvlm.methods.weights._samples import CalibrationSample
from leanvlm.models._model import LoadedModel
from leanvlm.sample import Sample

SOURCES = ("documents", "charts", "scenes", "easy_vqa")
Row = dict[str, Any]  # one row of the table `calibration`


def draw(n: int, *, seed: int, sources: Sequence[str] = SOURCES) -> Iterator[Row]:
    """Yield `n` samples, benchmarks in turn; a seed always gives the same, and fewer are a prefix of more.

    Raises: InputError for a benchmark without single training pictures, or a seed that graded samples are drawn from.
    """
    for name in sources or ("nothing",):
        if name not in SOURCES:
            raise InputError(f"calibration.sources has {name!r}; it takes one or more of {', '.join(SOURCES)}")
    if not 0 <= seed < HELD_OUT_SEED:
        raise InputError(f"calibration.seed {seed!r} is not from 0 to {HELD_OUT_SEED - 1}, where training samples lie")
    rng = random.Random(seed)
    for index in range(n):
        name = sources[index % len(sources)]
        question, answer, image = _photo(rng) if name == "easy_vqa" else _drawn(name, rng)
        row = {"question": question, "answer": answer, "images": [pictures.png(image)]}
        yield {"sample_id": f"{name}-{index:05d}", **row}


def inputs(loaded: LoadedModel, rows: Iterable[Row]) -> list[CalibrationSample]:
    """Turn samples into the model's arguments, one sample a batch: prompt, answer and end of answer."""
    return [_inputs(loaded, row) for row in rows]


def _drawn(name: str, rng: random.Random) -> tuple[str, str, Image.Image]:
    benchmark: DrawnBenchmark = plugins.load("benchmarks", name)()
    picture = benchmark.draw(rng)
    question = rng.choice(picture.questions)
    (canvas,) = picture.canvases
    return question.text, question.answers[0], canvas.image


def _photo(rng: random.Random) -> tuple[str, str, Image.Image]:
    """Draw from the train split, and show the image as the benchmark shows its own."""
    questions, answers, image_ids = easy_vqa.get_train_questions()
    index = rng.randrange(len(questions))
    path = easy_vqa.get_train_image_paths()[image_ids[index]]
    return questions[index], answers[index], pictures.read(Path(path))


def _inputs(loaded: LoadedModel, row: Row) -> CalibrationSample:
    sample = Sample(sample_id=row["sample_id"], question=row["question"], images=tuple(row["images"]))
    prompt = loaded.inputs(loaded.shown(sample), sample.question)
    answer = loaded.tokenizer(row["answer"], add_special_tokens=False).input_ids
    end = loaded.tokenizer.eos_token_id
    ids = torch.tensor([[*answer, min(loaded.stop_ids) if end is None else end]], device=prompt["input_ids"].device)
    shape = prompt["input_ids"].shape
    added = {"input_ids": ids}  # whatever else stands per token (1, T) marks the answer as text, by zeros
    whole = {
        name: torch.cat([value, added.get(name, torch.zeros_like(ids).to(value.dtype))], dim=1)
        if value.shape == shape
        else value
        for name, value in prompt.items()
    }
    is_visual = torch.isin(whole["input_ids"][0], ids.new_tensor(loaded.visual_ids))
    return CalibrationSample(whole, is_visual=is_visual, n_answer=ids.shape[1])
