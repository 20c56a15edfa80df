"""MP-DocVQA: asks for words in a document of up to twenty pages, all of which are shown.

Source:  Tito et al. 2023, arXiv 2212.05935; lmms-lab-encoder/MP-DocVQA of the hub (lmms-lab/MP-DocVQA until July 2026)
         at e776eea; its card names no licence. A server of the challenge grades the split test.
Grading: anls. Its owners give 0.5 where exactly half of the letters is right, and nothing for the word "none".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leanvlm.benchmarks._harness import Harness
from leanvlm.benchmarks._public import PublicBenchmark
from leanvlm.hub_sets.parquet_rows import Row
from leanvlm.hub_sets.shards import Split
from leanvlm.hub_sets.stored_pictures import Place, stored
from leanvlm.sample import Sample

MOST_PAGES = 20


@dataclass(frozen=True)
class Benchmark(PublicBenchmark):
    """Pages in order, none of them named; at 700 visual tokens a page twenty are 14,000."""

    ids = ("lmms-lab-encoder/MP-DocVQA", "lmms-lab/MP-DocVQA")
    splits = (Split("val", "data/val", rows=5187),)
    unanswered = ("test",)
    columns = ("questionId", "question", "doc_id", "page_ids", "answers")
    prompt = "{question}\nAnswer the question using a single word or phrase."
    paper = today = Harness(max_new_tokens=32)

    def ask(self, row: Row) -> Sample:
        """Ask about all pages of a document."""
        return self.asked(
            sample_id=row.text("questionId"),
            group_id=row.text("doc_id"),
            question=self.prompt.format(question=row.text("question")),
            answers=row.literal("answers"),
            rule="anls",
        )

    def pictures(self, rows: Sequence[Row]) -> Iterator[tuple[bytes, ...]]:
        """Yield the pages that the row names, of which twenty at most are stored."""
        return stored([Place(row.path, row.index, _pages(row)) for row in rows])


def _pages(row: Row) -> tuple[str, ...]:
    n = min(len(row.literal("page_ids")), MOST_PAGES)
    return tuple(f"image_{page}" for page in range(1, n + 1))
