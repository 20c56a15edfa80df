"""What every sample must be before a model is asked, whoever yields it: a benchmark of ours or of a user."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from leanvlm import grading, judging
from leanvlm.benchmarks._turns import in_order
from leanvlm.errors import InputError
from leanvlm.right_answers import is_blank, refuse_placeholders, refuse_unfit
from leanvlm.sample import Sample
from leanvlm.texts import is_storable

LONGEST_QUESTION = 100_000  # characters


def sound(benchmark: str, samples: Iterable[Sample]) -> Iterator[Sample]:
    """Yield the samples of a benchmark one by one, since their pictures may not fit into memory together.

    Raises: InputError naming the first sample that cannot be asked or graded: an id twice, a question that is no text,
    a rate that is no number above 0, a rule that is not there, right answers that nothing can be compared with, a turn
    that does not follow the one before.
    """
    known = dict[str, tuple[str, ...]]()  # right answers by id
    for sample in in_order(benchmark, _fit(benchmark, samples)):
        place = f"{benchmark}: sample {str(sample.sample_id)[:60]!a}"
        if sample.sample_id in known:
            raise InputError(f"{place} comes twice; give each sample an id of its own")
        known[sample.sample_id] = sample.answers
        yield sample
    if not known:
        raise InputError(f"{benchmark} has no samples; see what its folder holds, or leave it out of params.yaml")
    refuse_placeholders(known.values(), benchmark=benchmark)


def _fit(benchmark: str, samples: Iterable[Sample]) -> Iterator[Sample]:
    for sample in samples:
        _refuse_unfit(sample, f"{benchmark}: sample {str(sample.sample_id)[:60]!a}")
        yield sample


def _refuse_unfit(sample: Sample, place: str) -> None:
    _refuse_unfit_texts(sample, place)
    for name in ("answers", "images"):
        if not isinstance(getattr(sample, name), tuple | list):
            raise InputError(f"{place}: its {name} are one {type(getattr(sample, name)).__name__}; give them as a list")
    if sample.fps is not None and not _is_rate(sample.fps):
        raise InputError(f"{place}: its fps is {sample.fps!a}; it must be a number above 0, or left out for pictures")
    _refuse_unknown_rule(sample, place)
    refuse_unfit(sample.answers, place=place)


def _refuse_unfit_texts(sample: Sample, place: str) -> None:
    for name in ("sample_id", "question", "group_id", "kind"):
        text: object = getattr(sample, name)
        if not isinstance(text, str) or not is_storable(text):
            raise InputError(f"{place}: its {name} is no text that can be stored; give it one without half signs")
    if is_blank(sample.question) or len(sample.question) > LONGEST_QUESTION:
        raise InputError(f"{place}: its question says nothing, or has more than {LONGEST_QUESTION:,} characters")
    if sample.sample_id.split() != [sample.sample_id]:
        raise InputError(f"{place}: its sample_id is no name; that is one word, without spaces")


def _refuse_unknown_rule(sample: Sample, place: str) -> None:
    known = (*grading.rules(), grading.JUDGED)
    if sample.rule not in known:
        raise InputError(f"{place}: no grading rule {ascii(sample.rule)[:60]}; the rules are {', '.join(known)}")
    if (sample.judge or sample.rule == grading.JUDGED) and sample.judge not in judging.ids():
        raise InputError(f"{place}: no judge {ascii(sample.judge)[:60]}; the judges are {', '.join(judging.ids())}")


def _is_rate(fps: object) -> bool:
    return isinstance(fps, int | float) and not isinstance(fps, bool) and math.isfinite(fps) and fps > 0
