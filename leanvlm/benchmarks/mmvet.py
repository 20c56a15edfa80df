"""MM-Vet: asks open questions that take several abilities at once, such as reading and arithmetic.

Source:  Yu et al. 2023, arXiv 2308.02490; lmms-lab-encoder/MMVet of the hub (lmms-lab/MMVet until July 2026) at
         b310d12; its card names no licence.
Grading: judged, 0 to 1. Without a judge it is left ungraded. The harnesses' wrapper of Qwen2-VL draws answers at a
         temperature of 0.2; ours are greedy, as those of LLaVA-OneVision are there.
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
    """A question can come without a picture."""

    ids = ("lmms-lab-encoder/MMVet", "lmms-lab/MMVet")
    splits = (Split("test", "data/test", rows=218),)
    columns = ("question_id", "question", "answer", "capability")
    may_lack_picture = True
    prompt = (
        "First please perform reasoning, and think step by step to provide best answer to the following question: \n\n"
        "{question}"
    )
    paper = Harness(max_new_tokens=1024, stop_texts=())
    today = Harness(max_new_tokens=1024)
    judge = "mmvet"

    def ask(self, row: Row) -> Sample:
        """Ask for reasons and an answer; the kind names the abilities, the right answer holds <AND> and <OR>."""
        return self.asked(
            sample_id=row.text("question_id"),
            kind=row.text("capability").replace(",", ", "),
            question=self.prompt.format(question=row.text("question")),
            answers=(row.text("answer"),),
            rule="judged",
        )
