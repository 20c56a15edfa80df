"""Which storage params.yaml chooses."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from leanvlm import files
from leanvlm.storage._storage import Storage
from leanvlm.storage.bucket import Bucket
from leanvlm.storage.folder import Folder

if TYPE_CHECKING:
    from leanvlm.params.machines import ObjectStore

HERE = Folder(files.CELLS)


def chosen(block: ObjectStore | None) -> Storage:
    """Say where cells lie: below artifacts/, or in the bucket that `storage:` names."""
    if block is None:
        return HERE
    parts = urlsplit(block.url)
    path = parts.path.strip("/")
    return Bucket(parts.netloc, f"{path}/cells/" if path else "cells/", block.endpoint, block.region)
