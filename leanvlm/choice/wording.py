"""A choice in rows and sentences: who qualifies, why others do not, and how to run the one that was chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from leanvlm import files
from leanvlm.choice.candidates import Candidate, Measured
from leanvlm.choice.choose import Choice, choose
from leanvlm.choice.demands import written
from leanvlm.recipes import slug

Table = tuple[list[str], list[list[object]]]


def rows(choice: Choice, controls: Sequence[Candidate], shown: Sequence[str], *, is_text: bool) -> Table:
    """Lay out a row for every recipe, best first: its standing, the quantities `shown`, and why it was left out."""
    listed: list[tuple[str, Candidate, str | None]] = [(_standing(one, choice), one, None) for one in choice.qualified]
    listed += [("left out", missed.candidate, missed.reason) for missed in choice.missed]
    listed += [("left out", one, "a control") for one in controls]
    cells = _as_text if is_text else _as_numbers
    missing = "" if is_text else None
    numbers = [name for quantity in shown for name in cells(quantity, None)]
    return ["standing", "recipe", *numbers, "against_control", "reason"], [
        [
            *(standing, one.recipe),
            *(number for quantity in shown for number in cells(quantity, one.measured.get(quantity)).values()),
            *(one.verdict or missing, reason or missing),
        ]
        for standing, one, reason in listed
    ]


def sentences(choice: Choice, best: Candidate, control: Candidate | None, shown: Sequence[str]) -> Iterator[str]:
    """Name the choice and how to run it; warn of a control that does as well."""
    numbers = ", ".join(f"{quantity} {written(quantity, best.measured[quantity])}" for quantity in shown)
    yield f"Choice: {best.recipe}, {numbers}."
    if best.verdict in ("tie", "worse"):
        yield f"Beware: it is no better than its control of equal budget ({best.verdict})."
    if control is not None and choose([best, control], [], by=choice.by).best is control:
        number = written(choice.by, control.measured[choice.by])
        yield f"Beware: the control {control.recipe} meets every demand too, with {choice.by} {number}."
    yield f'Run it: name "{best.recipe}" under grid.recipes in params.yaml, then `make repro`.'
    weights = best.recipe.split("+")[0]
    if weights.startswith("weights/"):
        yield f"Its weights, for any engine that reads compressed-tensors: {files.checkpoint('*', slug(weights))}"


def none_qualifies(choice: Choice) -> str:
    """Say that nothing meets the demands, and what comes closest."""
    if not choice.missed:
        return "none qualifies: the store holds no recipe but controls; --controls lets them in"
    closest = choice.missed[0]
    return f"none qualifies; closest is {closest.candidate.recipe}, but {closest.reason}"


def _standing(one: Candidate, choice: Choice) -> str:
    if one is choice.best:
        return "choice"
    return "tie" if one in choice.ties else "runner-up"


def _as_text(quantity: str, found: Measured | None) -> dict[str, object]:
    return {quantity: written(quantity, found) if found else "–"}


def _as_numbers(quantity: str, found: Measured | None) -> dict[str, object]:
    ends = (None, None, None) if found is None else (found.value, found.low, found.high)
    return dict(zip((quantity, f"{quantity}_low", f"{quantity}_high"), ends, strict=True))
