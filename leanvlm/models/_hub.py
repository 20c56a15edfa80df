"""A checkpoint's folder, from a path or from the hub's cache: safetensors and text files, never code or pickles."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import HfHubHTTPError

from leanvlm.errors import InputError

PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")


def folder_of(name: str | Path) -> Path:
    """Return a checkpoint's folder: the folder itself, or `owner/name[@revision]` of the hub, through its cache.

    Raises: InputError for what is neither, and for a hub id that is not in the cache and cannot be fetched.
    """
    if Path(name).is_dir():
        return Path(name)
    found = re.fullmatch(r"(?P<id>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?", str(name))
    if found is None:
        raise InputError(f"no folder {str(name)!r}; name a checkpoint's folder, or owner/name[@revision] of the hub")
    try:
        folder = snapshot_download(
            found["id"],
            revision=found["revision"],
            allow_patterns=list(PATTERNS),
            local_files_only=constants.HF_HUB_OFFLINE,
        )
        return Path(folder)
    except (OSError, ValueError, HfHubHTTPError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(".") if str(error).strip() else type(error).__name__
        raise InputError(
            f"{str(name)!r} is not a folder, is not in the hub's cache (HF_HOME) and cannot be fetched ({reason});"
            " fetch it where the hub can be reached, or name its folder"
        ) from error
