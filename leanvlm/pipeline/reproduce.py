"""What `make repro` does: one `dvc repro` at a time, on a dvc.lock that is whole.

What a killed run had computed is found again, in DVC's run-cache and among the stored cells.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leanvlm import disk, files
from leanvlm.errors import REFUSED, InputError, RunError, exit_on_error
from leanvlm.models._hub import is_id
from leanvlm.params import Params, read
from leanvlm.params._profiles import NONE
from leanvlm.pipeline import ahead
from leanvlm.pipeline.definitions import edited, refuse_damaged, stages
from leanvlm.pipeline.dvc_lock import forget_killed_commands, repair_lock
from leanvlm.pipeline.judge import unanswered
from leanvlm.pipeline.profile import lay_checked
from leanvlm.processes.children import die_with_parent, dying_with_this
from leanvlm.processes.endings import RUN
from leanvlm.processes.lock import only_run
from leanvlm.texts import perhaps

HOLD = Path(".dvc/tmp/leanvlm.run")
REFUSAL = Path(".dvc/tmp/leanvlm.refused")  # is there where a stage refused its input, and did not fail by itself
TRACKER = "ignore:resource_tracker"  # Python's, which tells of locks of an ended run; the system frees them
DVC = (sys.executable, "-m", "dvc")
TARGET = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@/:-]*")  # a stage, an item of one, or an output


def run_dvc(
    targets: list[str], *, profile: str | None = None, overlay: Path | None = None, patient: bool = False
) -> None:
    """Run `dvc repro` in a process that dies with this one.

    Takes: profile, a file of profiles/ whose values are laid over params.yaml in this run; overlay, a file of such
        values, instead; patient, whether it waits for a run that holds the checkout.

    Raises: InputError for a target that names no stage, a params.yaml that cannot be used or a model that is not
        there, and where a stage refuses its input; RunError if another run holds the checkout or a stage fails.
    """
    for target in targets:
        if TARGET.fullmatch(target) is None:
            raise InputError(f"no stage {target!r}; name stages or outputs of dvc.yaml, such as tally, and no options")
    with ready(profile, overlay=overlay, patient=patient) as environment:
        if targets:
            _refuse_unknown(targets)
        params = read(files.PARAMS)
        _refuse_missing(params)
        if unanswered(Path()):
            _run([*DVC, "repro", "--force", "--single-item", "judge"], environment)
        if ahead.are_wanted(params, targets, list(stages())):
            _compress_on_the_cluster(params, environment)
        _run([*DVC, "repro", "--", *targets], environment)


def _compress_on_the_cluster(params: Params, environment: dict[str, str]) -> None:
    _run([*DVC, "repro", "--", "record"], environment)  # what enters the decoders, of which checkpoints are made
    if unmade := ahead.unmade(params, environment):
        _run([sys.executable, "-m", "flows.ahead", *unmade], environment)


def _refuse_unknown(targets: list[str]) -> None:
    """Refuse what is neither a stage nor, with a slash or a dot in it, a path that may be an output."""
    known = list(stages())
    for target in targets:
        name = target.partition("@")[0]
        if name not in known and not set("/.:") & set(name):
            raise InputError(f"no stage {target!r}{perhaps(name, known)}; the stages are {', '.join(known)}")


def _refuse_missing(params: Params) -> None:
    """Refuse a model without its folder before hours of work, not at the first stage that loads it."""
    for name in params.grid.models:
        folder = params.models[name].checkpoint
        if is_id(folder):
            continue  # `fetch` looks for it, first of all
        if not Path(folder, "config.json").is_file():
            raise InputError(f"models.{name}.checkpoint is {folder!r}, and there is no config.json in such a folder; "
                             "name a checkpoint's folder, or owner/name of the hub, in params.yaml")  # fmt: skip


def run_frozen(name: str, *, profile: str | None = None) -> None:
    """Run a stage that `dvc repro` passes over even when forced, and record what it wrote as `dvc repro` would.

    Raises: InputError where no frozen stage has that name; else as `run_dvc`.
    """
    with ready(profile) as environment:
        known = stages()
        frozen = [name for name, stage in known.items() if stage.get("frozen")]
        if name not in frozen:
            raise InputError(f"no frozen stage {name!r}; `make repro` runs all others, these are: {', '.join(frozen)}")
        if str(files.SOURCES) in known[name]["deps"]:  # which is no file of git, and listed in a moment
            _run([*DVC, "repro", "--single-item", "fetch"], environment)
        _run(["sh", "-c", known[name]["cmd"]], environment)
        _run([*DVC, "commit", "--force", "--", name], environment)


@contextmanager
def ready(
    profile: str | None = None, *, overlay: Path | None = None, patient: bool = False
) -> Iterator[dict[str, str]]:
    """Hold the checkout, its params.yaml checked and its dvc.lock whole; give the environment of a stage."""
    read(files.PARAMS, profile=profile or NONE)  # outside a checkout there is nothing to hold
    with only_run(HOLD, patient=patient):
        refuse_damaged()
        for line in edited():
            print(line)
        lay_checked(profile or NONE, overlay=overlay)
        for folder in (files.CHECKPOINTS, files.COSTS):  # stages depend on them, also where no recipe fills them
            folder.mkdir(parents=True, exist_ok=True)
        repair_lock()
        forget_killed_commands()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {RUN: str(os.getpid()), REFUSED: str(REFUSAL.resolve())}
        ignored = ",".join(filter(None, (os.environ.get("PYTHONWARNINGS"), TRACKER)))
        own |= {"DVC_NO_ANALYTICS": "1", "PYTHONUNBUFFERED": "1", "PYTHONWARNINGS": ignored}
        yield os.environ | {"PATH": path, **own}


def _run(command: list[str], environment: dict[str, str]) -> None:
    files.remove(REFUSAL)
    done = subprocess.run(command, env=environment, preexec_fn=dying_with_this(), check=False)
    if done.returncode and disk.is_full(Path()):
        raise RunError(disk.full(Path.cwd()))
    if done.returncode and REFUSAL.exists():
        raise InputError("a stage refused its input; its own message is above. What was done is kept: mend that, and "
                         "run the command again")  # fmt: skip
    if done.returncode:
        raise RunError("a stage failed; its own message is above. What was done is kept: run the command again")


def main() -> None:
    """Run all of the pipeline, or the targets on the command line."""
    die_with_parent()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", help="a file of profiles/, laid over params.yaml in this run")
    parser.add_argument("--overlay", type=Path, help="a file of values that are laid instead, such as runs/RUN.yaml")
    parser.add_argument("--patient", action="store_true", help="wait for a run that holds the checkout")
    parser.add_argument("--rerun", metavar="STAGE", help="run a frozen stage: embedded or ablation")
    parser.add_argument("targets", nargs="*")
    arguments, options = parser.parse_known_args()
    if arguments.rerun is not None:
        run_frozen(arguments.rerun, profile=arguments.profile)
    else:
        targets = [*arguments.targets, *options]
        run_dvc(targets, profile=arguments.profile, overlay=arguments.overlay, patient=arguments.patient)


if __name__ == "__main__":
    exit_on_error(main)
