"""MME: asks twice about a picture what is there, once where yes is right and once where no is.

Source:  Fu et al. 2023, arXiv 2306.13394; lmms-lab-encoder/MME of the hub (lmms-lab/MME until July 2026) at d6c9023;
         its card names no licence.
Grading: mme, yes or no. Its owners add up the fourteen kinds, 0 to 200 each: the share of right answers, and that of
         pictures with both right; EffiVLM-Bench prints the sum of perception and cognition, 0 to 2,800.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """Both questions of a picture are asked, or none: they are graded as a pair."""

    ids = ("lmms-lab-encoder/MME", "lmms-lab/MME")
    splits = (Split("test", "data/test", rows=2374),)
    columns = ("question_id", "question", "answer", "category")
    prompt = "{question}\nAnswer the question using a single word or phrase."
    paper = today = Harness(max_new_tokens=16)
    aggregate = "pairs"

    def unit(self, row: Row) -> str:
        """Keep the two questions of a picture together; `question_id` is its name."""
        return row.text("question_id")

    def ask(self, row: Row) -> Sample:
        """Ask without the sentence that closes each question, for which the harnesses have their own."""
        question = row.text("question").strip().replace(" Please answer yes or no.", "")
        return self.asked(
            sample_id=f"{row.number:04d}",
            group_id=row.text("question_id"),
            kind=row.text("category"),
            question=self.prompt.format(question=question),
            answers=(row.text("answer"),),
            rule="mme",
        )
