"""What is said of flow runs from outside: their tags, and their state where a process was killed and says nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import psutil
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterParentFlowRunId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import AwaitingRetry, Cancelled, Crashed

from leanvlm import files

CLUSTERED = tuple(f"{what} on {kind}" for what in ("answers", "checkpoints") for kind in ("dask", "ray"))
OURS = ("reproduce", "sweep", "answers", *CLUSTERED)  # flows
STARTS = 2  # of a run at most, by itself
ALIVE = FlowRunFilterState(
    type=FlowRunFilterStateType(any_=[StateType.RUNNING, StateType.PENDING, StateType.CANCELLING])
)
KILLED = re.compile(r"status code:? -9\b")  # in what a worker says of a process that got SIGKILL
MARK = re.compile(r"process:(\d{1,9})@(.+)")
RECENT = 20  # crashed runs that are looked at
GONE = "its process was ended; what was done is kept: run it again to go on"


def set_tags(run: UUID, tags: Sequence[str]) -> None:
    """Give a run tags besides those of its deployment."""
    with get_client(sync_client=True) as client:
        client.update_flow_run(run, tags=[*dict.fromkeys([*client.read_flow_run(run).tags, *tags])])


def end_beneath(run: UUID) -> None:
    """Mark the subflows of a run whose processes have all ended."""
    beneath = FlowRunFilter(parent_flow_run_id=FlowRunFilterParentFlowRunId(any_=[run]), state=ALIVE)
    with get_client(sync_client=True) as client:
        _end(client, client.read_flow_runs(flow_run_filter=beneath))


def mark() -> str:
    """Name this process, as the tag of a run of which no worker says that it was killed: a terminal's, a cluster's."""
    return f"process:{os.getpid()}@{files.HOST}"


def end_all() -> list[FlowRun]:
    """Mark every run of ours that Prefect takes for alive, where no process of ours is; return them as they were.

    Those that name a process of theirs are left while it lives, or where it is on another machine.
    """
    return _end_those(lambda run: _process(run) is None or _is_lost(run))


def end_lost() -> list[FlowRun]:
    """Mark the runs that name a process of this machine which is no more; return them as they were."""
    return _end_those(_is_lost)


def _end_those(chosen: Callable[[FlowRun], bool]) -> list[FlowRun]:
    ours = FlowFilter(name=FlowFilterName(any_=list(OURS)))
    with get_client(sync_client=True) as client:
        alive = client.read_flow_runs(flow_filter=ours, flow_run_filter=FlowRunFilter(state=ALIVE))
        found = [run for run in alive if chosen(run)]
        _end(client, found)
    return found


def _process(run: FlowRun) -> tuple[int, str] | None:
    """Read the tag that names a run's process: its number, and its machine."""
    found = next((match for tag in run.tags if (match := MARK.fullmatch(tag))), None)
    return (int(found[1]), found[2]) if found else None


def _is_lost(run: FlowRun) -> bool:
    number, host = _process(run) or (0, "")
    return host == files.HOST and not _is_there(number)


def _is_there(number: int) -> bool:
    try:
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def resume(ended: Sequence[FlowRun]) -> None:
    """Start runs once more whose worker was killed, but for those that were being cancelled and for subflows."""
    for run in ended:
        if run.state_type != StateType.CANCELLING and run.deployment_id is not None:
            _start_again(run)


def resume_killed(since: datetime) -> None:
    """Start runs once more whose own process was killed after a moment, as their worker says."""
    crashed = FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.CRASHED]))
    with get_client(sync_client=True) as client:
        found = client.read_flow_runs(
            flow_filter=FlowFilter(name=FlowFilterName(any_=list(OURS))),
            flow_run_filter=FlowRunFilter(state=crashed),
            sort=FlowRunSort.END_TIME_DESC,
            limit=RECENT,
        )
    resume([run for run in found if _is_later(run, since) and run.state and KILLED.search(run.state.message or "")])


def _is_later(run: FlowRun, since: datetime) -> bool:
    return run.end_time is not None and run.end_time >= since


def _start_again(run: FlowRun) -> None:
    end_beneath(run.id)
    if run.run_count < STARTS:
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, AwaitingRetry(message="its process was killed"), force=True)


def _end(client: SyncPrefectClient, found: Sequence[FlowRun]) -> None:
    for run in found:
        state = Cancelled if run.state_type == StateType.CANCELLING else Crashed
        client.set_flow_run_state(run.id, state(message=GONE), force=True)
