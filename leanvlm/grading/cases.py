"""An answer with what is needed to grade it: one JSON object, checked before anything is graded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from leanvlm import grading, plugins
from leanvlm.errors import InputError
from leanvlm.grading import tasks
from leanvlm.grading.published import Asked
from leanvlm.letters import LETTERS
from leanvlm.right_answers import is_blank, shown
from leanvlm.texts import is_storable, perhaps

REPLY = "judge_reply"  # stands in a rule's place where the answer is what a judge said
# what says how to grade, and what it may be, where that is known
NEEDED: dict[str, dict[str, tuple[str, ...]]] = {
    "mathvista": {"question_type": ("multi_choice", "free_form"), "answer_type": ("text", "integer", "float", "list")},
    "ocrbench": {"dataset": ()},
}
WITH_OPTIONS = (("mathvista", "multi_choice"), ("mmmu", tasks.CHOICE))
FACTS = ("question_type", "answer_type", "dataset")
MOST_DECIMALS = 15  # that a float64 has

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """An answer, its benchmark if there is one, and the rule of ours, none where the answer is a judge's reply.

    `place` is where it stands, as a sentence begins. Of a choice the right answers are the letter and its text.
    """

    place: str
    benchmark: str
    rule: str
    answer: str
    asked: Asked


def read(value: object, *, place: str, is_ours: bool) -> Case:
    """Check an object with benchmark, answer, gold, and options and facts where the benchmark has them.

    Takes: is_ours, whether a rule of ours is to grade, which `rule` may name; else the benchmark's owners' does.

    Raises: InputError.
    """
    if not isinstance(value, dict):
        raise InputError(f"{place} is no object; write one with benchmark, answer and gold")
    named, benchmark = _rule(value, place) if is_ours else "", _benchmark(value, place, is_needed=not is_ours)
    options, facts = _options(value, place), _facts(value, place)
    if not (named or benchmark):
        raise InputError(f"{place} has no benchmark of the published ones; name one, or a rule of ours")
    if not named:
        _refuse_missing(benchmark, options, facts, place)
    rule = named or tasks.own_rule(benchmark, facts, has_options=bool(options))
    gold = _gold(value, place) if rule else ()
    if rule == "choice" and (benchmark or options):
        gold = _with_text(gold, options, place)
    return Case(place, benchmark, rule, _text(value, "answer", place), Asked(gold, options, facts))


def _rule(row: Row, place: str) -> str:
    if row.get("rule") in (None, REPLY):
        return ""
    rule = _text(row, "rule", place)
    if rule not in _rules():
        raise InputError(
            f"{place}: no grading rule {rule!r}{perhaps(rule, _rules())}; the rules are {', '.join(_rules())}"
        )
    return rule


@cache
def _rules() -> tuple[str, ...]:
    return grading.rules()


def _benchmark(row: Row, place: str, *, is_needed: bool) -> str:
    """Return the id of the published benchmark, nothing for another one of ours where a rule can be named instead."""
    if not is_needed and "benchmark" not in row:
        return ""
    name = _text(row, "benchmark", place)
    if not is_needed and name not in tasks.IDS and name in plugins.ids("benchmarks"):
        return ""
    try:
        return tasks.benchmark_of(name)
    except InputError as error:
        raise InputError(f"{place}: {error}") from None


def _gold(row: Row, place: str) -> tuple[str, ...]:
    gold = _texts(row, "gold", place)
    if not gold:
        raise InputError(f"{place} has no right answer in gold; give one at least, or leave the line out")
    return gold


def _options(row: Row, place: str) -> tuple[str, ...]:
    options = _texts(row, "options", place) if row.get("options") is not None else ()
    if len(options) > len(LETTERS):
        raise InputError(f"{place} has {len(options)} options; letters are A to Z")
    return options


def _facts(row: Row, place: str) -> Mapping[str, str | float]:
    facts: dict[str, str | float] = {name: _text(row, name, place) for name in FACTS if row.get(name) is not None}
    precision = row.get("precision")
    if precision is None:
        return facts
    if type(precision) not in (int, float) or precision not in range(MOST_DECIMALS + 1):
        raise InputError(f"{place}: precision is {shown(precision)}; write a whole number from 0 to {MOST_DECIMALS}")
    return facts | {"precision": int(precision)}


def _refuse_missing(benchmark: str, options: tuple[str, ...], facts: Mapping[str, str | float], place: str) -> None:
    for name, kinds in NEEDED.get(benchmark, {}).items():
        if name in facts and kinds and facts[name] not in kinds:
            raise InputError(f"{place}: {name} is {shown(facts[name])}; write {' or '.join(kinds)}")
    needed = {name: name in facts for name in NEEDED.get(benchmark, {})}
    if facts.get("answer_type") == "float":
        needed["precision"] = "precision" in facts
    if benchmark == "mmbench" or (benchmark, facts.get("question_type")) in WITH_OPTIONS:
        needed["options"] = bool(options)
    for name in (name for name, is_there in needed.items() if not is_there):
        raise InputError(f"{place} has no {name}, by which {benchmark} is graded; write it")


def _with_text(gold: tuple[str, ...], options: tuple[str, ...], place: str) -> tuple[str, ...]:
    """Add the right option's text to its letter."""
    letter, known = gold[0], LETTERS[: len(options) or None]
    if letter not in tuple(known):
        raise InputError(f"{place}: the right answer {shown(letter)} is no letter from A to {known[-1]}; write one")
    text = options[known.index(letter)] if options else ""
    return gold if is_blank(text) or text in gold else (*gold, text)


def _texts(row: Row, name: str, place: str) -> tuple[str, ...]:
    value = row.get(name)
    if value is None:
        raise InputError(f"{place} has no {name}; write a list of texts")
    if not isinstance(value, list) or not all(isinstance(one, str) and is_storable(one) for one in value):
        raise InputError(f"{place}: {name} is {shown(value)}; write a list of texts")
    return tuple(value)


def _text(row: Row, name: str, place: str) -> str:
    value = row.get(name)
    if value is None:
        raise InputError(f"{place} has no {name}; write it")
    if not isinstance(value, str) or not is_storable(value):
        raise InputError(f"{place}: {name} is {shown(value)}; write a text")
    return value
