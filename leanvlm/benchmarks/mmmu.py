"""MMMU: asks college exam questions of thirty subjects about charts, diagrams, maps, scores and formulas.

Source:  Yue et al. 2023, arXiv 2311.16502; lmms-lab-encoder/MMMU of the hub (lmms-lab/MMMU until July 2026) at 364f2e2;
         its card names no licence.
Grading: choice, and mmmu_open where nothing can be chosen. Where its owners' rule finds no letter it draws one by lot.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanvlm.benchmarks._choices import right
from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.hub_sets.stored_pictures import Place, stored
from leanvlm.letters import lettered
from leanvlm.sample import Sample

MARK = re.compile(r"<image (\d)>")
SUBJECT = re.compile(r"^[a-z]+_|_\d+$")  # what stands around it: validation_Art_Theory_12


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """The validation split, thirty questions a subject."""

    ids = ("lmms-lab-encoder/MMMU", "lmms-lab/MMMU")
    splits = (Split("validation", "data/validation", rows=900),)
    columns = ("id", "question", "options", "answer", "question_type")
    prompt = "{question}\n{options}\n\nAnswer with the option's letter from the given choices directly."
    open_prompt = "{question}\n\nAnswer the question using a single word or phrase."
    paper = Harness(max_new_tokens=16)
    today = Harness(max_new_tokens=128)

    def ask(self, row: Row) -> Sample:
        """Ask for a letter, or for words; the kind is the subject."""
        question_type, options = row.text("question_type"), row.literal("options")
        is_open = question_type == "open"
        prompt = self.open_prompt if is_open else self.prompt
        return self.asked(
            sample_id=row.text("id"),
            kind=SUBJECT.sub("", row.text("id")).replace("_", " "),
            question=prompt.format(question=row.text("question"), options=lettered(options)),
            answers=_several(row.text("answer")) if is_open else right(row.text("answer"), options),
            rule="mmmu_open" if is_open else "choice",
            options=() if is_open else options,
            facts={"question_type": question_type},
        )

    def pictures(self, rows: Sequence[Row]) -> Iterator[tuple[bytes, ...]]:
        """Yield the pictures that question and options name, in the order of their names, before the text.

        Marks such as <image 1> stay in the text and are words there: the harnesses ask so, and their numbers are of
        prompts in which a picture is not where its mark is.
        """
        return stored([Place(row.path, row.index, _named(row)) for row in rows])


def _named(row: Row) -> tuple[str, ...]:
    """List the columns of pictures that are named, which may be none."""
    numbers = sorted(set(MARK.findall(f"{row.text('question')} {row.text('options')}")))
    return tuple(f"image_{number}" for number in numbers)


def _several(answer: str) -> tuple[str, ...]:
    """Read a right answer that is sometimes a list of them, written as Python writes it."""
    try:
        value = ast.literal_eval(answer)
    except (ValueError, SyntaxError):
        return (answer,)
    return tuple(map(str, value)) if isinstance(value, list) else (answer,)
