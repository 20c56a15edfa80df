"""Files of a data set of the Hugging Face hub: in the hub's cache, or in a folder laid out as its repository is.

Nothing is fetched. A snapshot holds what somebody asked for, which may be a part: a split is read whole or refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from leanvlm.errors import InputError

COMMIT = re.compile(r"[0-9a-f]{40}")
REVISION = re.compile(r"(?!.*\.\.)\w[\w./-]*")  # a branch, a tag or a commit; no way out of its folder


@dataclass(frozen=True)
class HubSet:
    """A repository of data by its names, today's first: a cache's folder is named after the one that was asked for."""

    ids: tuple[str, ...]
    folder: str = ""
    revision: str = "main"

    def roots(self) -> list[Path]:
        """List where its files can lie: the folder where one is named, else a snapshot for each name in the cache.

        Raises: InputError where the cache has several snapshots and does not say which is meant.
        """
        if self.folder:
            return [Path(self.folder)] if Path(self.folder).is_dir() else []
        from huggingface_hub import constants

        cached = [Path(constants.HF_HUB_CACHE, f"datasets--{name.replace('/', '--')}") for name in self.ids]
        found = [_snapshot(repository, self.revision) for repository in cached if repository.is_dir()]
        return [root for root in found if root is not None]

    def command(self, patterns: tuple[str, ...]) -> str:
        """Spell the command that fetches some of its files, quoted so that it can be pasted."""
        parts = ["hf download", self.ids[0], "--repo-type dataset", *(f'--include "{pattern}"' for pattern in patterns)]
        parts += [f"--revision {quote(self.revision)}"] if self.revision != "main" else []
        parts += [f"--local-dir {quote(self.folder)}"] if self.folder else []
        return " ".join(parts)


def _snapshot(repository: Path, revision: str) -> Path | None:
    """Resolve a branch, a tag or a commit to its snapshot; `main` without a note of it is the only one there is."""
    reference = repository / "refs" / revision
    commit = revision
    if reference.is_file():
        commit = reference.read_text(encoding="utf-8", errors="replace").strip()
        if not COMMIT.fullmatch(commit):
            raise InputError(f"{reference} holds no commit; fetch {revision} again, which writes it anew")
    snapshots = sorted(path for path in (repository / "snapshots").glob("*") if path.is_dir())
    named = [path for path in snapshots if path.name == commit]
    if named or revision != "main" or reference.is_file():
        return named[0] if named else None
    if len(snapshots) > 1:
        raise InputError(f"{repository} has {len(snapshots)} snapshots and no refs/main; name a commit as `revision`")
    return snapshots[0] if snapshots else None
