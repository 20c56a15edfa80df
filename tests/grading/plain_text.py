"""Texts in one spelling, once more in plain Python: for _text.sql, _sayings.sql and what is spoken."""

from __future__ import annotations

import re
import unicodedata

DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
NUMBERS = {word: str(number) for number, word in enumerate(DIGITS)} | {"none": "0"}
ARTICLES = ("a", "an", "the")
YES = ["yes", "yeah", "yep", "yup", "ja", "oui", "sí", "sim", "да", "是", "はい", "네"]
NO = ["no", "nope", "nah", "nein", "non", "não", "нет", "否", "不是", "いいえ", "아니요"]
NARROW = dict(zip("’‘“”„«»–—−", '\'\'"""""---', strict=True)) | {"、": ".", "。": "."}


def normal(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def is_word(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def raw_words(text: str) -> list[str]:
    text = unicodedata.normalize("NFC", text.lower())
    text = unicodedata.normalize("NFC", text).replace("−", "-").replace("'", "").replace("’", "")
    for _ in range(2):
        text = re.sub(r"([0-9]),([0-9]{3})", r"\1\2", text)
    text = "".join(sign for place, sign in enumerate(text) if not (sign == "." and _joins(text, place)))
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
    return found


def words(text: str) -> list[str]:
    return [NUMBERS.get(word, word) for word in raw_words(text) if word not in ARTICLES]


def spelt(text: str) -> str:
    return " ".join(words(text)) or normal(text)


def spoken(text: str) -> str:
    """Leave out what was thought aloud, and all but what is tagged as the answer."""
    tag = "(?:think|thinking|thought|reasoning)"
    for end in reversed(list(re.finditer(rf"(?i)</{tag}>|◁/think▷", text))):
        text = text[end.end() :]
        break
    text = re.split(rf"(?i)<{tag}>|◁think▷", text)[0]
    for tagged in reversed(text.split("<answer>")[1:]):
        if re.match(r"[ \t\n\r\f]*[^ \t\n\r\f<]", tagged):
            return tagged.lstrip(" \t\n\r\f").split("<")[0]
    return text


def with_ascii_signs(text: str) -> str:
    text = text if text.isascii() else unicodedata.normalize("NFC", text)
    return "".join(_ascii_sign(character) for character in text)


def spellings(text: str) -> list[str]:
    """Spell what was said: as a whole, without what leads it in, and where it starts so, yes or no."""
    said = spoken(text)
    found = [spelt(said)]
    if (bare := _without_lead_in(said)) is not None:
        found.append(spelt(bare))
    first = re.match(r"[^\W_]+", said[next((i for i, c in enumerate(said) if is_word(c)), len(said)) :])
    return [*found, *filter(None, [yes_or_no(first.group().lower() if first else "")])]


def yes_or_no(word: str) -> str | None:
    return "yes" if word in YES else "no" if word in NO else None


def _joins(text: str, place: int) -> bool:
    beside = text[place - 1 : place] + text[place + 1 : place + 2]
    return len(beside) == 2 and all(unicodedata.category(c)[0] == "L" for c in beside)


def _ascii_sign(character: str) -> str:
    if character in NARROW:
        return NARROW[character]
    if (
        "０" <= character <= "９"
        or "Ａ" <= character <= "Ｚ"
        or "ａ" <= character <= "ｚ"
        or character in "（）．：％，"
    ):
        return chr(ord(character) - 0xFEE0)
    return character if character.isascii() or is_word(character) else " "


def _without_lead_in(text: str) -> str | None:
    after = list(re.finditer(r"(?i)\banswer(?: is|:)", text, re.ASCII))
    if after:
        return text[after[-1].end() :]
    start = next((i for i, c in enumerate(text) if unicodedata.category(c)[0] in "LN"), len(text))
    lead = re.compile(r"(?i)(?:it|there|this|that|they|he|she)((?: is| are|['’]s|['’]re)\b)?(?: |['’])?", re.ASCII)
    found = lead.match(text, start)
    if not found or not re.match(r"(?i)(?:it|there|this|that|they|he|she)[ '’]", text[start:]):
        return None
    return text[start + found.end(1) - start :] if found.group(1) else text
