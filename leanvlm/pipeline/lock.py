"""dvc.lock, which DVC rewrites in place: a kill can cut it, and then DVC cannot read it any more."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

LOCK = Path("dvc.lock")


def repair_lock() -> None:
    """Replace a dvc.lock that a kill has cut: from git, else with nothing, so that DVC writes a new one."""
    if not LOCK.exists() or _is_whole(LOCK.read_text()):
        return
    old = subprocess.run(["git", "show", f"HEAD:{LOCK}"], capture_output=True, text=True, check=False)
    if old.returncode == 0 and _is_whole(old.stdout):
        LOCK.write_text(old.stdout)
        print("dvc.lock was cut by an earlier kill; git's version is back")
    else:
        LOCK.unlink()
        print("dvc.lock was cut by an earlier kill; DVC writes a new one")


def _is_whole(text: str) -> bool:
    """Say whether DVC can read it; a cut inside the last line leaves no line end."""
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA  # type: ignore[import-untyped]
    from voluptuous import Invalid

    try:
        COMPILED_LOCKFILE_SCHEMA(YAML(typ="safe").load(text))
    except (YAMLError, Invalid):
        return False
    return text.endswith("\n")
