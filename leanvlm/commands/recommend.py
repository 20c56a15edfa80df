"""`leanvlm recommend`: the fastest recipe that keeps what it must."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from leanvlm.choice import demands
from leanvlm.choice.candidates import SPEEDS, Candidate, Measured, read
from leanvlm.choice.choose import Choice, choose
from leanvlm.choice.demands import Demand, written
from leanvlm.commands import Command, add_store
from leanvlm.errors import InputError, RunError
from leanvlm.printing import FORMATS
from leanvlm.query import Answer, open_store
from leanvlm.recipe import slug

Cells: TypeAlias = Callable[[str, Measured | None], dict[str, object]]  # columns and values of one quantity
BLIND = "controls/blind"  # never looks, so it is no way to run a model on pictures
DETAILS = """\
Chooses among the recipes that were measured: those that meet every demand, the fastest first. The measured number must
meet the demand; with --sure the lower end of its interval must (95 % of accuracy, lower quartile of speed; bytes are
counted and have none). A tie is a recipe whose interval meets that of the choice. Every other recipe gets one reason,
the demand that it is furthest from. Controls are left out unless --controls lets them in; one that would have been
better is named.

Exit status: 0 where a recipe qualifies, 1 where none does (the closest is named), 2 for wrong input."""


def run(arguments: Namespace) -> None:
    """Print the choice, the runners-up and why others were left out.

    Raises: RunError where no recipe qualifies, naming the closest.
    """
    with open_store(arguments.store) as stored:
        benchmarks = [name for (name,) in stored.execute("select distinct benchmark from cells order by 1").fetchall()]
        asked = _demands(arguments, benchmarks)
        found = read(stored, model=arguments.model, device=arguments.device)
    by = demands.PHASES[arguments.by] if arguments.by else _phase_of(asked)
    offered = [one for one in found if one.recipe != BLIND and (arguments.controls or not one.is_control)]
    controls = [one for one in found if one.recipe != BLIND and one.is_control and not arguments.controls]
    choice = choose(offered, asked, by=by, is_sure=arguments.sure)
    shown = list(dict.fromkeys([by, *(demand.quantity for demand in asked)]))
    cells = _as_text if arguments.format == "table" else _as_numbers
    print(FORMATS[arguments.format](*_laid_out(choice, controls, shown, cells)))
    if choice.best is None:
        raise RunError(_none(choice))
    told = "\n".join(_told(choice.best, choice, choose(controls, asked, by=by, is_sure=arguments.sure), shown))
    print(told, file=sys.stdout if arguments.format == "table" else sys.stderr)


def _demands(arguments: Namespace, benchmarks: Sequence[str]) -> list[Demand]:
    asked = [demands.kept(text, benchmarks) for text in arguments.keep]
    asked += [demands.speedup(text) for text in arguments.min_speedup]
    asked += [demands.memory(text) for text in arguments.max_memory]
    names = [demand.quantity for demand in asked]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InputError(f"{min(twice)} is demanded twice; leave one")
    return asked


def _phase_of(asked: Sequence[Demand]) -> str:
    """Choose by the phase that is demanded; by prefill where that is none or several."""
    phases = [demand.quantity for demand in asked if demand.quantity in SPEEDS]
    return phases[0] if len(phases) == 1 else "prefill"


def _laid_out(choice: Choice, controls: Sequence[Candidate], shown: Sequence[str], cells: Cells) -> Answer:
    """Lay out a row for every recipe: its standing, what is demanded of it, and the reason why it was left out."""
    ties = choice.ties
    rows = [
        ("choice" if one is choice.best else "tie" if one in ties else "runner-up", one, "") for one in choice.qualified
    ]
    rows += [("left out", missed.candidate, missed.reason) for missed in choice.missed]
    rows += [("left out", one, "a control") for one in controls]
    numbers = [name for quantity in shown for name in cells(quantity, None)]
    columns = ["standing", "recipe", *numbers, "against_control", "reason"]
    return columns, [
        (standing, one.recipe, *_all_cells(one, shown, cells), one.verdict or "", reason)
        for standing, one, reason in rows
    ]


def _all_cells(one: Candidate, shown: Sequence[str], cells: Cells) -> Iterator[object]:
    for quantity in shown:
        yield from cells(quantity, one.measured.get(quantity)).values()


def _as_text(quantity: str, found: Measured | None) -> dict[str, object]:
    return {quantity: written(quantity, found) if found else "–"}


def _as_numbers(quantity: str, found: Measured | None) -> dict[str, object]:
    ends = (None, None, None) if found is None else (found.value, found.low, found.high)
    return dict(zip((quantity, f"{quantity}_low", f"{quantity}_high"), ends, strict=True))


def _told(best: Candidate, choice: Choice, control: Choice, shown: Sequence[str]) -> Iterator[str]:
    numbers = ", ".join(f"{quantity} {written(quantity, best.measured[quantity])}" for quantity in shown)
    yield f"\nChoice: {best.recipe}, {numbers}."
    if best.verdict in ("tie", "worse"):
        yield f"Beware: it is no better than its control of equal budget ({best.verdict})."
    if control.best and choose([best, control.best], [], by=choice.by).best is control.best:
        number = written(choice.by, control.best.measured[choice.by])
        yield f"Beware: the control {control.best.recipe} meets every demand too, with {choice.by} {number}."
    yield f'Run it: name "{best.recipe}" under grid.recipes in params.yaml, then `make repro`.'
    weights = best.recipe.split("+")[0]
    if weights.startswith("weights/"):
        yield f"Its weights, for any engine that reads compressed-tensors: artifacts/checkpoints/*/{slug(weights)}"


def _none(choice: Choice) -> str:
    if not choice.missed:
        return "none qualifies: the store holds no recipe but controls"
    closest = choice.missed[0]
    return f"none qualifies; closest is {closest.candidate.recipe}, but {closest.reason}"


def _takes(parser: ArgumentParser) -> None:
    for option, metavar, says in (
        ("--keep", "NAME=SHARE", "least share kept: op, ol or a benchmark; may be repeated"),
        ("--min-speedup", "PHASE=TIMES", "least speed-up: ttft, tpot or end_to_end; may be repeated"),
        ("--max-memory", "BYTES", "most for decoder weights and one prompt's cache: 4GB, or of the full model's, 40%%"),
    ):
        parser.add_argument(option, action="append", default=[], metavar=metavar, help=says)
    parser.add_argument(
        "--by", choices=tuple(demands.PHASES), help="phase to be fastest in (default: the demanded, or ttft)"
    )
    parser.add_argument("--sure", action="store_true", help="the lower ends of the intervals must meet the demands")
    parser.add_argument("--controls", action="store_true", help="let controls be chosen")
    parser.add_argument("--model", help="needed where the store has several")
    parser.add_argument("--device", help="whose seconds count; needed where the store has several")
    add_store(parser)


COMMAND = Command(
    name="recommend",
    says="name the fastest recipe that keeps what you demand",
    details=DETAILS,
    example="leanvlm recommend --keep op=0.97 --keep documents=0.95 --min-speedup ttft=1.1 --max-memory 4GB",
    run=run,
    takes=_takes,
)
