"""OCRBench: asks to read words, handwriting, formulas and fields in five kinds of pictures.

Source:  Liu et al. 2023, arXiv 2305.07895; echo840/OCRBench of the hub at 92a54bd; its card names no licence.
Grading: ocrbench, a right text in the answer; ocrbench_formula for formulas. The paper prints the sum of 1,000 grades.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.sample import Sample

FORMULAS = "HME100k"  # the data set of handwritten formulas


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """A thousand questions of ten kinds."""

    ids = ("echo840/OCRBench",)
    splits = (Split("test", "data/test", rows=1000),)
    columns = ("dataset", "question", "question_type", "answer")
    prompt = "{question}"
    paper = today = Harness(max_new_tokens=128)
    aggregate = "mean_of_1000"

    def ask(self, row: Row) -> Sample:
        """Ask without a word beside the question; formulas are those of one data set, as the owners' rule has it."""
        dataset, kind = row.text("dataset"), row.text("question_type")
        return self.asked(
            sample_id=f"{row.number:04d}",
            kind=kind,
            question=self.prompt.format(question=row.text("question").strip()),
            answers=row.texts("answer"),
            rule="ocrbench_formula" if dataset == FORMULAS else "ocrbench",
            facts={"dataset": dataset, "question_type": kind},
        )
