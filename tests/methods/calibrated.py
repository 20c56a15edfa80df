"""Calibration samples of the tiny models, whose last words stand for the answer, and methods that look at them."""

from __future__ import annotations

from typing import Any

from leanvlm.methods.weights._decoder import Decoder
from leanvlm.methods.weights._entrances import record
from leanvlm.methods.weights._samples import CalibrationSample, Samples
from leanvlm.methods.weights._weights import WeightsMethod
from tests.models import tiny

N_ANSWER = 5


def samples_of(model: Any, *prompts: str) -> Samples:
    """Make one sample of each prompt; without any named, of all that have pictures."""
    found = []
    for prompt in prompts or tiny.PROMPTS:
        inputs = model.inputs(tiny.pictures(prompt), prompt)
        is_visual = model.is_visual(inputs["input_ids"][0])
        found.append(CalibrationSample(inputs, is_visual=is_visual, n_answer=N_ANSWER))
    return found


def decoder_of(model: Any, samples: Samples) -> Decoder:
    """Put samples at the entrance of a model's decoder, which computes and is stored in the type that it has."""
    return Decoder(model.model, record(model.model, samples))


def compress(method: WeightsMethod, model: Any, samples: Samples) -> None:
    """Let a method rewrite a model in memory."""
    method.compress(decoder_of(model, samples))
