"""POPE: asks whether an object is in a photograph; half of those asked about are not.

Source:  Li et al. 2023, arXiv 2305.10355; lmms-lab/POPE of the hub: 500 photographs of MSCOCO, six questions each in
         three ways: absent objects at random, frequent ones (popular), and those that often stand beside what is there
         (adversarial).
Grading: mme, yes or no; `hallucination` has accuracy, F1 and the share of yes by way. The harness of the paper is
         today's, since EffiVLM-Bench does not ask POPE.
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
    """Questions of one photograph share a group; the numbers of questions begin anew in each way."""

    ids = ("lmms-lab/POPE",)
    splits = (Split("test", "data/test", rows=9000),)
    columns = ("question", "answer", "image_source", "category")
    prompt = "{question}\nAnswer the question using a single word or phrase."
    paper = today = Harness(max_new_tokens=128)

    def ask(self, row: Row) -> Sample:
        """Ask as it stands; the category is the way."""
        return self.asked(
            sample_id=f"{row.number:04d}",
            group_id=row.text("image_source"),
            kind=row.text("category"),
            question=self.prompt.format(question=row.text("question").strip()),
            answers=(row.text("answer"),),
            rule="mme",
        )
