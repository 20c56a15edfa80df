"""Answers that must be judged, and a judge at an endpoint."""

from __future__ import annotations

from typing import Any

from leanvlm.judging import Asked
from leanvlm.judging._needed import Open
from leanvlm.params.judges import Judge
from tests.judging.endpoint import Endpoint


def judge(endpoint: Endpoint, **own: Any) -> Judge:
    free = {"dollars_per_million_in": 0.0, "dollars_per_million_out": 0.0, "most_dollars": 0.0}
    return Judge(**{"endpoint": endpoint.url, "model": "strict", "timeout_seconds": 5.0, **free, **own})


def answer(text: str, *, name: str = "mmvet", **own: Any) -> Open:
    asked = {"question": "what color?", "answers": ("red",), **own}
    return Open("b", f"of {text}", name, Asked(answer=text, **asked))


def answers(n: int) -> list[Open]:
    return [answer(f"answer {index:03d}") for index in range(n)]
