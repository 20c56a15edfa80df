"""Which option an answer chooses, once more in plain Python: the oracle of _options.sql and choice.sql."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tests.grading import plain_letters as letters
from tests.grading.plain_text import normal, spelt, spoken

LETTERS = "ABCDEFGHIJ"


def choice(answer: str, answers: Sequence[str], options: Sequence[str] = ()) -> float | None:
    apart = [letters.and_text(truth) for truth in answers]
    if not options and (answer in answers or (answer in [text for _, text in apart] and letters.alone(answer) is None)):
        return 1.0
    if (chosen := _chosen(spoken(answer), options)) is not None:
        return float(chosen in _right(answers, options))
    texts = [text for text in (*answers, *(text for _, text in apart)) if letters.alone(text) is None]
    return 1.0 if any(spelt(answer) == spelt(text) for text in texts) else None


def _chosen(said: str, options: Sequence[str]) -> str | None:
    limit = LETTERS[: len(options)] or LETTERS
    if not options or letters.alone(said):
        return letters.letter(said, limit)
    return _whole_text(said, options) or letters.letter(said, limit) or _text_within(said, options)


def _right(answers: Sequence[str], options: Sequence[str]) -> list[str | None]:
    alone = [found for truth in answers if (found := letters.alone(truth))]
    texts = [found for truth in answers if options and (found := _whole_text(truth, options))]
    return alone or texts or [letters.and_text(truth)[0] for truth in answers]


def _only(spelling: str, spellings: Sequence[str]) -> str | None:
    places = [place for place, other in enumerate(spellings) if other == spelling]
    return LETTERS[places[0]] if len(places) == 1 and places[0] < len(LETTERS) else None


def _whole_text(said: str, options: Sequence[str]) -> str | None:
    if found := _only(normal(said), [normal(option) for option in options]):
        return found
    is_marked = letters.and_text(said)[0] is not None
    return None if is_marked else _only(spelt(said), [spelt(option) for option in options])


def _text_within(said: str, options: Sequence[str]) -> str | None:
    announced = re.findall(r"(?is)^.*\b(?:answer(?: is|:)|(?:more|most) likely)[\s:]([^\n]+)", said, re.ASCII)
    first = re.match(r"([^,;:.!\n–—]+)[,;:.!\n–—]", said)
    parts = [*announced, letters.before_reasons(first.group(1) if first else ""), letters.before_reasons(said), said]
    found = [_within(f" {spelt(part)} ", [spelt(option) for option in options]) for part in parts]
    return next((letter for letter in found if letter), None)


def _within(words: str, spellings: Sequence[str]) -> str | None:
    named = [option for option in spellings if says(words, option)]
    longest = [option for option in named if not any(_holds(other, option) for other in named)]
    return _only(longest[0], spellings) if len(longest) == 1 else None


def says(words: str, option: str) -> bool:
    for refuting in ("not", "isnt", "than"):
        words = words.replace(f" {refuting} {option} ", " ")
    return option != "" and f" {option} " in words


def _holds(other: str, option: str) -> bool:
    return other != option and f" {option} " in f" {other} "
