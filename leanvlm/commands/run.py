"""`leanvlm run`: recipes on benchmarks for one checkpoint, without DVC; writes a folder that `leanvlm score` reads."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from pathlib import Path

from leanvlm.commands import Command
from leanvlm.commands._arguments import path, refuse_taken, whole
from leanvlm.params import DEVICES, DTYPES
from leanvlm.typed import NAME

DETAILS = """\
Answers n samples of each benchmark with each recipe, and with controls/full, which every ratio is taken of. Writes the
predictions to --into as Parquet; `leanvlm score DIR` prints OP, OG and OL of them, and with --into FILE it keeps a
store for `leanvlm sql` and `leanvlm compare`. Nothing is cached and no seconds are measured: `make repro` does both."""

BENCHMARKS = "of `leanvlm benchmarks`, or local:PATH of a file of your own questions (README.md says what a row is)"


def run(arguments: Namespace) -> None:
    """Load, answer, write, and say what to do next.

    Raises: InputError for a folder that has predictions already, and as `leanvlm.load` and `leanvlm.evaluate`.
    """
    refuse_taken(arguments.into)
    from leanvlm.api._recipes import for_loaded
    from leanvlm.api.evaluate import evaluate, readable
    from leanvlm.api.load import load

    for_loaded(arguments.recipes)  # before a checkpoint is loaded, which can take minutes
    for name in arguments.benchmarks:
        readable(name)
    model = load(arguments.model, dtype=arguments.dtype, device=arguments.device)
    found = evaluate(
        model,
        recipes=arguments.recipes,
        benchmarks=arguments.benchmarks,
        n=arguments.n,
        seed=arguments.seed,
        max_new_tokens=arguments.max_new_tokens,
        name=arguments.name or "",
    )
    path = found.write(arguments.into)
    print(f"{len(found.predictions)} predictions in {path}; next: leanvlm score {arguments.into}", file=sys.stderr)


def _takes(parser: ArgumentParser) -> None:
    place, n, seed, limit = _checkpoint, whole(1, 100_000), whole(0, 2**31 - 1), whole(1, 32_768)
    parser.add_argument("--model", type=place, required=True, help="a folder, or owner/name[@revision] of the hub")
    parser.add_argument("--recipes", nargs="+", required=True, metavar="RECIPE", help="such as cache/snapkv@10%%")
    parser.add_argument("--benchmarks", nargs="+", required=True, metavar="NAME", help=BENCHMARKS)
    parser.add_argument("--into", type=path, default=Path("predictions"), metavar="DIR", help="(default: %(default)s)")
    parser.add_argument("--n", type=n, default=100, help="samples of each benchmark (default: %(default)s)")
    parser.add_argument("--seed", type=seed, default=0, help="which draw of samples (default: %(default)s)")
    parser.add_argument("--max-new-tokens", type=limit, default=48, help="longest answer (default: %(default)s)")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="(default: %(default)s)")
    parser.add_argument("--device", choices=DEVICES, default="cpu", help="(default: %(default)s)")
    parser.add_argument("--name", type=_name, help="the model's name in the tables (default: its folder's)")


def _checkpoint(text: str) -> str:
    return str(path(text))


def _name(text: str) -> str:
    if not NAME.holds(text):
        raise ArgumentTypeError(f"{text!r} is not {NAME.wanted}")
    return text


COMMAND = Command(
    name="run",
    says="answer benchmarks with recipes for one checkpoint, without DVC",
    details=DETAILS,
    example="leanvlm run --model artifacts/models/embedded --recipes cache/snapkv@10% --benchmarks documents --n 20",
    run=run,
    takes=_takes,
)
