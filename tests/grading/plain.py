"""The grading rules once more in plain Python, written from their published texts: the oracle of the SQL."""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

from tests.grading import plain_letters as letters

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
NUMBERS = {word: str(number) for number, word in enumerate(DIGITS)} | {"none": "0"}
ARTICLES = ("a", "an", "the")
CONTRACTIONS = dict(
    pair.split(":") for pair in (Path(__file__).parent / "contractions.txt").read_text(encoding="utf-8").split()
)
VQA_SIGNS = [";", "/", "[", "]", '"', "{", "}", "(", ")", "=", "+", "\\", "_", "-"]
VQA_SIGNS += [">", "<", "@", "`", ",", "?", "!"]

Rule = Callable[[str, Sequence[str]], float | None]


def best_of(rule: Callable[[str, str], float | None]) -> Rule:
    """Grade against the best right answer; None, an ungradable answer, does not depend on it."""

    def graded(answer: str, answers: Sequence[str]) -> float | None:
        found = [rule(answer, truth) for truth in answers]
        return None if None in found else max(grade for grade in found if grade is not None)

    return graded


def normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def words(text: str) -> list[str]:
    text = unicodedata.normalize("NFC", text).lower().replace("−", "-").replace("'", "").replace("’", "")
    for _ in range(2):
        text = re.sub(r"([0-9]),([0-9]{3})", r"\1\2", text)
    found, place = [], 0
    number = re.compile(r"-?[0-9]+(?:\.[0-9]+)*|-?\.[0-9]+")
    while place < len(text):
        if match := number.match(text, place):
            end = match.end()
        else:
            end = next((i for i in range(place, len(text)) if not is_word(text[i])), len(text))
        if end > place:
            found.append(text[place:end])
        place = max(end, place + 1)
    return [NUMBERS.get(word, word) for word in found if word not in ARTICLES]


def exact(answer: str, truth: str) -> float:
    said, true = (" ".join(words(text)) or normal(text) for text in (answer, truth))
    return float(said == true)


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


def number(text: str) -> Fraction | None:
    share = 100 if text.endswith("%") else 1
    bare, exponent = text.rstrip("%"), text.rstrip("%").partition("e")[2].lstrip("+-")
    try:
        return Fraction(bare) / share if len(exponent) < 3 and "_" not in bare and "/" not in bare else None
    except ValueError:
        return None


def relaxed(answer: str, truth: str) -> float | None:
    said, true = number(normal(answer)), number(normal(truth))
    if said is not None and true:
        return float(abs(said - true) * 20 <= abs(true))
    return float(normal(answer) == normal(truth))


def relaxed_years(answer: str, truth: str) -> float | None:
    is_year = len(normal(truth)) == 4 and normal(truth).isdecimal() and 1500 <= int(normal(truth)) < 2100
    return float(normal(answer) == normal(truth)) if is_year else relaxed(answer, truth)


def asks_for_number(rule: Callable[[str, str], float | None]) -> Rule:
    def graded(answer: str, answers: Sequence[str]) -> float | None:
        is_number = all(number(normal(truth)) is not None for truth in answers)
        return None if is_number and not set(answer) & set("0123456789") else best_of(rule)(answer, answers)

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
    def spelling(text: str) -> str:
        return " ".join("".join(c for c in normal(text) if c not in string.punctuation).split())

    if not any(unicodedata.category(c)[0] in "LN" for c in answer):
        return None
    return float(spelling(answer) == spelling(truth))


def mme(answer: str, truth: str) -> float | None:
    start = normal(answer)[:4]
    said = "yes" if "yes" in start else "no" if "no" in start else None
    return None if said is None else float(said == normal(truth))


def ocrbench(answer: str, truth: str) -> float:
    return float(normal(truth) != "" and normal(truth) in normal(answer))


def ocrbench_formula(answer: str, truth: str) -> float:
    said, true = ("".join(unicodedata.normalize("NFC", text).split()) for text in (answer, truth))
    return float(true != "" and true in said)


def vqa_spelling(text: str) -> str:
    text = unicodedata.normalize("NFC", text).replace("\n", " ").replace("\t", " ").strip()
    has_comma = re.search(r"\d,\d", text) is not None
    out = text
    for sign in VQA_SIGNS:
        has_space = f"{sign} " in text or f" {sign}" in text
        out = out.replace(sign, "" if has_space or has_comma else " ")
    out = re.sub(r"\.(?!\d)", "", out)
    found = [NUMBERS.get(word, word) for word in out.lower().split()]
    return " ".join(CONTRACTIONS.get(word, word) for word in found if word not in ARTICLES)


def vqa(answer: str, answers: Sequence[str]) -> float:
    agree = [vqa_spelling(truth) == vqa_spelling(answer) for truth in answers]
    if len(agree) == 1:
        return float(agree[0])
    enough = min(3, len(agree) - 1)
    left = [sum(agree[:out]) + sum(agree[out + 1 :]) for out in range(len(agree))]
    return float(sum(min(Fraction(n, enough), Fraction(1)) for n in left) / len(agree))


def choice(answer: str, answers: Sequence[str]) -> float | None:
    apart = [letters.and_text(truth) for truth in answers]
    if answer in answers or (answer in [text for _, text in apart] and letters.alone(answer) is None):
        return 1.0
    alone = {letters.alone(truth) for truth in answers} - {None}
    if (chosen := letters.letter(answer)) is not None:
        return float(chosen in (alone or {letter for letter, _ in apart}))
    texts = [*answers, *(text for _, text in apart)]
    return 1.0 if any(exact(answer, text) for text in texts) else None


RULES: dict[str, Rule] = {
    "anls": best_of(anls),
    "choice": choice,
    "exact": best_of(exact),
    "gqa": best_of(gqa),
    "mme": best_of(mme),
    "ocrbench": best_of(ocrbench),
    "ocrbench_formula": best_of(ocrbench_formula),
    "relaxed": asks_for_number(relaxed),
    "relaxed_years": asks_for_number(relaxed_years),
    "rouge_l": best_of(rouge_l),
    "token_f1": best_of(token_f1),
    "vqa": vqa,
}
