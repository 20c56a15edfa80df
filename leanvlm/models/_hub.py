"""A checkpoint's folder, from a path or from the hub's cache: safetensors and text files, never code or pickles."""

from __future__ import annotations

import json
import re
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from leanvlm.errors import InputError, in_brief, naming_extras

PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
ID = re.compile(r"(?P<id>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?")


def folder_of(name: str | Path, *, fetch: bool = True) -> Path:
    """Return a checkpoint's folder: the folder itself, or `owner/name[@revision]` of the hub, through its cache.

    What is in the cache is taken from there, without asking anybody; what is missing is fetched once, where `fetch`
    allows it and HF_HUB_OFFLINE does not forbid it. A fetch that was cut goes on where it was.

    Raises: InputError for what is neither, and for a hub id that is not in the cache and cannot be fetched.
    """
    if Path(name).is_dir():
        return Path(name)
    found = ID.fullmatch(str(name))
    if found is None:
        raise InputError(f"no folder {str(name)!r}; name a checkpoint's folder, or owner/name[@revision] of the hub")
    with naming_extras():
        from huggingface_hub import constants
    cached = _snapshot(found, local_files_only=True)
    if isinstance(cached, Path) and _is_whole(cached):
        return cached
    if constants.HF_HUB_OFFLINE or not fetch:
        why = "HF_HUB_OFFLINE is set" if constants.HF_HUB_OFFLINE else "only `make repro` and `leanvlm run` fetch"
        raise _missing(name, f"{why}, and {'it is there in part' if isinstance(cached, Path) else 'it is not there'}")
    if size := size_of(str(name)):  # else the fetch says what is wrong
        print(f"{name}: {size / 1e9:.2f} GB, of which some may be here already", file=sys.stderr)
    fetched = _snapshot(found)
    if isinstance(fetched, Path):
        return fetched
    raise _missing(name, fetched)


def is_id(name: str) -> bool:
    """Tell whether a name is no folder here but could be one of the hub."""
    return not Path(name).is_dir() and ID.fullmatch(name) is not None


def revision_of(name: str | Path, folder: Path) -> str | None:
    """Return the commit of a checkpoint that lies in the hub's cache; None for a folder of the user's."""
    return None if Path(name).is_dir() else folder.name


def _snapshot(found: re.Match[str], **options: Any) -> Path | str:
    """Return the folder in the cache, or why there is none."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return Path(
            snapshot_download(found["id"], revision=found["revision"], allow_patterns=list(PATTERNS), **options)
        )
    except (OSError, ValueError, HfHubHTTPError) as error:
        return in_brief(error)


def _is_whole(folder: Path) -> bool:
    """Tell whether a snapshot has its configuration and every shard of its weights."""
    index = folder / "model.safetensors.index.json"
    try:
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()) if index.is_file() else set()
    except (ValueError, KeyError, AttributeError, TypeError):
        return True  # whoever reads it says what is wrong with it
    has_weights = (
        all((folder / str(name)).is_file() for name in shards) if shards else any(folder.glob("*.safetensors"))
    )
    return (folder / "config.json").is_file() and has_weights


def size_of(name: str) -> int | None:
    """Ask the hub how many bytes a checkpoint has, of what we fetch; None where it cannot be asked."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    found = ID.fullmatch(name)
    try:
        assert found is not None
        told = HfApi().model_info(found["id"], revision=found["revision"], files_metadata=True)
    except (OSError, ValueError, HfHubHTTPError):
        return None
    return sum(one.size or 0 for one in told.siblings or [] if any(fnmatch(one.rfilename, kind) for kind in PATTERNS))


def _missing(name: str | Path, reason: str) -> InputError:
    return InputError(
        f"{str(name)!r} is not a folder, is not in the hub's cache (HF_HOME) and cannot be fetched ({reason[:90]});"
        " fetch it where the hub can be reached, or name its folder"
    )
