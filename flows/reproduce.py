"""The flows that the Prefect UI runs: the pipeline, or a grid of one's own; what they answer is a subflow of theirs.

`make serve` deploys them as prefect.yaml says. dvc.yaml stays the only place where dependencies are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Failed

from flows import child, overlay, results, runs
from flows.forms import Reproduce, Sweep
from flows.server import prefect_server
from leanvlm.errors import LeanvlmError, RunError, exit_on_error

Ended = State[Any] | None  # a failed state with its sentence, or nothing, which Prefect takes for success


@flow(flow_run_name="reproduce {chosen.profile}")
def reproduce(chosen: Reproduce = Reproduce()) -> Ended:  # noqa: B008, since Prefect reads the form's defaults here
    """Bring the pipeline's outputs up to date: all of them, or some stages and what they need."""
    return _carry_out(chosen, chosen.stages)


@flow(flow_run_name="sweep {chosen.profile}")
def sweep(chosen: Sweep = Sweep()) -> Ended:  # noqa: B008
    """Answer, grade, measure and report a grid of your own; what was answered before is found again."""
    return _carry_out(chosen, [])


def _carry_out(chosen: Reproduce | Sweep, stages: Sequence[str]) -> Ended:
    """Run the pipeline with what a form chose laid over params.yaml, and show what came out."""
    run = UUID(flow_run.get_id())
    try:
        with overlay.recorded(run, chosen) as laid:
            runs.set_tags(run, overlay.tags(laid, chosen.profile))
            _try_twice(["--patient", "--overlay", str(laid), "--", *stages], run)
    except LeanvlmError as error:
        return Failed(message=str(error))
    if not stages or results.STAGE in stages:
        results.show()
    return None


def _try_twice(arguments: Sequence[str], run: UUID) -> None:
    """Run the pipeline once more where it failed by itself, as where a worker was killed: what was done is kept."""
    try:
        child.reproduce(arguments, run)
    except RunError as error:
        get_run_logger().warning(f"{error} (this is done by itself now, once)")
        child.reproduce(arguments, run)


def main() -> None:
    """Run the pipeline once, on the server that PREFECT_API_URL names or on a temporary one."""
    with prefect_server() as url, temporary_settings({PREFECT_API_URL: url}):
        ended = reproduce(return_state=True)
    if ended.is_failed():
        raise RunError(ended.message or "the run failed")


if __name__ == "__main__":
    exit_on_error(main)
