"""Which letter an answer chooses, once more in plain Python: the oracle of _letters.sql."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from tests.grading import plain_languages as languages
from tests.grading.plain_text import with_ascii_signs

# a word begins, or ends
BEFORE, AFTER = r"(?<![a-zA-Z0-9_])", r"(?![a-zA-Z0-9_])"
OPEN = r"(?:\\(?:text|math)[a-z]*|[\s(\[{*\"`$_<>\\])*"
LETTER = r"(?:([A-J])(?!['-]|[^\W_])|([a-j])(?=[.)\]}*\"`$_>]*[ \t]*(?:\n|\Z)))"
REASONS = (
    "because since explanation reason reasoning rationale here.is.why here['’]s.why as.opposed whereas while although"
)
REFUTES = "not cannot can't never nor neither than unlike instead.of exclude eliminate rule.out"
CONCLUDES = "it.is it's it.must.be that.is that's so therefore thus hence but leaves leaving say"
PREFERS = "choose chose pick picked select selected go.with going.with opt.for vote.for"


def letter(text: str, limit: str = "ABCDEFGHIJ") -> str | None:
    """Read a choice as a person would: what is said to be the answer, what stands in front, what is named."""
    text = with_ascii_signs(text)
    if found := alone(text):
        return found if found in limit else None
    read = _readable(text, limit)
    if re.fullmatch(r"[\W_]*[A-J](?:(?:(?!\n)[\W_])+[A-J])+[\W_]*", read):
        return None
    before = before_reasons(read)
    ways: Sequence[tuple[Callable[[str], str | None], str]] = [
        (_boxed, read),
        (_on_first_line, read),
        (_marked_in_front, read),
        (_announced, read),
        (languages.letter, read),
        (_confirmed, before),
        (_preferred, read),
        (_on_last_line, read),
        (_of_last_sentence, read),
        (_option_in_front, before),
        (_concluded, read),
        (_of_first_sentence, before),
        (_in_front, read),
        (_confirmed, read),
        (_marked_on_last_line, read),
        (_named, before),
        (_in_brackets, before),
        (_named, read),
        (_in_brackets, read),
    ]
    chosen = next((found.upper() for way, said in ways if (found := way(said))), None)
    return chosen if chosen and chosen in limit else None


def before_reasons(text: str) -> str:
    return re.split(rf"(?i){BEFORE}(?:{_any(REASONS)}){AFTER}", text)[0]


def alone(text: str) -> str | None:
    """Read B, (b), B., **B**: nothing but one letter."""
    bare = [character for character in text if _is_word(character)]
    return bare[0].upper() if len(bare) == 1 and bare[0] in "ABCDEFGHIJabcdefghij" else None


def and_text(truth: str) -> tuple[str | None, str]:
    """Part "B. a dog" into B and "a dog"."""
    for mark in (r"\(([A-J])\)", r"\[([A-J])\]", r"\(([A-J])\]", r"\[([A-J])\)", r"([A-J])[.):]"):
        if found := re.match(rf"[ \t\n\r\f]*{mark}[ \t\n\r\f]+", truth):
            return found.group(1), truth[found.end() :]
    return None, truth


def _is_word(character: str) -> bool:
    return re.match(r"[^\W_]", character) is not None or "\u0300" <= character <= "\u036f"


def _any(phrases: str) -> str:
    return "|".join(phrase.replace(".", " ") for phrase in phrases.split())


def _readable(text: str, limit: str) -> str:
    beyond = "".join(letter for letter in "ABCDEFGHIJ" if letter not in limit)
    text = re.sub(rf"{BEFORE}[{beyond}]{AFTER}", " ", text) if beyond else text
    one = rf"\(?[A-J]{AFTER}\)?"
    refuted = (
        rf"{BEFORE}(?i:{_any(REFUTES)})(?i: be| choose)?(?i: option| choice)? {one}(?:(?: or| nor| and) {one})*"
        rf"|(?i:{BEFORE}(?:option|choice|answer) )?\(?{BEFORE}[A-J]\)? (?i:is|are|was|would be|seems)"
        rf"(?:(?i:n't){AFTER}|(?i: (?:[a-z]+ly )?(?:not|wrong|incorrect|false|untrue|impossible)){AFTER})"
    )
    text = re.sub(refuted, " ", text)
    text = re.sub(rf"\(?{BEFORE}[A-J]{AFTER}\)?(?:,? (?i:or|and|and/or) {one}|/{one})+", " ", text)
    text = re.sub(rf"({BEFORE}(?i:option|choice|answer)) +A(?![^\W_]|')", r"\1 (A)", text)
    text = re.sub(r"(?<![^\W_])(?<!')A +(?=(?:is|because|since)(?![^\W_]|'))", '"A" ', text)
    return re.sub(r"(?<![^\W_])(?:[AI][ \t]+)+(?=[^\W_])", "", text)


def _last(pattern: str, text: str) -> str | None:
    ends = [found for start in range(len(text)) if (found := re.compile(pattern).match(text, start))]
    return next((group for group in ends[-1].groups() if group), None) if ends else None


def _boxed(text: str) -> str | None:
    return _last(rf"\\boxed{OPEN}{LETTER}", text)


def _on_first_line(text: str) -> str | None:
    first, line_end, _ = text.lstrip("".join(c for c in set(text) if not _is_word(c))).partition("\n")
    said = re.sub(r"(?i)^(?:option|choice|answer)(?=[\W_]*[A-Ja-j](?![^\W_]))", "", first)
    return alone(said) if line_end else None


def _announced(text: str) -> str | None:
    word = r"(?:(?i:ans|answer)(?:,? [a-zA-Z]+){0,6}|(?i:option|choice|letter|solution|conclusion))"
    says = r"(?:,? (?i:is|be)(?![a-zA-Z0-9_])|[*\"' ]*[:=>\n-])"
    filler = r"(?i:[\s:]+(?:the|that|in|most|option|choice|letter|[a-z]+ly)(?![a-zA-Z0-9_]))*"
    return _last(rf"(?<![^\W_]|/){word}{says}{filler}{OPEN}{LETTER}", text)


def _confirmed(text: str) -> str | None:
    praise = "(?:correct|right|best|answer|likely|true)"
    more = "(?: the| clearly| most| indeed| also)*"
    return _last(rf"{BEFORE}([A-J])[)\].*\"]* (?i:is|seems|must be)(?i:{more} {praise}){AFTER}", text)


def _preferred(text: str) -> str | None:
    return _last(rf"{BEFORE}(?i:{_any(PREFERS)})(?i:,| option| choice| letter| answer| the)*{OPEN}{LETTER}", text)


def _on_last_line(text: str) -> str | None:
    ends = [text[found.end() :] for found in re.finditer("\n", text)]
    said = [re.sub(r"(?i)^([\W_]*)(?:option|choice|answer)(?=[\W_]*[A-Ja-j](?![^\W_]))", r"\1", end) for end in ends]
    return next((found for end in said if (found := alone(end))), None)


def _of_last_sentence(text: str) -> str | None:
    ends = [text[found.end() + 2 :] for found in re.finditer(r"(?=[.!?:]\s)", text)]
    return next((found for end in ends if (found := alone(end)) and found in end), None)


def _marked_on_last_line(text: str) -> str | None:
    end = re.sub(r"\n+\Z", "", text)
    found = re.search(r"\n[\s*\"(\[]*([A-J])[\])*]*[.):\]][^\n]*\Z", end)
    return found and found.group(1)


def _marked_in_front(text: str) -> str | None:
    if re.match(r"(?s)[\s*\"]*(?:A[.):].*(?<![a-zA-Z0-9_])B[.):]|a[.):].*(?<![a-zA-Z0-9_])b[.):])", text):
        return None
    found = re.match(r"[\s*\"`\[]*(?:([A-J])\**(?:[.):\]]|\s*-\s)|([a-j])[.):\]](?:\s|\Z))", text)
    return found and (found.group(1) or found.group(2))


def _option_in_front(text: str) -> str | None:
    pattern = r"[\s*\"]*(?i:the )?(?i:answer|option|choice)[\s*(\"]+([A-J])[)*\"]*(?:[.,:;\n]|\Z)"
    return (found := re.match(pattern, text)) and found.group(1)


def _concluded(text: str) -> str | None:
    ends = r"[)\]*\"]*(?:[.!?,;\n]|\Z)"
    return _last(rf"{BEFORE}(?i:{_any(CONCLUDES)})(?i:,| option| choice| the)*{OPEN}([A-J]){ends}", text)


def _of_first_sentence(text: str) -> str | None:
    sentence = re.split(r"[.\n]", text.lstrip(' \t\n\r\f*"'))[0]
    found = re.findall(r"\(([A-Ja-j])\)", sentence)
    return found[0] if len(found) == 1 and sentence.startswith("(" + found[0]) else None


def _in_front(text: str) -> str | None:
    return (found := re.match(r"[\s*\"]*([A-J])(?!['-]|[^\W_])", text)) and found.group(1)


def _named(text: str) -> str | None:
    return _last(rf"{BEFORE}(?i:answer|option|choice){OPEN}{LETTER}", text)


def _in_brackets(text: str) -> str | None:
    return _last(r"(?<![^\W_])\(([A-Ja-j])\)", text)
