"""RealWorldQA: asks about distances, directions and signs in photos, many of them taken from a car.

Source:  xAI 2024, x.ai/blog/grok-1.5v; lmms-lab-encoder/RealWorldQA of the hub (lmms-lab/RealWorldQA until July 2026)
         at 907c4e5; cc-by-4.0 by its card, cc-by-nd-4.0 by its origin's.
Grading: choice where a letter is right, else exact. In the paper's harness an option's text in the answer goes before
         its letter; today's reads letters only. Rows 105, 633 and 731 have letters that are not in order, such as one
         without its period: their options are not guessed, the letter alone is right, and `kind` says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.benchmarks._choices import right, stated
from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.letters import LETTERS
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """Options, and what to answer with, stand in the question."""

    ids = ("lmms-lab-encoder/RealWorldQA", "lmms-lab/RealWorldQA")
    splits = (Split("test", "data/test", rows=765),)
    columns = ("question", "answer")
    prompt = "{question}"
    paper = today = Harness(max_new_tokens=16)

    def ask(self, row: Row) -> Sample:
        """Ask with the question as it is."""
        question, answer = row.text("question").strip(), row.text("answer").strip()
        is_choice = len(answer) == 1 and answer in LETTERS
        options = stated(question, r"(?m)^([A-Z])\. ") if is_choice else ()
        kind = "choice" if answer in LETTERS[: len(options)] else "choice without readable options"
        return self.asked(
            sample_id=f"{row.number:03d}",
            kind=kind if is_choice else "open",
            question=self.prompt.format(question=question),
            answers=right(answer, options) if is_choice else (answer,),
            rule="choice" if is_choice else "exact",
            options=options,
            facts={"question_type": "multiple-choice" if is_choice else "open"},
        )
