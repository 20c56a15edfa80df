"""The Parquet files of one split, all of them: a part is never graded as the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from glob import escape
from pathlib import Path

from leanvlm.errors import InputError
from leanvlm.hub_sets.parquet_rows import opened

SHARD = re.compile(r"-(\d{5})-of-(\d{5})(?:-[0-9a-f]{16})?\.parquet")  # older uploads add 16 digits of a hash


@dataclass(frozen=True)
class Split:
    """One split: `data/test` is data/test.parquet, or data/test-00000-of-00004.parquet and those that follow."""

    name: str
    stem: str
    rows: int  # by the data set's card or its paper
    converted: str = ""  # folder in the hub's own conversion to Parquet, where it is not as `folder` says

    @property
    def pattern(self) -> str:
        """Name its files, as `hf download --include` reads it."""
        return f"{self.stem}*.parquet"

    @property
    def conversion(self) -> str:
        """Name its folder on the branch refs/convert/parquet: its configuration, then its name."""
        configuration, _, last = self.stem.rpartition("/")
        return self.converted or f"{'default' if configuration in ('', 'data') else configuration}/{last}"


def shards(root: Path, split: Split) -> list[Path]:
    """List a split's files in order; none where the root has none of them.

    They lie where the repository has them, or at the root, or where the hub's conversion puts them.

    Raises: InputError naming the first file that is missing, or is a link to nothing.
    """
    stems = dict.fromkeys((root / split.stem, root / Path(split.stem).name))
    found = next((files for files in map(_of_stem, stems) if files), None) or _converted(root, split)
    for path in found:
        if not path.is_file():
            raise InputError(f"{path.name} is a link to nothing, since its file is gone; fetch it again: {path}")
    return found


def _of_stem(stem: Path) -> list[Path]:
    whole = stem.with_name(f"{stem.name}.parquet")
    if whole.is_file() or whole.is_symlink():
        return [whole]
    named = sorted(stem.parent.glob(f"{escape(stem.name)}-*.parquet"))
    numbered = [(SHARD.fullmatch(path.name.removeprefix(stem.name)), path) for path in named]
    found = [(int(match[1]), int(match[2]), path) for match, path in numbered if match]
    if not found:
        return []
    total = found[0][1]
    if any(n != total for _, n, _ in found) or len({index for index, *_ in found}) < len(found):
        raise InputError(f"there are shards of {stem.name} from two uploads; leave those of one in {stem.parent}")
    missing = sorted(set(range(total)) - {index for index, *_ in found})
    if missing:
        raise InputError(
            f"{stem.name}-{missing[0]:05d}-of-{total:05d}.parquet is missing, and a part is not graded as the "
            f"whole; fetch it into {stem.parent}"
        )
    return [path for _, _, path in found]


def _converted(root: Path, split: Split) -> list[Path]:
    """List 0000.parquet, 0001.parquet, ..., which do not say how many there must be: their rows are counted."""
    folder = root / split.conversion
    partial = folder.with_name(f"partial-{folder.name}")
    if partial.is_dir():
        raise InputError(f"{partial} is a part of the split, at which the hub's conversion ends; fetch the branch main")
    found = sorted(path for path in folder.glob("*.parquet") if re.fullmatch(r"\d{4}\.parquet", path.name))
    for index, path in enumerate(found):
        if path.name != f"{index:04d}.parquet":
            raise InputError(f"{index:04d}.parquet is missing in {folder}, and a part is not graded as the whole")
    if found and (n := sum(map(_n_rows, found))) < split.rows:
        raise InputError(f"{folder} has {n:,} rows of {split.rows:,}, and a part is not graded as the whole")
    return found


def _n_rows(path: Path) -> int:
    with opened(path) as file:
        return int(file.metadata.num_rows)
