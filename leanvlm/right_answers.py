"""Right answers, wherever they come from: what an answer can be compared with, and nothing else.

An empty one would be worth 0, or 1, or nothing at all, by the rule that grades; none of it would be noticed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from leanvlm.errors import InputError
from leanvlm.texts import is_storable

# how Python, pandas and numpy write that there is none
MISSING = frozenset({"None", "null", "NULL", "nan", "NaN", "NAN", "<NA>", "NaT"})
# what data sets without public answers have in their place, in lower case
PLACEHOLDERS = frozenset(
    {
        *("-1", "n/a", "na", "nan", "nat", "<na>", "none", "null", "undefined", "unknown", "no answer", "test"),
        *("not available", "dummy", "placeholder", "hidden", "withheld", "todo", "tbd", "xxx", "answer", "gt"),
        *("ground truth", "no ground truth"),
    }
)
SUSPICIOUS = 5  # samples; of fewer, one word may be right by chance


def refuse_unfit(answers: Sequence[str | None] | None, *, place: str) -> None:
    """Refuse the right answers of one sample where no answer can be compared with them.

    Takes: place, where they stand, and which sample's they are, as a sentence begins.

    Raises: InputError.
    """
    if not answers:
        raise InputError(f"{place} has no right answers; give one at least, or leave the sample out")
    for answer in answers:
        _refuse_unfit_text(answer, place)
    if len(set(answers)) == 1 and (answers[0] or "").strip() in MISSING:
        raise unfit(place, answers[0], "stands for a missing one; where the word is meant, give it in two spellings")


def refuse_placeholders(samples: Iterable[Sequence[str]], *, benchmark: str) -> None:
    """Refuse a benchmark whose samples all have one right answer that says nothing, such as "-" or "dummy".

    Any other, such as "yes" or "B", may be right for all of them.

    Raises: InputError.
    """
    said = [tuple(answers) for answers in samples]
    if len(said) < SUSPICIOUS or len(set(said)) > 1 or not all(map(_is_placeholder, said[0])):
        return
    raise InputError(
        f"{benchmark} has no right answers: that of each of its {len(said)} samples is {shown(said[0][0])}; give the "
        "right ones, or grades"
    )


def is_blank(text: str) -> bool:
    """Say whether nothing of a text is seen: it is empty, or spaces and controls alone."""
    kinds = {unicodedata.category(character) for character in text}
    return "Cs" not in kinds and all(kind[0] in "ZC" for kind in kinds)


def unfit(place: str, target: object, says: str) -> InputError:
    """Say of a right answer what is wrong with it."""
    return InputError(f"{place}: the right answer {shown(target)} {says}")


def shown(target: object) -> str:
    """Show what may be long, and hold any sign."""
    text = ascii(target)
    return text if len(text) <= 50 else f"{text[:50]}..."


def _refuse_unfit_text(answer: object, place: str) -> None:
    if answer is not None and not isinstance(answer, str):
        raise unfit(place, answer, "is no text; write it as one")
    if answer is None or is_blank(answer):
        raise InputError(f"{place} has an empty right answer ({shown(answer)}); give a text, or leave the sample out")
    if not is_storable(answer):
        raise unfit(place, answer, "holds a NUL or half a sign; write it again as text")
    if _is_written_list(answer.strip()):
        raise unfit(place, answer, "is a list written as one text; give its texts one by one")


def _is_written_list(text: str) -> bool:
    bare = text.removeprefix("array(")
    is_tuple = bare.startswith(("('", '("')) and bare.endswith(")") and ("'," in bare or '",' in bare)
    return is_tuple or (bare.startswith(("['", '["')) and bare.endswith(("]", ")")))


def _is_placeholder(text: str) -> bool:
    bare = text.strip().lower()
    return bare in PLACEHOLDERS or not any(character.isalnum() for character in bare)
