"""Calibration samples of the tiny models: their prompts, whose last words stand for the answer."""

from __future__ import annotations

from typing import Any

import torch

from leanvlm.methods.weights._weights import CalibrationSample, Samples
from tests.models import tiny

N_ANSWER = 5


def samples_of(model: Any, *prompts: str) -> Samples:
    """Make one sample of each prompt; without any named, of all that have pictures."""
    found = []
    for prompt in prompts or tiny.PROMPTS:
        inputs = model.inputs(tiny.pictures(prompt), prompt)
        is_visual = torch.isin(inputs["input_ids"][0], torch.tensor(model.visual_ids))
        found.append(CalibrationSample(inputs, is_visual=is_visual, n_answer=N_ANSWER))
    return found
