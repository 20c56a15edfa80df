"""MMStar: asks to choose what only a look at the picture can tell, of eighteen kinds.

Source:  Chen et al. 2024, arXiv 2403.20330; Lin-Chen/MMStar of the hub at bc98d66; its card names no licence.
Grading: choice. The paper's harness takes the first letter of any word for an answer: "because" chooses B. Its owners
         take the mean over kinds.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.benchmarks._choices import right, stated
from leanvlm.benchmarks._harness import WRAPPER_TOKENS, Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """The options stand in the question, behind "Options:"."""

    ids = ("Lin-Chen/MMStar",)
    splits = (Split("val", "mmstar", rows=1500, converted="val/val"),)
    columns = ("index", "question", "answer", "l2_category")
    prompt = "{question}\nAnswer with the option's letter from the given choices directly"  # without a period
    paper = today = Harness(max_new_tokens=WRAPPER_TOKENS)
    aggregate = "mean_of_kinds"

    def ask(self, row: Row) -> Sample:
        """Ask for a letter."""
        question, answer = row.text("question").strip(), row.text("answer")
        options = stated(question.rpartition("Options:")[2], r"(?:^|, )([A-Z]): ")
        return self.asked(
            sample_id=row.text("index"),
            kind=row.text("l2_category"),
            question=self.prompt.format(question=question),
            answers=right(answer, options),
            rule="choice",
            options=options,
        )
