"""Which number an answer says, once more in plain Python: the oracle of _numbers.sql."""

from __future__ import annotations

import re
from fractions import Fraction

from tests.grading.plain_text import NUMBERS, raw_words, spoken, with_ascii_signs

NUMBER = re.compile(
    r"(?P<sign>[-+]?)\$?(?P<bare>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)"
    r"(?:[eE](?P<power>[-+]?[0-9]{1,2})(?![0-9A-Za-z_]))?(?: ?/ ?(?P<below>[0-9]+))?(?P<share> ?%+)?"
)
NAME = re.compile(r"(?:[a-zA-Z_^]|[^\x00-\x7f])(?:[0-9a-zA-Z_^-]|[^\x00-\x7f])*")
CLOCK = re.compile(r"[0-9]+(?:[:_][0-9]+)+|[0-9]+(?:\.[0-9]+){2,}")
MIXED = re.compile(r"[0-9][0-9,.]*(?![eE][0-9])[a-zA-Z_]+[0-9]{2}[0-9a-zA-Z_]*")
RANGE = re.compile(r"[0-9][0-9,.]*(?: ?- ?| or | to )[-$]*[0-9][0-9,.]*%?")


def plain(text: str) -> str:
    if text.isascii():
        return text
    return with_ascii_signs(text.replace("½", ".5").replace("¼", ".25").replace("¾", ".75"))


def whole(text: str) -> re.Match[str] | None:
    """Read a right answer that is a number and nothing else."""
    return NUMBER.fullmatch(plain(text).strip(" "))


def all_of(text: str) -> list[re.Match[str]]:
    found, place = [], 0
    while place < len(text):
        skipped = next((match for kind in (NAME, CLOCK, MIXED, RANGE) if (match := kind.match(text, place))), None)
        match = NUMBER.match(text, place)
        if match and not skipped:
            found.append(match)
        last = skipped or match
        place = last.end() if last else place + 1
    return found


def said(answer: str) -> re.Match[str] | None:
    """Take the first number of what is concluded, else the last one, else a number word."""
    text = plain(spoken(answer))
    if not re.search("[0-9]", text):
        named = [NUMBERS[word] for word in raw_words(text) if word in NUMBERS]
        return NUMBER.fullmatch(named[0]) if len(named) == 1 else None
    concluded = _concluded(text)
    return next(iter([*(all_of(concluded)[:1] if concluded else []), *all_of(text)[-1:]]), None)


def value(number: re.Match[str] | None) -> Fraction | None:
    if number is None or (number["below"] and not int(number["below"])):
        return None
    bare = Fraction(number["bare"].replace(",", "")) * 10 ** Fraction(number["power"] or 0)
    return Fraction(bare) * (-1 if number["sign"] == "-" else 1) / int(number["below"] or 1)


def scaled(number: re.Match[str] | None) -> Fraction | None:
    found = value(number)
    return found / 100 if found is not None and number and number["share"] else found


def is_same(number: re.Match[str] | None, truth: re.Match[str]) -> bool:
    """Compare to half of the last decimal that is written, and to half of a hundredth where none is."""
    said, true = value(number), value(truth)
    decimals = len(truth["bare"].partition(".")[2]) or 2
    return said is not None and true is not None and abs(said - true) <= Fraction(500001, 10 ** (6 + decimals))


def _concluded(text: str) -> str | None:
    if "\\boxed{" in text and (boxed := text.rpartition("\\boxed{")[2].split("\n")[0]):
        return boxed
    announced = list(re.finditer(r"(?i)\banswer(?: is|:)", text, re.ASCII))
    if announced and (rest := text[announced[-1].end() :]):
        return rest
    return text.rpartition("=")[2] if "=" in text else None
