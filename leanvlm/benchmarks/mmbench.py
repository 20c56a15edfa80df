"""MMBench: asks to choose, of twenty kinds, and again with the options in another order.

Source:  Liu et al. 2023, arXiv 2307.06281; lmms-lab-encoder/MMBench of the hub (lmms-lab/MMBench until July 2026) at
         56ba1af, English; its card names no licence.
Grading: choice, and a judge where no letter is found. Its owners count a question as right only if it is so in each
         order of its options (circular), and their score is over questions, not over rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.benchmarks._choices import right
from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.letters import LETTERS, lettered
from leanvlm.sample import Sample

ORDERS = 1_000_000
NOTHING = ("", "nan")  # how the files say that there is no hint, or no such option; null, too


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """All orders of a question are asked, or none."""

    ids = ("lmms-lab-encoder/MMBench", "lmms-lab/MMBench")
    splits = (Split("dev", "en/dev", rows=4329),)
    columns = ("index", "question", "hint", "answer", "A", "B", "C", "D", "category")
    prompt = (
        "{question} There are several options:\n{options}\n\n"
        "Answer with the option's letter from the given choices directly."
    )
    paper = today = Harness(max_new_tokens=1024, stop_texts=("ASSISTANT:",))
    aggregate = "circular"
    judge = "mmbench"

    def unit(self, row: Row) -> str:
        """Name the question: row i, i + 1,000,000 and i + 2,000,000 are its orders."""
        return str(int(row.text("index")) % ORDERS)

    def ask(self, row: Row) -> Sample:
        """Ask for a letter, with the hint, where there is one, before the question."""
        options = tuple(text for text in map(row.perhaps, "ABCD") if text not in NOTHING)
        if any(row.perhaps(letter) in NOTHING for letter in LETTERS[: len(options)]):
            row.refuse("A", "must come before B, as each option before the next")
        hint = row.perhaps("hint")
        question = row.text("question") if hint in NOTHING else f"{hint} {row.text('question')}"
        return self.asked(
            sample_id=row.text("index"),
            group_id=self.unit(row),
            kind=row.text("category"),
            question=self.prompt.format(question=question, options=lettered(options)),
            answers=right(row.text("answer"), options),
            rule="choice",
            options=options,
        )
