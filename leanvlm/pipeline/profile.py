"""What stands ready before DVC reads dvc.yaml: a checked params.yaml, its profile, and the checkpoints to make.

The checkpoints follow from params.yaml and are written to a file of their own, artifacts/checkpoints.yaml. DVC puts
what stands in that file into a command, and a command goes to a shell: so it holds checked names and nothing else, and
a person edits params.yaml only.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

from leanvlm import files
from leanvlm.errors import InputError
from leanvlm.params import PROFILES, Params, load, read, read_text

PASSED = Path(".dvc/tmp/leanvlm.params")  # the digest of a params.yaml that was checked, and of its checkpoints
HEADER = "# Written by `make repro` from params.yaml; do not edit. `compress` makes a checkpoint of each pair.\n"


def choose_profile(name: str) -> None:
    """Write the profile into params.yaml, where DVC and a reader find it; all else in it stays as it is.

    Raises: InputError for an unknown profile, or a params.yaml without the key `grid.profile`.
    """
    if name not in PROFILES:
        raise InputError(f"no profile {name!r}; choose {' or '.join(PROFILES)}, as in `make repro PROFILE=all`")
    before = read(files.PARAMS).grid.profile
    text = read_text(files.PARAMS)
    found = _child(_child(YAML(typ="safe").compose(text), "grid"), "profile")
    if not isinstance(found, ScalarNode):
        raise InputError(f"{files.PARAMS} has no key `profile` under `grid:`; add the line `profile: {name}` there")
    if before != name:
        files.write(text[: found.start_mark.index] + name + text[found.end_mark.index :], files.PARAMS.resolve())
        print(f"params.yaml: the profile is now {name}")


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
    needed = {"models": list(params.grid.models), "weights": list(params.weights), "recipes": params.weights}
    text = io.StringIO(HEADER)
    text.seek(0, io.SEEK_END)
    yaml = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.dump({"checkpoints": needed}, text)
    return text.getvalue()


def _child(node: Node | None, key: str) -> Node | None:
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _digest() -> bytes:
    read = [path.read_bytes() if path.is_file() else b"" for path in (files.PARAMS, files.NEEDED)]
    return b" ".join(hashlib.sha256(content).hexdigest().encode() for content in read)
