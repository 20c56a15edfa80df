"""How many cells are answered, as a bar in the Prefect UI: on the run that started the pipeline, where there is one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.runtime import flow_run

from flows.subflow import parent
from leanvlm.errors import LeanvlmError
from leanvlm.pipeline.cells import Cell
from leanvlm.pipeline.stored_cells import not_stored

SECONDS = 5.0  # between two looks at what is stored


@contextmanager
def shown(cells: Sequence[Cell]) -> Iterator[None]:
    """Show how many of some cells are stored, for the length of a `with`; nobody who stores one needs to say so."""
    is_done = threading.Event()
    watcher = threading.Thread(target=_watch, args=(_begin(cells), cells, is_done), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_done.set()
        watcher.join()


def _begin(cells: Sequence[Cell]) -> UUID:
    share, text = counted(cells)
    run = parent() or UUID(flow_run.get_id())
    bar = ArtifactCreate(key="cells", type="progress", data=share, description=text, flow_run_id=run)
    with get_client(sync_client=True) as client:
        return client.create_artifact(bar).id


def _watch(bar: UUID, cells: Sequence[Cell], is_done: threading.Event) -> None:
    said = ""
    with get_client(sync_client=True) as client:
        while True:
            last = is_done.wait(SECONDS)
            with suppress(LeanvlmError):  # a storage that is away: who keeps answers there is told too, and says so
                share, text = counted(cells)
                if text != said:
                    client.update_artifact(bar, ArtifactUpdate(data=share, description=text))
                    said = text
            if last:
                return


def counted(cells: Sequence[Cell]) -> tuple[float, str]:
    """Return the percentage of cells that are stored, and their numbers in words."""
    stored = len(cells) - len(not_stored(cells))
    return 100 * stored / len(cells) if cells else 100.0, f"{stored} of {len(cells)} cells are answered"
