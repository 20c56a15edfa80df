"""What a worker and the flow that it works for must have in common: a cell's key says by which code it was answered."""

from __future__ import annotations

import platform
import socket
from importlib.metadata import version
from pathlib import Path

from leanvlm.errors import InputError
from leanvlm.hashes import digest
from leanvlm.tables.cells import LIBRARIES

ROOT = Path(__file__).parents[2]

Code = tuple[tuple[str, str], ...]  # name and version, ours as a hash


class OtherWorker(InputError):
    """A worker that would answer otherwise than the key says."""


def refuse_other_code(wanted: Code) -> None:
    """Compare this process with the flow.

    Raises: OtherWorker naming what differs.
    """
    pairs = zip(wanted, CODE, strict=True)
    differing = [f"{name} {own} where this run has {told}" for (name, told), (_, own) in pairs if told != own]
    if differing:
        raise OtherWorker(f"a worker on {socket.gethostname()} has {' and '.join(differing)}; end the workers, "
                          "and start them again in this run's checkout and environment")  # fmt: skip


def _code() -> Code:
    paths = sorted(path for folder in ("leanvlm", "flows") for path in (ROOT / folder).rglob("*.py"))
    ours = "".join(path.relative_to(ROOT).as_posix() + path.read_text(encoding="utf-8") for path in paths)
    libraries = [(name, version(name)) for name in LIBRARIES]
    return ("leanvlm", digest(ours.encode())), ("python", platform.python_version()), *libraries


CODE = _code()  # of this process, read when it begins: what is loaded stays when a file changes
