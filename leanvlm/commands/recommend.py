"""`leanvlm recommend`: the fastest recipe that keeps what it must."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from leanvlm.choice import demands, wording
from leanvlm.choice.candidates import SPEEDS, read
from leanvlm.choice.choose import choose
from leanvlm.choice.demands import Demand
from leanvlm.commands import Command, add_store
from leanvlm.errors import InputError, RunError
from leanvlm.printing import FORMATS
from leanvlm.store.open import reading

BLIND = "controls/blind"  # never looks, so it is no way to run a model on pictures
DETAILS = """\
Chooses among the recipes that were measured: those that meet every demand, the fastest first. The measured number must
meet the demand; with --sure the lower end of its interval must (95 %, of speed for another run; bytes are
counted and have none). A tie is a recipe whose interval meets that of the choice. Every other recipe gets one reason,
the demand that it is furthest from; pruned weights that are stored like any other are no faster, whatever a clock says,
and are left out where more than the full model's speed is demanded. Controls are left out unless --controls lets them
in; one that would have been better is named.

Exit status: 0 where a recipe qualifies, 1 where none does (the closest is named), 2 for wrong input."""


def run(arguments: Namespace) -> None:
    """Print the choice, the runners-up and why others were left out.

    Raises: RunError where no recipe qualifies, naming the closest.
    """
    with reading(arguments.store) as stored:
        benchmarks = [name for (name,) in stored.execute("select distinct benchmark from cells order by 1").fetchall()]
        asked = _demands(arguments, benchmarks)
        found = read(stored, model=arguments.model, device=arguments.device)
    by = demands.PHASES[arguments.by] if arguments.by else _phase_of(asked)
    offered = [one for one in found if one.recipe != BLIND and (arguments.controls or not one.is_control)]
    controls = [one for one in found if one.recipe != BLIND and one.is_control and not arguments.controls]
    choice = choose(offered, asked, by=by, is_sure=arguments.sure)
    shown = list(dict.fromkeys([by, *(demand.quantity for demand in asked)]))
    is_text = arguments.format == "table"
    print(FORMATS[arguments.format](*wording.rows(choice, controls, shown, is_text=is_text)))
    if choice.best is None:
        raise RunError(wording.none_qualifies(choice))
    rival = choose(controls, asked, by=by, is_sure=arguments.sure).best
    lines = wording.sentences(choice, choice.best, rival, shown)
    print("", *lines, sep="\n", file=sys.stdout if is_text else sys.stderr)


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
