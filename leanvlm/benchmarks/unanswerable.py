"""unanswerable: drawn forms; asks for a key that is not on the page as often as for one that is.

Source:  drawn by this project. In the manner of VizWiz (Gurari et al. 2018), which asks what a picture cannot answer.
Departs: each question says what to answer then, so that a refusal can be read. The embedded model never learnt to
         refuse, nor to read that sentence, behind which it says nothing or anything: no grid of this project asks it.
Grading: exact for what is not there, anls for what is; `hallucination` says how often a value is made up.
Knobs:   those of documents.
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace

from leanvlm.benchmarks import documents
from leanvlm.benchmarks._benchmark import DrawnBenchmark, Picture, Question
from leanvlm.benchmarks._canvas import FIELDS, TILE

PROMPT = "{question} if it is not there, say none."
REFUSALS = ("none", "nothing", "not there", "it is not there", "unanswerable", "not available", "n/a")


@dataclass(frozen=True)
class Benchmark(DrawnBenchmark):
    """A form on one page, and keys that other forms have."""

    columns: int = TILE  # width of the page [patches]
    rows: int = 2 * TILE  # height of the page [patches]
    lines: tuple[int, int] = (2, 4)  # fewest and most lines on a page
    value_length: tuple[int, int] = (5, 6)  # characters of a value
    jitter: int = 1  # each line is moved by up to this much, both ways [pixels]

    kinds = ("absent", "present")

    def draw(self, rng: random.Random) -> Picture:
        """Draw a form, and ask for its keys and for all others."""
        page = documents.Benchmark(**asdict(self)).draw(rng)
        there = [replace(one, kind="present", text=PROMPT.format(question=one.text)) for one in page.questions]
        known = {question.text for question in page.questions}
        others = [text for key in FIELDS if (text := f"what is the {key}?") not in known]
        absent = [Question("absent", PROMPT.format(question=text), REFUSALS, "exact") for text in others]
        return replace(page, questions=(*there, *absent))
