"""What stands ready before DVC reads dvc.yaml: a checked params.yaml, the profile over it, the checkpoints to make.

The checkpoints follow from params.yaml and are written to a file of their own, artifacts/checkpoints.yaml. DVC puts
what stands in that file into a command, and a command goes to a shell: so it holds checked names and nothing else, and
a person edits params.yaml only.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.params import Params, load
from leanvlm.params._profiles import NONE, blank, dumped, over, read_overlay, read_profile, sealed

PASSED = Path(".dvc/tmp/leanvlm.params")  # the digest of what was checked: params.yaml, the profile, the checkpoints
HEADER = "# Written by `make repro` from params.yaml; do not edit. `compress` makes a checkpoint of each pair.\n"


def lay(name: str, *, overlay: Path | None = None) -> None:
    """Lay a profile over params.yaml for this run: its values go to a file of their own, which DVC watches too.

    Takes: overlay, a file of such values, which is laid instead of a profile.

    Raises: InputError for an unknown profile, and for an overlay that holds no blocks.
    """
    values = read_profile(name, Path()) if overlay is None else read_overlay(overlay)
    writer = f"`make repro PROFILE={name}`" if overlay is None else f"a run that laid {overlay}"
    text = sealed(writer, over(blank(), values))
    if not files.LAID.is_file() or files.LAID.read_bytes() != text.encode():
        files.write(text, files.LAID)
    if overlay is not None or name != NONE:
        print(f"{overlay or f'profiles/{name}.yaml'} is laid over {files.PARAMS}")


def lay_checked(name: str, *, overlay: Path | None = None) -> None:
    """Lay a profile or an overlay and check what params.yaml then says; what is refused does not stay laid."""
    before = files.LAID.read_bytes() if files.LAID.is_file() else None
    lay(name, overlay=overlay)
    try:
        check_params()
    except InputError:
        if before is not None:
            with files.whole(files.LAID) as part:
                part.write_bytes(before)
        raise


def check_params() -> None:
    """Refuse a params.yaml that cannot be used; one that passed is not read again, since that imports every method."""
    if not PASSED.is_file() or PASSED.read_bytes() != _digest():
        list_checkpoints(files.PARAMS)
        files.write(_digest().decode(), PASSED)


def list_checkpoints(path: Path) -> None:
    """Check a params.yaml, and write beside it which checkpoints its recipes need, where they are others than before.

    Raises: InputError as `load`; nothing is written then.
    """
    params = load(path)
    listed, text = path.parent / files.NEEDED, _written(params)
    if not listed.is_file() or listed.read_bytes() != text.encode():
        files.write(text, listed)
        print(f"{files.NEEDED} now lists the {len(params.weights)} checkpoints of the recipes")


def _written(params: Params) -> str:
    """Write lists, which DVC merges with nothing that a person wrote, and the recipe of each slug."""
    recorded = list(params.grid.models) if params.weights else []
    needed = {
        "models": list(params.grid.models),
        "recorded": recorded,
        "weights": list(params.weights),
        "recipes": params.weights,
    }
    return HEADER + dumped({"checkpoints": needed})


def _digest() -> bytes:
    read = [path.read_bytes() if path.is_file() else b"" for path in (files.PARAMS, files.LAID, files.NEEDED)]
    return b" ".join(hashlib.sha256(content).hexdigest().encode() for content in read)
