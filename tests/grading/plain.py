"""The grading rules once more in plain Python, written from their published texts: the oracle of the SQL."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache

from tests.grading import plain_numbers as numbers
from tests.grading.plain_options import choice, says
from tests.grading.plain_text import normal, raw_words, spellings, spelt, spoken, with_ascii_signs, yes_or_no

Rule = Callable[[str, Sequence[str], Sequence[str]], float | None]


def best_of(rule: Callable[[str, str], float | None]) -> Rule:
    """Grade against the best right answer; None, an ungradable answer, does not depend on it."""

    def graded(answer: str, answers: Sequence[str], _: Sequence[str] = ()) -> float | None:
        found = [rule(answer, truth) for truth in answers]
        return None if None in found else max(grade for grade in found if grade is not None)

    return graded


def exact(answer: str, truth: str) -> float | None:
    return float(spelt(truth) in spellings(answer)) if spoken(answer).strip() else None


def edits(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, start=1):
        above, row = row, [i]
        for j, b in enumerate(right, start=1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def anls(answer: str, truth: str) -> float:
    left, right = normal(answer), normal(truth)
    distance = edits(left, right) / max(len(left), len(right), 1)
    return 1 - distance if distance < 0.5 else 0.0


def relaxed(answer: str, truth: str) -> float | None:
    said, true = numbers.said(answer), numbers.whole(truth)
    if true is None:
        return float(spelt(truth) in spellings(answer))
    pairs = [(numbers.value(said), numbers.value(true)), (numbers.scaled(said), numbers.scaled(true))]
    return float(any(a is not None and b is not None and abs(a - b) * 20 <= abs(b) for a, b in pairs))


def relaxed_years(answer: str, truth: str) -> float | None:
    is_year = re.fullmatch("[0-9]{4}", normal(truth)) and 1500 <= int(normal(truth)) < 2100
    return float(numbers.value(numbers.said(answer)) == int(normal(truth))) if is_year else relaxed(answer, truth)


def mmmu_open(answer: str, truth: str) -> float | None:
    if true := numbers.whole(truth):
        return float(numbers.is_same(numbers.said(answer), true))
    return float(says(f" {spelt(spoken(answer))} ", spelt(truth)))


def free_form(answer: str, truth: str) -> float | None:
    if re.fullmatch(r"\s*\[.*\]\s*", truth):
        said, true = listed(spoken(answer)), listed(truth)
        return float(len(said) == len(true) and all(map(numbers.is_same, said, true)))
    if true_number := numbers.whole(truth):
        return float(numbers.is_same(numbers.said(answer), true_number))
    return float(spelt(truth) in spellings(answer))


def listed(text: str) -> list[re.Match[str]]:
    in_brackets = re.findall(r"\[[^\]]*\]", text)
    return numbers.all_of(numbers.plain(in_brackets[-1] if in_brackets else text))


def mathvista(answer: str, answers: Sequence[str], options: Sequence[str] = ()) -> float | None:
    if not spoken(answer).strip():
        return None
    return choice(answer, answers, options) if options else asks_for_number(free_form)(answer, answers, ())


def asks_for_number(rule: Callable[[str, str], float | None]) -> Rule:
    def graded(answer: str, answers: Sequence[str], _: Sequence[str] = ()) -> float | None:
        is_number = all(numbers.whole(truth) for truth in answers)
        if not spoken(answer).strip() or (is_number and numbers.said(answer) is None):
            return None
        return best_of(rule)(answer, answers, ())

    return graded


def squad_words(text: str) -> list[str]:
    text = "".join(c for c in unicodedata.normalize("NFC", text).lower() if c not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", text).split()


def token_f1(answer: str, truth: str) -> float:
    said, true = squad_words(answer), squad_words(truth)
    if not said or not true:
        return float(said == true)
    same = (Counter(said) & Counter(true)).total()
    precision, recall = same / len(said), same / len(true)
    return 2 * precision * recall / (precision + recall) if same else 0.0


def rouge_l(answer: str, truth: str) -> float | None:
    said, true = (tuple(re.sub("[^a-z0-9]+", " ", text.lower()).split()) for text in (answer, truth))

    @cache
    def longest(i: int, j: int) -> int:
        if i == len(said) or j == len(true):
            return 0
        if said[i] == true[j]:
            return 1 + longest(i + 1, j + 1)
        return max(longest(i + 1, j), longest(i, j + 1))

    if not said:
        return None
    if not (common := longest(0, 0)):
        return 0.0
    precision, recall = common / len(said), common / len(true)
    return 2 * precision * recall / (precision + recall)


def gqa(answer: str, truth: str) -> float | None:
    if not any(unicodedata.category(c)[0] in "LN" for c in spoken(answer)):
        return None
    return float(spelt(truth) in spellings(answer))


def mme(answer: str, truth: str) -> float | None:
    said = raw_words(re.sub(r"(?i)\bno (?:idea|way to|one can)\b", "", spoken(answer), flags=re.ASCII))
    named = {found for word in said if (found := yes_or_no(word))}
    if said in (["y"], ["n"]):
        chosen = {"y": "yes", "n": "no"}[said[0]]
    elif len(said) > len(named) and (first := yes_or_no(said[0])):
        chosen = first
    elif len(named) == 1:
        chosen = named.pop()
    else:
        return None
    return float(chosen == normal(truth))


def ocrbench(answer: str, truth: str) -> float:
    if any(c in "日本語" or "가" <= c <= "힣" for c in truth) or not re.search(r"[^\W_]", truth):
        return float(normal(truth) != "" and normal(truth) in normal(answer))
    said = f" {' '.join(raw_words(with_ascii_signs(answer)))} "
    return float(f" {' '.join(raw_words(with_ascii_signs(truth)))} " in said)


def ocrbench_formula(answer: str, truth: str) -> float:
    said, true = ("".join(unicodedata.normalize("NFC", text).split()) for text in (answer, truth))
    said, true = (re.sub(r"\\[dt]frac", r"\\frac", text.replace("−", "-")) for text in (said, true))
    return float(true != "" and true in said)


def vqa(answer: str, answers: Sequence[str], _: Sequence[str] = ()) -> float | None:
    if not spoken(answer).strip():
        return None
    peoples = [spelt(truth) for truth in answers]
    agreed = max(spellings(answer), key=peoples.count)
    agree = [spelling == agreed for spelling in peoples]
    if len(agree) == 1:
        return float(agree[0])
    enough = min(3, len(agree) - 1)
    left = [sum(agree[:out]) + sum(agree[out + 1 :]) for out in range(len(agree))]
    return float(sum(min(Fraction(n, enough), Fraction(1)) for n in left) / len(agree))


RULES: dict[str, Rule] = {
    "anls": best_of(anls),
    "choice": choice,
    "exact": best_of(exact),
    "gqa": best_of(gqa),
    "mathvista": mathvista,
    "mme": best_of(mme),
    "mmmu_open": asks_for_number(mmmu_open),
    "ocrbench": best_of(ocrbench),
    "ocrbench_formula": best_of(ocrbench_formula),
    "relaxed": asks_for_number(relaxed),
    "relaxed_years": asks_for_number(relaxed_years),
    "rouge_l": best_of(rouge_l),
    "token_f1": best_of(token_f1),
    "vqa": vqa,
}
