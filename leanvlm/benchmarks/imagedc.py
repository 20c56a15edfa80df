"""ImageDC: asks to describe a picture in detail.

Source:  lmms-lab's DC100_EN; lmms-lab-encoder/DC100_EN of the hub (lmms-lab/DC100_EN until July 2026) at bee2a86; its
         card names no licence. A hundred rows by its name.
Grading: judged: the paper's harness asks for 0 to 100 and shows the picture, today's for 0 or 1 and does not, so their
         numbers cannot be compared. Without a judge it is left ungraded.
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
    """One description a picture."""

    ids = ("lmms-lab-encoder/DC100_EN", "lmms-lab/DC100_EN")
    splits = (Split("test", "data/test", rows=100),)
    columns = ("question_id", "question", "answer")
    may_lack_picture = True
    prompt = "{question}"
    paper = today = Harness(max_new_tokens=1024, stop_texts=("ASSISTANT:",))
    judge = "imagedc"

    def ask(self, row: Row) -> Sample:
        """Ask with the question as it is."""
        return self.asked(
            sample_id=row.text("question_id"),
            question=self.prompt.format(question=row.text("question")),
            answers=(row.text("answer"),),
            rule="judged",
        )
