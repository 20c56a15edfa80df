"""LLaVA-Wilder: asks what people ask a chatbot about their pictures, to be answered at length.

Source:  Li et al. 2024, LLaVA-NeXT (llava-vl.github.io/blog/2024-05-10-llava-next-stronger-llms);
         lmms-lab-encoder/LLaVA-Bench-Wilder of the hub (lmms-lab/LLaVA-Bench-Wilder until July 2026); its card names no
         licence. Of its small split, 128 rows by copies of it; its folder is not sure.
Grading: judged, by a comparison with a reference answer. Without a judge it is left ungraded.
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
    """Columns begin with capitals; no id is sure to be there, so rows are numbered."""

    ids = ("lmms-lab-encoder/LLaVA-Bench-Wilder", "lmms-lab/LLaVA-Bench-Wilder")
    splits = (Split("test", "small/test", rows=128),)
    columns = ("Question", "Answer")
    prompt = "{question}"
    paper = Harness(max_new_tokens=4096, stop_texts=())
    today = Harness(max_new_tokens=4096)
    aggregate = "over_reference"
    judge = "llava_wilder"

    def ask(self, row: Row) -> Sample:
        """Ask without a word beside the question."""
        return self.asked(
            sample_id=f"{row.number:03d}",
            question=self.prompt.format(question=row.text("Question")),
            answers=(row.text("Answer"),),
            rule="judged",
        )
