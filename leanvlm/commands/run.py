"""`leanvlm run`: recipes on benchmarks for one checkpoint, without DVC; writes a folder that `leanvlm score` reads."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from leanvlm.commands import Command
from leanvlm.errors import InputError

DETAILS = """\
Answers n samples of each benchmark with each recipe, and with controls/full, which every ratio is taken of. Writes the
predictions to --into as Parquet; `leanvlm score DIR` prints OP, OG and OL of them, and with --into FILE it keeps a
store for `leanvlm sql` and `leanvlm compare`. Nothing is cached and no seconds are measured: `make repro` does both."""


def run(arguments: Namespace) -> None:
    """Load, answer, write, and say what to do next.

    Raises: InputError for a folder that has predictions already, and as `leanvlm.load` and `leanvlm.evaluate`.
    """
    if arguments.into.exists():
        raise InputError(f"--into {arguments.into}: it exists; name a folder that does not")
    from leanvlm.api.evaluate import evaluate
    from leanvlm.api.load import load

    model = load(arguments.model, dtype=arguments.dtype, device=arguments.device)
    found = evaluate(
        model,
        recipes=arguments.recipes,
        benchmarks=arguments.benchmarks,
        n=arguments.n,
        seed=arguments.seed,
        max_new_tokens=arguments.max_new_tokens,
        name=arguments.name,
    )
    path = found.write(arguments.into)
    print(f"{len(found.predictions)} predictions in {path}; next: leanvlm score {arguments.into}", file=sys.stderr)


def _takes(parser: ArgumentParser) -> None:
    parser.add_argument("--model", required=True, help="a checkpoint's folder, or owner/name[@revision] of the hub")
    parser.add_argument("--recipes", nargs="+", required=True, metavar="RECIPE", help="such as cache/snapkv@10%%")
    parser.add_argument("--benchmarks", nargs="+", required=True, metavar="NAME", help="see `leanvlm benchmarks`")
    parser.add_argument("--into", type=Path, default=Path("predictions"), metavar="DIR", help="(default: %(default)s)")
    parser.add_argument("--n", type=int, default=100, help="samples of each benchmark (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="which draw of samples (default: %(default)s)")
    parser.add_argument("--max-new-tokens", type=int, default=48, help="longest answer (default: %(default)s)")
    parser.add_argument("--dtype", default="float32", help="float32, bfloat16 or float16 (default: %(default)s)")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument("--name", default="", help="the model's name in the tables (default: its folder's)")


COMMAND = Command(
    name="run",
    says="answer benchmarks with recipes for one checkpoint, without DVC",
    details=DETAILS,
    example="leanvlm run --model artifacts/models/embedded --recipes cache/snapkv@10% --benchmarks documents --n 20",
    run=run,
    takes=_takes,
)
