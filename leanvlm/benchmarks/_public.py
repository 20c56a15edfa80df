"""A public benchmark: a data set of the hub, asked as its owners ask it and graded by our rule and by theirs.

Its files are read where they are, with the columns that a question needs; nothing of them is redistributed.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from leanvlm.benchmarks._benchmark import Benchmark
from leanvlm.benchmarks._harness import HARNESSES, Harness
from leanvlm.benchmarks._shown import shown
from leanvlm.errors import InputError
from leanvlm.hub_sets.hub_set import REVISION, HubSet
from leanvlm.hub_sets.parquet_rows import Row, read_rows
from leanvlm.hub_sets.shards import Split, shards
from leanvlm.hub_sets.stored_pictures import Place, stored
from leanvlm.right_answers import MISSING
from leanvlm.sample import Published, Sample


@dataclass(frozen=True)
class PublicBenchmark(Benchmark):
    """A subclass owes `ask`, and says where its data lie and where an answer ends."""

    harness: str = "paper"  # "paper" or "today": whose limits and whose rule; see _harness.py
    split: str = ""  # one of `splits`; empty is the first
    folder: str = ""  # files as in the repository; empty is the hub's cache (HF_HOME)
    revision: str = "main"  # a branch, a tag or a commit in the cache

    ids: ClassVar[tuple[str, ...]]  # of the hub, today's first
    splits: ClassVar[tuple[Split, ...]]
    unanswered: ClassVar[tuple[str, ...]] = ()  # splits whose right answers are not public
    columns: ClassVar[tuple[str, ...]]  # that a question is made of, without pictures
    images: ClassVar[tuple[str, ...]] = ("image",)  # columns of pictures
    may_lack_picture: ClassVar[bool] = False
    prompt: ClassVar[str]
    open_prompt: ClassVar[str] = ""  # of questions without options, where it is another
    paper: ClassVar[Harness]
    today: ClassVar[Harness]
    aggregate: ClassVar[str] = "mean"  # how the owners sum up; see `Published`
    judge: ClassVar[str] = ""

    def __post_init__(self) -> None:
        name, names = self.name, [split.name for split in self.splits]
        if self.harness not in HARNESSES:
            raise InputError(f"{name} has no harness {self.harness!r}; choose {' or '.join(HARNESSES)}")
        if self.split in self.unanswered:
            raise InputError(f"{name}: {self.split} has no public answers; choose {', '.join(names)}")
        if self.split not in ("", *names):
            raise InputError(f"{name} has no split {self.split!r}; choose {', '.join(names)}")
        if not REVISION.fullmatch(self.revision):
            raise InputError(f"{name}: no revision {self.revision!r}; give a branch, a tag or a full commit")

    @property
    def name(self) -> str:
        """The id of the benchmark: its file's name."""
        return type(self).__module__.rpartition(".")[2]

    @property
    def limits(self) -> Harness:
        """Where an answer ends, by the harness that was chosen."""
        return self.paper if self.harness == "paper" else self.today

    def ask(self, row: Row) -> Sample:
        """Make a sample of a row, without its pictures; `asked` fills in what all rows share.

        Raises: InputError naming the row where it cannot be asked.
        """
        raise NotImplementedError

    def pictures(self, rows: Sequence[Row]) -> Iterator[tuple[bytes, ...]]:
        """Yield the pictures of each row, in the order of the rows."""
        return stored([Place(row.path, row.index, self.images, self.may_lack_picture) for row in rows])

    def unit(self, row: Row) -> str:
        """Name what a row is drawn with: rows of one unit are asked together, because they are graded together."""
        return str(row.number)

    def samples(self, n: int, *, seed: int) -> Iterator[Sample]:
        """Yield `n` samples in an order that `seed` fixes, or all that there are; a last unit comes whole."""
        rows = self.chosen(n, seed=seed)
        asked = [self.ask(row) for row in rows]  # a row that cannot be asked is told before pictures are read
        for sample, images in zip(asked, self.pictures(rows), strict=True):
            yield shown(sample, images)

    def chosen(self, n: int, *, seed: int) -> list[Row]:
        """Draw units until they have `n` rows."""
        units: dict[str, list[Row]] = {}
        for row in read_rows(self.shards(self.asked_split), self.columns):
            units.setdefault(self.unit(row), []).append(row)
        order = list(units)
        random.Random(seed).shuffle(order)
        rows: list[Row] = []
        for unit in order:
            if len(rows) >= n:
                break
            rows += units[unit]
        return rows

    def asked(
        self,
        *,
        sample_id: str,
        question: str,
        answers: tuple[str, ...],
        rule: str,
        kind: str = "question",
        group_id: str = "",
        options: tuple[str, ...] = (),
        facts: Mapping[str, str | float] | None = None,
    ) -> Sample:
        """Fill in what the harness says; a sample without `group_id` belongs to its pictures' bytes."""
        return Sample(
            sample_id=sample_id,
            group_id=group_id,
            kind=kind,
            question=question,
            answers=_meant(answers),
            rule=rule,
            options=options,
            max_new_tokens=self.limits.max_new_tokens,
            stop_texts=self.limits.stop_texts,
            published=Published(f"{self.harness}/{self.name}", aggregate=self.aggregate, facts=facts or {}),
            judge=self.judge,
        )

    @property
    def asked_split(self) -> Split:
        """The split that was chosen."""
        return next(split for split in self.splits if self.split in ("", split.name))

    @property
    def read_splits(self) -> tuple[Split, ...]:
        """All splits whose files are read; a set that keeps its pictures apart has two."""
        return (self.asked_split,)

    @property
    def hub_set(self) -> HubSet:
        """Where the data lie."""
        return HubSet(self.ids, self.folder, self.revision)

    def shards(self, split: Split) -> list[Path]:
        """List a split's files; none where it is not here.

        Raises: InputError where a part of it is.
        """
        return next((found for root in self.hub_set.roots() if (found := shards(root, split))), [])

    def files(self) -> list[Path]:
        """List the Parquet files that are read."""
        return [path for split in self.read_splits for path in self.shards(split)]

    def missing(self) -> str | None:
        """Say that nothing of the data set is here, and the command that fetches it."""
        if all(self.shards(split) for split in self.read_splits):
            return None
        place = f"the folder {self.folder!r}" if self.folder else "the hub's cache (HF_HOME)"
        command = self.hub_set.command(tuple(split.pattern for split in self.read_splits))
        return (
            f"{self.ids[0]} is not in {place}; fetch it with: {command}; or name where it is as `folder` "
            f"of {self.name} under `benchmarks:` in params.yaml"
        )


def _meant(answers: tuple[str, ...]) -> tuple[str, ...]:
    """Spell a right answer such as "None" in two ways, which says that the word is meant: what is missing is null."""
    return (*answers, answers[0].swapcase()) if len(set(answers)) == 1 and answers[0].strip() in MISSING else answers
