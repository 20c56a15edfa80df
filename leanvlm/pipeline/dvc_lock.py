"""What DVC rewrites in place: a kill can cut dvc.lock, or its list of running commands, and DVC cannot read it then."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.params._yaml import DEEPEST, events

LOCK = Path("dvc.lock")
KEPT = Path(".dvc/tmp/leanvlm.dvc.lock")  # the last one that could not be read
RUNNING = Path(".dvc/tmp/rwlock")  # JSON: which command of DVC reads or writes what
PID = re.compile(rb'"pid": (\d{1,9})\b')


def repair_lock() -> None:
    """Replace a dvc.lock that DVC cannot read: from git, else with nothing, so that DVC writes a new one.

    Raises: InputError where dvc.lock is no file that can be read.
    """
    if not LOCK.exists() or _is_whole(found := _read()):
        return
    with files.whole(KEPT) as part:
        part.write_bytes(found)
    LOCK.unlink()
    old = _in_git()
    if old is not None and _is_whole(old):
        files.write(old.decode(), LOCK)
        print(f"dvc.lock could not be read, as after a kill; git's version is back, and the other is kept as {KEPT}")
    else:
        print(f"dvc.lock could not be read, as after a kill; DVC writes a new one, and the other is kept as {KEPT}")


def forget_killed_commands() -> None:
    """Delete the list of running commands where all that it names were killed, or a kill cut it.

    DVC would stop at a cut one for ever, and at a whole one where another process has a killed one's number by now.
    """
    try:
        found = RUNNING.read_bytes()
    except FileNotFoundError:
        return
    if not any(_is_dvc(int(pid)) for pid in PID.findall(found)):
        RUNNING.unlink()


def why_incomplete(stages: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Say why dvc.lock cannot tell what of DVC's cache is in use; None where it can.

    A cut one can be valid, and lack a stage whose outputs lie there.
    """
    if not LOCK.is_file() or not _is_whole(_read()):
        return f"{LOCK} is missing or cannot be read"
    recorded = {name.partition("@")[0] for name in YAML(typ="safe").load(LOCK).get("stages", {})}
    made = [name for name, stage in stages.items() if not stage.get("frozen") and _is_made(stage)]
    lost = [name for name in made if name not in recorded]
    return f"{LOCK} says nothing of {lost[0]}, whose outputs are there" if lost else None


def _is_made(stage: Mapping[str, Any]) -> bool:
    return any(Path(out).exists() for out in stage["outs"] if isinstance(out, str) and "$" not in out)


def _is_dvc(pid: int) -> bool:
    try:
        return any("dvc" in word for word in psutil.Process(pid).cmdline())
    except (psutil.Error, OverflowError):
        return False


def _read() -> bytes:
    if not LOCK.is_file():
        raise InputError(f"{LOCK} is not a file; give it another name and run again")
    try:
        return LOCK.read_bytes()
    except OSError as error:
        raise InputError(f"{LOCK} cannot be read ({error.strerror}); make it readable and run again") from error


def _in_git() -> bytes | None:
    try:
        old = subprocess.run(["git", "show", f"HEAD:./{LOCK}"], capture_output=True, check=False)
    except FileNotFoundError:  # a checkout without git
        return None
    return old.stdout if old.returncode == 0 else None


def _is_whole(content: bytes) -> bool:
    """Say whether DVC can read it; a cut inside the last line leaves no line end."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA  # type: ignore[import-untyped]
    from voluptuous import Invalid

    try:
        text = content.decode()
        if any(depth > DEEPEST for _, depth in events(text)):
            return False
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except (YAMLError, Invalid, ValueError, TypeError, RecursionError):
        return False
    return content.endswith(b"\n")
