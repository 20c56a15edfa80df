"""What git keeps for DVC, dvc.yaml and .dvc/config: whole before DVC reads them.

A dvc.yaml that was cut between two stages is a valid one: DVC would be done early, and say nothing. Nor does DVC say
that what frozen stages and benches made was edited: what git keeps of it is compared with git.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leanvlm import files
from leanvlm.errors import InputError, with_kind
from leanvlm.params._yaml import read_yaml

PIPELINE = Path("dvc.yaml")
CONFIG = Path(".dvc/config")
KEPT = (files.EMBEDDED, files.ABLATION, files.DECODER, files.SINKS)  # in git: made by frozen stages and by benches
MODULES = Path("stages")
RUNS = re.compile(r"-m stages\.(\w+)")

Stages = dict[str, dict[str, Any]]


def stages() -> Stages:
    """Read the stages of dvc.yaml.

    Raises: InputError where it is missing, is none that DVC reads, or lacks a stage.
    """
    from dvc.schema import COMPILED_MULTI_STAGE_SCHEMA  # type: ignore[import-untyped]
    from voluptuous import Invalid

    found = read_yaml(PIPELINE)
    try:
        COMPILED_MULTI_STAGE_SCHEMA(found)
        named: Stages = found["stages"]
        run = {name for stage in named.values() for name in RUNS.findall(stage["cmd"])}
    except (Invalid, KeyError, TypeError) as error:
        raise InputError(f"{PIPELINE} is not what DVC reads ({with_kind(error)}); {_compare(PIPELINE)}") from None
    if lacking := sorted({path.stem for path in MODULES.glob("[a-z]*.py")} - run):
        raise InputError(f"{PIPELINE} runs no {', '.join(f'stages.{name}' for name in lacking)}; {_compare(PIPELINE)}")
    return named


def refuse_damaged() -> None:
    """Refuse a checkout whose dvc.yaml or DVC's settings cannot be read.

    Raises: InputError naming the file.
    """
    from dvc.config import Config, ConfigError  # type: ignore[import-untyped]

    stages()
    try:
        Config(dvc_dir=str(CONFIG.parent.absolute()))
    except (ConfigError, UnicodeError) as error:
        raise InputError(f"DVC's settings cannot be read ({with_kind(error)}); {_compare(CONFIG)}, unless "
                         "they are in config.local or your home's") from None  # fmt: skip


def edited() -> Iterator[str]:
    """Say which results that git keeps are not those of the last commit; nothing where there is no git."""
    command = ["git", "diff", "--name-only", "--relative", "HEAD", "--", *map(str, KEPT)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return
    for name in done.stdout.splitlines() if done.returncode == 0 else ():
        yield f"{name} is not as the last commit has it, and is used as it is; `git diff {name}` shows what changed"


def _compare(path: Path) -> str:
    """Say what to do; nobody is told to take git's version back, which would undo what a person wrote."""
    return f"`git diff {path}` shows what changed"
