"""What `make repro` does: one `dvc repro` at a time, on a dvc.lock that is whole.

DVC rewrites dvc.lock in place, so a kill can cut it; a cut lock is brought back from git, else made anew (what was
computed is then found again in DVC's run-cache and among the stored cells).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dvc.schema import COMPILED_LOCKFILE_SCHEMA  # type: ignore[import-untyped]
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from voluptuous import Invalid

from leanvlm import files
from leanvlm.errors import InputError, RunError, exit_on_error
from leanvlm.params import PROFILES, load, read
from leanvlm.processes.children import die_with_parent
from leanvlm.processes.lock import only_run

LOCK = Path("dvc.lock")
HOLD = Path(".dvc/tmp/leanvlm.run")
DVC = (sys.executable, "-m", "dvc")


def run_dvc(targets: list[str]) -> None:
    """Run `dvc repro` in a process that dies with this one.

    Raises: InputError for a params.yaml that cannot be used, RunError if another run holds the checkout or a stage
        fails.
    """
    with ready() as environment:
        _run([*DVC, "repro", *targets], environment)


def run_frozen(name: str) -> None:
    """Run a stage that `dvc repro` passes over even when forced, and record what it wrote as `dvc repro` would.

    Raises: InputError where no frozen stage has that name; else as `run_dvc`.
    """
    with ready() as environment:
        stages = YAML(typ="safe").load(Path("dvc.yaml"))["stages"]
        frozen = [name for name, stage in stages.items() if stage.get("frozen")]
        if name not in frozen:
            raise InputError(f"no frozen stage {name!r}; `make repro` runs all others, these are: {', '.join(frozen)}")
        _run(["sh", "-c", stages[name]["cmd"]], environment)
        _run([*DVC, "commit", "--force", name], environment)


@contextmanager
def ready() -> Iterator[dict[str, str]]:
    """Hold the checkout, its params.yaml checked and its dvc.lock whole; give the environment of a stage."""
    check_params()
    for folder in (files.CHECKPOINTS, files.COSTS):  # stages depend on them, also where no recipe fills them
        folder.mkdir(parents=True, exist_ok=True)
    with only_run(HOLD):
        mend_lock()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        yield os.environ | {"DVC_NO_ANALYTICS": "1", "PYTHONUNBUFFERED": "1", "PATH": path}


def _run(command: list[str], environment: dict[str, str]) -> None:
    done = subprocess.run(command, env=environment, preexec_fn=die_with_parent, check=False)
    if done.returncode:
        raise RunError("a stage failed; its own message stands above. What was done is kept: run the command again")


def check_params() -> None:
    """Refuse a params.yaml that cannot be used; one that passed is not read again, since that imports every method."""
    path, passed = files.PARAMS, HOLD.with_name("leanvlm.params")
    if not path.is_file() or not passed.is_file() or passed.read_text() != _digest(path):
        list_checkpoints(path)
        load(path)
        passed.parent.mkdir(parents=True, exist_ok=True)
        passed.write_text(_digest(path))


def list_checkpoints(path: Path) -> None:
    """Keep the block `weights:` to what the profile's recipes need: DVC makes one checkpoint for each line of it."""
    params = read(path)
    lines = "".join(f'\n  {name}: "{text}"' for name, text in params.needed_checkpoints.items())
    if params.weights != params.needed_checkpoints:
        block = f"weights:{lines or ' {}'}\n"
        path.write_text(re.sub(r"(?m)^weights:.*\n([ \t].*\n)*", lambda _: block, path.read_text()))
        print(f"params.yaml: `weights:` now lists the {len(params.needed_checkpoints)} checkpoints of the recipes")


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mend_lock() -> None:
    """Replace a dvc.lock that a kill has cut."""
    if not LOCK.exists() or _is_whole(LOCK.read_text()):
        return
    old = subprocess.run(["git", "show", f"HEAD:{LOCK}"], capture_output=True, text=True, check=False)
    if old.returncode == 0 and _is_whole(old.stdout):
        LOCK.write_text(old.stdout)
        print("dvc.lock was cut by an earlier kill; it is back as git has it")
    else:
        LOCK.unlink()
        print("dvc.lock was cut by an earlier kill; it is made anew")


def _is_whole(text: str) -> bool:
    """Say whether DVC can read it; a cut inside the last line is seen by the missing line end."""
    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except (YAMLError, Invalid):
        return False
    return text.endswith("\n")


def choose_profile(name: str) -> None:
    """Write the profile into params.yaml, where DVC sees it and a reader too.

    Raises: InputError for an unknown profile, or a params.yaml without the line `profile:`.
    """
    if name not in PROFILES:
        raise InputError(f"no profile {name!r}; choose {' or '.join(PROFILES)}, as in `make repro PROFILE=all`")
    path = files.PARAMS
    text = path.read_text() if path.is_file() else ""
    new, found = re.subn(r"(?m)^(  profile: )\w+", rf"\g<1>{name}", text)
    if not found:
        raise InputError("no params.yaml with a line `profile:` under `grid:` here; run from the repository's root")
    if new != text:
        path.write_text(new)
        print(f"params.yaml: the profile is now {name}")
        list_checkpoints(path)


def main() -> None:
    """Run all of the pipeline, or the targets on the command line."""
    die_with_parent()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", help="default or all; kept in params.yaml")
    parser.add_argument("--anew", metavar="STAGE", help="run a frozen stage: embedded or ablation")
    parser.add_argument("targets", nargs="*")
    arguments = parser.parse_args()
    if arguments.profile:
        choose_profile(arguments.profile)
    if arguments.anew:
        run_frozen(arguments.anew)
    else:
        run_dvc(arguments.targets)


if __name__ == "__main__":
    exit_on_error(main)
