"""Join a cluster, hand tasks out to it, no more than it can do soon, and take what comes back as it comes."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from importlib import import_module
from itertools import islice
from queue import Empty, SimpleQueue
from types import ModuleType
from typing import Any, TypeVar

from prefect import flow
from prefect.context import FlowRunContext
from prefect.futures import PrefectFuture

from flows.runs import mark, set_tags
from leanvlm.cluster.code import OtherWorker
from leanvlm.errors import InputError, LeanvlmError, RunError
from leanvlm.params.machines import Cluster
from leanvlm.processes.endings import ending_well

AHEAD = 2  # tasks per worker that are under way: one that it is at, one that waits
REACHED_SECONDS = 5.0  # for a connection
PATIENCE_SECONDS = 60.0  # without any worker: one that was killed takes ten to be there again
LOOK_SECONDS = 5.0  # between looks at how many workers there are

Key = TypeVar("Key")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Joined:
    """A cluster that the flow which runs has joined."""

    kind: ModuleType  # dask.py or ray.py
    runner: Any  # of the flow, which hands tasks over
    device: str  # cuda: a task asks for a GPU


def on_cluster(cluster: Cluster, work: Callable[[Joined], None], *, device: str, name: str) -> None:
    """Run `work` as a flow whose tasks a cluster takes.

    Raises: InputError where no cluster answers at the address.
    """
    if cluster.address:
        _refuse_unreachable(cluster.address)
    kind = import_module(f"flows.clusters.{cluster.runner}")

    def joined(runner: Any) -> None:
        kind.join(runner)
        work(Joined(kind, runner, device))
        kind.let_go(runner)

    token = _work.set(joined)
    try:
        runner = kind.task_runner(cluster, device=device)
        flow(name=f"{name} on {cluster.runner}", task_runner=runner)(_joined)()
    except ConnectionError as error:
        raise InputError(f"what listens at cluster.address {cluster.address!r} is no cluster of {cluster.runner}'s "
                         f"({error}); name one") from None  # fmt: skip
    finally:
        _work.reset(token)


# Prefect sends the flow's function along with each task, and all that it closes over: so it closes over nothing.
_work: ContextVar[Callable[[Any], None]] = ContextVar("work")


def _joined() -> None:
    context = FlowRunContext.get()
    assert context is not None
    assert context.flow_run is not None
    set_tags(context.flow_run.id, [mark()])
    with ending_well():  # Prefect's own handler would wait for tasks
        _work.get()(context.task_runner)


def as_done(
    joined: Joined, calls: Iterable[tuple[Key, Callable[[], PrefectFuture[Result]]]]
) -> Iterator[tuple[Key, Result | InputError]]:
    """Hand tasks out; yield what each returns, or why it refuses, as soon as it is there.

    Takes: calls, each of which submits a task, when there is a worker for it soon.

    Raises: OtherWorker, or RunError where a task fails otherwise, or no worker is left.
    """
    left, running = iter(calls), dict[PrefectFuture[Result], Key]()
    done: SimpleQueue[PrefectFuture[Result]] = SimpleQueue()
    for n_slots in _looks(lambda: int(joined.kind.slots(joined.runner, device=joined.device))):
        with joined.kind.on_a_slot(device=joined.device):
            for key, submit in islice(left, max(0, AHEAD * n_slots - len(running))):
                future = submit()
                running[future] = key
                future.add_done_callback(done.put)
        if n_slots and not running:
            return
        for future in _waited(done):
            outcome = _outcome(future)
            yield running.pop(future), outcome


def _looks(count: Callable[[], int]) -> Iterator[int]:
    """Yield, for ever, how many workers there are; they are counted now and then.

    Raises: RunError where there is none for long.
    """
    n_slots, seen_at, counted_at = 0, time.monotonic(), -LOOK_SECONDS
    while True:
        now = time.monotonic()
        if now - counted_at >= LOOK_SECONDS:
            n_slots, counted_at = count(), now
        seen_at = now if n_slots else seen_at
        if now - seen_at > PATIENCE_SECONDS:
            raise RunError(f"the cluster has had no worker that could take a task for {PATIENCE_SECONDS:g} s; start "
                           "some as docs/cluster.md says, and run again: finished batches are kept")  # fmt: skip
        yield n_slots


def _waited(done: SimpleQueue[PrefectFuture[Result]]) -> Iterator[PrefectFuture[Result]]:
    """Wait a while for the next task that is done."""
    try:
        yield done.get(timeout=LOOK_SECONDS)
    except Empty:
        return


def _outcome(future: PrefectFuture[Result]) -> Result | InputError:
    try:
        found: Result = future.result()
        return found
    except OtherWorker:
        raise
    except InputError as error:
        return error
    except LeanvlmError:
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        raise RunError(f"a task failed on a worker, or with it ({told}); finished batches are kept: mend that, start "
                       "workers as docs/cluster.md says, and run again") from None  # fmt: skip


def _refuse_unreachable(address: str) -> None:
    """Ask for a connection first: the libraries would try for a minute."""
    host, _, port = address.rpartition("/")[2].rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=REACHED_SECONDS).close()
    except (OSError, OverflowError) as error:
        raise InputError(f"no cluster answers at cluster.address {address!r} ({error}); start it as "
                         "docs/cluster.md says, or set cluster to null in params.yaml")  from None  # fmt: skip
