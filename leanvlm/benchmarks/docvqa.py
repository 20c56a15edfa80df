"""DocVQA: asks for words on a scanned page: a form's field, a cell of a table, a date.

Source:  Mathew et al. 2021, arXiv 2007.00398; lmms-lab-encoder/DocVQA of the hub (lmms-lab/DocVQA until July 2026) at
         539088e; apache-2.0 by its card. EffiVLM-Bench's number is of the split test, whose answers are not public: a
         server of the challenge grades it, and `validation` is what can be graded here.
Grading: anls. Its owners give 0.5 where exactly half of the letters is right, its paper and we 0.
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
    """Pages of one picture, several questions each."""

    ids = ("lmms-lab-encoder/DocVQA", "lmms-lab/DocVQA")
    splits = (Split("validation", "DocVQA/validation", rows=5349),)
    unanswered = ("test",)
    columns = ("questionId", "question", "question_types", "ucsf_document_id", "ucsf_document_page_no", "answers")
    prompt = "{question}\nAnswer the question using a single word or phrase."
    paper = today = Harness(max_new_tokens=32)

    def ask(self, row: Row) -> Sample:
        """Ask about a page; its kinds are what the question looks at, such as a form or a table."""
        return self.asked(
            sample_id=row.text("questionId"),
            group_id=f"{row.text('ucsf_document_id')}_{row.text('ucsf_document_page_no')}",
            kind=", ".join(row.texts("question_types")) or "other",
            question=self.prompt.format(question=row.text("question")),
            answers=row.texts("answers"),
            rule="anls",
        )
