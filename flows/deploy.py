"""Make the deployments of prefect.yaml known to the server: their forms as this checkout now has them."""

from __future__ import annotations

import subprocess
import sys

from flows.own_server import LOG
from flows.worker import POOL
from leanvlm.errors import RunError
from leanvlm.processes.children import dying_with_this

COMMAND = (sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all")


def deploy() -> None:
    """Make the work pool if it is not there, and the deployments anew; schedules made in the UI stay.

    Raises: RunError where a deployment cannot be made.
    """
    _make_pool()
    done = subprocess.run(
        COMMAND, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=dying_with_this(), check=False
    )
    if done.returncode:
        with LOG.open("ab") as log:
            log.write(done.stdout)
        raise RunError(f"the deployments of prefect.yaml could not be made; read {LOG}")
    _close_forms()


def _make_pool() -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists
    from prefect.workers.process import ProcessWorker

    template = ProcessWorker.get_default_base_job_template()
    with get_client(sync_client=True) as client:
        try:
            client.create_work_pool(WorkPoolCreate(name=POOL, type="process", base_job_template=template))
        except ObjectAlreadyExists:
            return


def _close_forms() -> None:
    """Let forms refuse a parameter that they lack: Prefect would hand it to the flow, which cannot take it."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import DeploymentUpdate

    with get_client(sync_client=True) as client:
        for one in client.read_deployments():
            if one.work_pool_name == POOL:
                schema = {**(one.parameter_openapi_schema or {}), "additionalProperties": False}
                client.update_deployment(one.id, DeploymentUpdate(parameter_openapi_schema=schema))
