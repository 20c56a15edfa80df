"""What `make serve` starts: Prefect's server and its UI, for this machine alone.

docs/operations.md says how to let others in.
"""

from __future__ import annotations

import socket

import uvicorn
from prefect.settings import get_current_settings

from flows.guard import LOOPBACK, create_app
from leanvlm.errors import InputError, exit_on_error


def main() -> None:
    """Serve until interrupted.

    Raises: InputError where settings ask for another address than 127.0.0.1, or the port is taken.
    """
    api = get_current_settings().server.api
    if api.host not in LOOPBACK:
        raise InputError(f"PREFECT_SERVER_API_HOST is {api.host!r}, and `make serve` listens on 127.0.0.1 only; unset "
                         "it, and see docs/operations.md for a proxy with a password before it")  # fmt: skip
    _refuse_a_taken_port(api.port)
    app = create_app()
    print(f"Prefect's UI and API: http://127.0.0.1:{api.port} (Ctrl-C ends it)", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=api.port, log_level="error", timeout_keep_alive=api.keepalive_timeout)


def _refuse_a_taken_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise InputError(f"port {port} of 127.0.0.1 cannot be used ({error.strerror}); end what listens there, or "
                             "set PREFECT_SERVER_API_PORT")  from None  # fmt: skip


if __name__ == "__main__":
    exit_on_error(main)
