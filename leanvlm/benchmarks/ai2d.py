"""AI2D: asks to choose what a diagram from a school book shows; the letters in it are not painted over.

Source:  Kembhavi et al. 2016, arXiv 1603.07396; Efficient-Large-Model/ai2d-no-mask of the hub at 45dcbda; its card
         names no licence.
Grading: choice. Its owners' rule takes "B) pupa" and "The answer is B." for wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.benchmarks._choices import right
from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.letters import LETTERS, lettered
from leanvlm.sample import Sample


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """Four options; the right one is stored as its index from 0."""

    ids = ("Efficient-Large-Model/ai2d-no-mask",)
    splits = (Split("test", "test", rows=3088),)
    columns = ("question", "options", "answer")
    prompt = "{question}\n{options}\nAnswer with the option's letter from the given choices directly."
    paper = today = Harness(max_new_tokens=16)

    def ask(self, row: Row) -> Sample:
        """Ask for a letter."""
        options, answer = row.texts("options"), row.text("answer")
        if answer not in map(str, range(len(options))):
            row.refuse("answer", f"must be the index of one of its {len(options)} options")
        return self.asked(
            sample_id=f"{row.number:04d}",
            question=self.prompt.format(question=row.text("question"), options=lettered(options)),
            answers=right(LETTERS[int(answer)], options),
            rule="choice",
            options=options,
        )
