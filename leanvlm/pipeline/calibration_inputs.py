"""Turn calibration samples into what a model takes: prompt, answer and end of answer, one sample a batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch

from leanvlm.errors import InputError
from leanvlm.methods.weights._samples import CalibrationSample
from leanvlm.models._model import LoadedModel
from leanvlm.sample import Sample

Row = dict[str, Any]  # one row of the table `calibration`


def calibration_inputs(loaded: LoadedModel, rows: Iterable[Row]) -> Iterator[CalibrationSample]:
    """Yield the model's arguments sample by sample, since their pictures are large."""
    return (_inputs(loaded, row) for row in rows)


def _inputs(loaded: LoadedModel, row: Row) -> CalibrationSample:
    prompt = _prompt(loaded, row)
    answer = loaded.tokenizer(row["answer"], add_special_tokens=False).input_ids
    end = loaded.tokenizer.eos_token_id
    ids = torch.tensor([[*answer, min(loaded.stop_ids) if end is None else end]], device=prompt["input_ids"].device)
    whole = loaded.longer(prompt, ids)
    return CalibrationSample(whole, is_visual=loaded.is_visual(whole["input_ids"][0]), n_answer=ids.shape[1])


def _prompt(loaded: LoadedModel, row: Row) -> dict[str, torch.Tensor]:
    """Build the prompt.

    Raises: InputError naming the sample for texts to which the model's prompt gives a meaning, and for one without
    pictures where layers need some.
    """
    sample = Sample(sample_id=row["sample_id"], question=row["question"], images=tuple(row["images"]))
    try:
        if loaded.crosses and not sample.images:
            raise InputError("it shows no picture, and nothing else enters this model's cross-attention")
        if mark := next((mark for mark in loaded.marks if mark in row["answer"]), None):
            raise InputError(f"its answer holds {mark!r}, which the prompt takes for a picture or a turn; leave it out")
        return loaded.inputs(loaded.shown(sample), sample.question)
    except InputError as error:
        raise InputError(f"calibration sample {sample.sample_id!r} cannot be asked: {error}") from None
