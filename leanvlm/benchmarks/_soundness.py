"""What every sample must be before a model is asked, whoever yields it: a benchmark of ours or of a user."""

from __future__ import annotations

import math
from collections.abc import Iterable

from leanvlm import grading
from leanvlm.errors import InputError
from leanvlm.right_answers import refuse_placeholders, refuse_unfit
from leanvlm.sample import Sample

LONGEST_QUESTION = 100_000  # characters


def sound(benchmark: str, samples: Iterable[Sample]) -> list[Sample]:
    """Return the samples of a benchmark.

    Raises: InputError naming the first sample that cannot be asked or graded: an id twice, a question that is no text,
    a rate that is no number above 0, a rule that is not there, right answers that nothing can be compared with.
    """
    found, known = list(samples), set[str]()
    for sample in found:
        place = f"{benchmark}: sample {str(sample.sample_id)[:60]!a}"
        _refuse_unfit(sample, place)
        if sample.sample_id in known:
            raise InputError(f"{place} comes twice; give each sample an id of its own")
        known.add(sample.sample_id)
    if not found:
        raise InputError(f"{benchmark} has no samples; see what its folder holds, or leave it out of params.yaml")
    refuse_placeholders((sample.answers for sample in found), benchmark=benchmark)
    return found


def _refuse_unfit(sample: Sample, place: str) -> None:
    for name in ("sample_id", "question", "group_id", "kind"):
        if not _is_text(getattr(sample, name)):
            raise InputError(f"{place}: its {name} is no text that can be stored; give it one without half signs")
    if not sample.sample_id or len(sample.question) > LONGEST_QUESTION:
        raise InputError(f"{place}: an id needs a sign, and a question may have {LONGEST_QUESTION:,} characters")
    if sample.fps is not None and not (math.isfinite(sample.fps) and sample.fps > 0):
        raise InputError(f"{place}: its fps is {sample.fps}; it must be a number above 0, or left out for pictures")
    if sample.rule not in grading.rules():
        raise InputError(f"{place}: no grading rule {sample.rule[:60]!a}; the rules are {', '.join(grading.rules())}")
    refuse_unfit(sample.answers, place=place)


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in value)
