"""What `make cluster` starts: a Dask scheduler and workers on this machine, for this machine alone.

Call:   python -m flows.clusters.loopback [N_WORKERS [PORT]]
"""

from __future__ import annotations

import signal
import sys
import time
import warnings

import torch

from flows.clusters.dask import local
from leanvlm.errors import InputError, exit_on_error
from leanvlm.processes.endings import STOPPED

PORT = 8786  # Dask's own


def main() -> None:
    """Serve until interrupted; workers end with this process, however it ends.

    Raises: InputError for what is no number, and where the port is taken.
    """
    given = sys.argv[1:]
    if len(given) > 2 or not all(word.isdecimal() and 0 < int(word) < 2**16 for word in given):
        raise InputError(f"cluster takes a number of workers and a port, not {' '.join(given)!r}; as in "
                         "python -m flows.clusters.loopback 2 8786")  # fmt: skip
    n_workers, port = [int(word) for word in given] + [2, PORT][len(given) :]
    warnings.simplefilter("ignore")  # Dask takes another port than a taken one, and warns; we refuse
    with local(n_workers, device="cuda" if torch.cuda.is_available() else "cpu", port=port) as cluster:
        if not cluster.scheduler_address.endswith(f":{port}"):
            raise InputError(f"port {port} of 127.0.0.1 is taken; end what listens there, or name another")
        come = _listening()  # before anybody is told whom to end
        print(f"{n_workers} workers at {cluster.scheduler_address} (Ctrl-C ends them); in params.yaml, cluster: "
              f'{{runner: dask, address: "{cluster.scheduler_address}"}}', flush=True)  # fmt: skip
        number = _first(come)
        print(f"\nleanvlm: {STOPPED[number]}; the scheduler and its workers end", file=sys.stderr, flush=True)
    sys.exit(128 + number)


def _listening() -> list[int]:
    """Note Ctrl-C and SIGTERM when they come."""
    come: list[int] = []
    for number in STOPPED:
        signal.signal(number, lambda one, _frame: come.append(one))
    return come


def _first(come: list[int]) -> signal.Signals:
    """Wait until one has come."""
    while not come:
        time.sleep(0.2)
    return signal.Signals(come[0])


if __name__ == "__main__":
    exit_on_error(main)
