"""What a run's form chose, as a file of its own: it is laid over params.yaml, which stays the user's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from flows.forms import Reproduce, Sweep
from leanvlm import files
from leanvlm.params._profiles import dumped, over, read_profile
from leanvlm.params._yaml import read_yaml
from leanvlm.processes.lock import held

HEADER = "# What the Prefect run {run} laid over params.yaml. To repeat it:\n"
AGAIN = "# python -m leanvlm.pipeline.reproduce --overlay {path}\n"


@contextmanager
def recorded(run: UUID, chosen: Reproduce | Sweep) -> Iterator[Path]:
    """Record what a run lays, and keep `leanvlm clean` from it for the length of a `with`."""
    path = record(run, chosen)
    with held(path):
        yield path


def record(run: UUID, chosen: Reproduce | Sweep) -> Path:
    """Write what a run lays over params.yaml: its profile's values, and the form's over them.

    Raises: InputError where the profile is not there.
    """
    path = files.RUNS / f"{run}.yaml"
    laid = over(read_profile(chosen.profile, Path()), chosen.laid())
    files.write(HEADER.format(run=run) + AGAIN.format(path=path) + dumped(laid), path)
    return path


def tags(overlay: Path, profile: str) -> list[str]:
    """Name the profile and the models of a run, for the UI's filters."""
    laid: dict[str, Any] = over(read_yaml(files.PARAMS), read_yaml(overlay))
    return [f"profile:{profile}", *(f"model:{name}" for name in laid["grid"]["models"])]
