"""Run a command until it ends or standard input does, then leave nothing of its process group.

Whoever starts this holds the other end of standard input, which closes however that process dies: what a server has
started is ended too, where a signal at its parent's death would reach the server alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading

SECONDS = 20  # that a server has to end by itself


def main() -> None:
    """Run the command that the arguments are; start this as the leader of a process group."""
    server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
    threading.Thread(target=end_with_input, args=(server,), daemon=True).start()
    server.wait()
    os.killpg(0, signal.SIGKILL)


def end_with_input(server: subprocess.Popen[bytes]) -> None:
    """End the command when nobody holds the other end any more, and kill it if it takes long."""
    sys.stdin.read()
    server.terminate()
    threading.Timer(SECONDS, os.killpg, (0, signal.SIGKILL)).start()


if __name__ == "__main__":
    main()
