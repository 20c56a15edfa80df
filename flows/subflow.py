"""A flow of another process as a subflow: a stage's flow hangs beneath the flow run that started the pipeline."""

from __future__ import annotations

import os
from typing import Any
from uuid import UUID, uuid4

from prefect import Flow, Task
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.states import Pending

from flows.runs import mark

PARENT = "LEANVLM_FLOW_RUN"  # in the environment of a run's processes: the id of the flow run above them


def parent() -> UUID | None:
    """Return the flow run that this process works for, if there is one."""
    return UUID(os.environ[PARENT]) if PARENT in os.environ else None


def run_beneath(flow: Flow[[], Any]) -> Any:
    """Run a flow beneath the flow run of the environment, or alone; return what it returns.

    Prefect knows a subflow by a task run of its parent that stands for it, here as in one process. One that is alone,
    which no worker watches, is told by a tag whose process it is.
    """
    above = parent()
    with get_client(sync_client=True) as client:
        if above is None:
            run = client.create_flow_run(flow, name=flow.name, state=Pending(), tags=[mark()])
        else:
            link = client.create_task_run(Task(fn=flow.fn, name=flow.name), above, dynamic_key=str(uuid4()))
            run = client.create_flow_run(flow, name=flow.name, state=Pending(), parent_task_run_id=link.id)
    return run_flow(flow, flow_run=run)
