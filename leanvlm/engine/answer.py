"""What a recipe said, put together from the tokens of its answer and from what was known before them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from leanvlm.engine.decode.steps import Chosen
from leanvlm.engine.prepare import Prepared
from leanvlm.models._model import LoadedModel

DIGITS = 6  # of a log-probability; rounding of float32 is behind them


@dataclass(frozen=True)
class Answer:
    """What one recipe said, and what it really kept: see leanvlm/tables/answers.py for units."""

    answer: str
    new_tokens: int
    finish_reason: str
    prompt_tokens: int
    visual_tokens: int
    visual_runs: int
    visual_tokens_kept: float
    cache_bytes: int
    full_cache_bytes: int
    cache_kept: float
    bits_kept: float
    image_kept: float
    tokens_kept: float
    kept_centers: bytes | None  # see centers.py
    refusal: str | None = None
    log_probability: float | None = None  # where something was said

    def __str__(self) -> str:
        return self.answer


def answer_of(model: LoadedModel, chosen: Sequence[Chosen], prepared: Prepared, ends: frozenset[int]) -> Answer:
    """Put an answer together; it stopped where its last token is one of `ends` or it says a stop text."""
    tokens = [one.token for one in chosen]
    said = model.tokenizer.decode(tokens, skip_special_tokens=True)
    kept = min((said.split(text, 1)[0] for text in prepared.sample.stop_texts), key=len, default=said)
    return Answer(
        answer=kept.strip(),
        new_tokens=len(tokens),
        finish_reason="stop" if tokens[-1] in ends or kept != said else "length",
        prompt_tokens=prepared.prompt_tokens,
        visual_tokens=prepared.visual_tokens,
        visual_runs=prepared.visual_runs,
        visual_tokens_kept=prepared.visual_tokens_kept,
        cache_bytes=prepared.size.cache_bytes,
        full_cache_bytes=prepared.position_bytes * prepared.prompt_tokens + prepared.looked_bytes,
        cache_kept=prepared.size.share,
        bits_kept=prepared.size.bits_kept,
        image_kept=prepared.image_kept,
        tokens_kept=prepared.tokens_kept,
        kept_centers=prepared.kept_centers,
        log_probability=round(math.fsum(one.log_probability for one in chosen), DIGITS) + 0.0,  # + 0.0: never -0.0
    )


def refusal(reason: str) -> Answer:
    """Stand for the answer of a model that was not asked: nothing was said, read or kept."""
    return Answer("", 0, "refused", 0, 0, 0, 0.0, 0, 0, 0.0, 0.0, 0.0, 0.0, None, refusal=reason)
