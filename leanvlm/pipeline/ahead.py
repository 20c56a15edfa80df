"""Checkpoints that a cluster makes ahead of `dvc repro`, which would make one after the other.

DVC says which it would make, and is told of each that is there, so its own run finds them as it would have left them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from leanvlm.errors import RunError
from leanvlm.params import Params

STAGE = "compress"


def are_wanted(params: Params, targets: Sequence[str], stages: Sequence[str]) -> bool:
    """Tell whether a run of `targets` may come to checkpoints that a cluster can make.

    Takes: stages, in dvc.yaml's order; those before `compress` never need it.
    """
    earlier = stages[: stages.index(STAGE)]
    is_all_earlier = bool(targets) and all(target.partition("@")[0] in earlier for target in targets)
    return params.cluster is not None and bool(params.weights) and not is_all_earlier


def unmade(params: Params, environment: dict[str, str]) -> list[str]:
    """Ask DVC which checkpoints it would make now; name each as MODEL/SLUG.

    Raises: RunError where DVC cannot say.
    """
    command = [sys.executable, "-m", "dvc", "status", "--json", STAGE]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise RunError("DVC could not say which checkpoints are to be made; its own message is above")
    changed = json.loads(done.stdout)
    pairs = [(model, slug) for model in params.grid.models for slug in params.weights]
    return [f"{model}/{slug}" for model, slug in pairs if f"{STAGE}@{model}-{slug}" in changed]
