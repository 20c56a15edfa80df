"""A prompt timed with one recipe from the decoder's door to the last token, and intervals of medians of such ratios."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leanvlm.benches._paired import resampled
from leanvlm.clock.run import Seconds, answer_prompts, to_seconds
from leanvlm.clock.stopwatch import Stopwatch
from leanvlm.engine.prompt import Prompt
from leanvlm.models._model import LoadedModel
from leanvlm.recipes import Recipe

NEW_TOKENS = 8


def seconds(model: LoadedModel, prompt: Prompt, recipe: Recipe) -> Seconds:
    """Time one recipe."""
    watch = Stopwatch(model.model.device)
    answer_prompts(model, [prompt], recipe, "s", watch, new_tokens=NEW_TOKENS)
    return to_seconds(watch.seconds(), NEW_TOKENS)


def medians(ratios: Sequence[Sequence[float]]) -> np.ndarray:
    """Return medians between the ends of their intervals of 95 %, by a bootstrap over pairs.

    Shapes: (pairs, n) -> (3, n), low, median and high.
    """
    found: np.ndarray = np.quantile(np.median(resampled(np.array(ratios)), axis=1), [0.025, 0.5, 0.975], axis=0)
    return found
