"""TextVQA: asks what is written somewhere in a photo, and what follows from it.

Source:  Singh et al. 2019, arXiv 1904.08920; lmms-lab-encoder/textvqa of the hub (lmms-lab/textvqa until July 2026) at
         9c0699c; its card names no licence.
Grading: vqa, the agreement with ten people.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.benchmarks._harness import WRAPPER_TOKENS, Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """Photos of Open Images; no words that an OCR system read are in the prompt."""

    ids = ("lmms-lab-encoder/textvqa", "lmms-lab/textvqa")
    splits = (Split("validation", "data/validation", rows=5000),)
    columns = ("question_id", "image_id", "question", "answers")
    prompt = "{question}\nAnswer the question using a single word or phrase."
    paper = Harness(max_new_tokens=32)
    today = Harness(max_new_tokens=WRAPPER_TOKENS)

    def ask(self, row: Row) -> Sample:
        """Ask with the first letter large and all others small, names too, as the harnesses do."""
        return self.asked(
            sample_id=row.text("question_id"),
            group_id=row.text("image_id"),
            question=self.prompt.format(question=row.text("question").capitalize()),
            answers=row.texts("answers"),
            rule="vqa",
        )
