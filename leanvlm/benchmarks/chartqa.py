"""ChartQA: asks for a value, a name or a calculation on a chart.

Source:  Masry et al. 2022, arXiv 2203.10244; lmms-lab-encoder/ChartQA of the hub (lmms-lab/ChartQA until July 2026) at
         9e63b7d; its card names no licence, its origin is gpl-3.0.
Grading: relaxed, with 5 % of tolerance. Its owners' rule takes "1,234" for a text and 2015 for right where 2014 is.
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
    """Half of the questions were written by people, half were generated from descriptions."""

    ids = ("lmms-lab-encoder/ChartQA", "lmms-lab/ChartQA")
    splits = (Split("test", "data/test", rows=2500),)
    columns = ("type", "question", "answer")
    prompt = "{question}\nAnswer the question with a single word."
    paper = today = Harness(max_new_tokens=16)

    def ask(self, row: Row) -> Sample:
        """Ask about a chart; the owners print the mean of each half beside that of all."""
        return self.asked(
            sample_id=f"{row.number:04d}",
            kind="human" if row.text("type") == "human_test" else "augmented",
            question=self.prompt.format(question=row.text("question")),
            answers=(row.text("answer"),),
            rule="relaxed",
        )
