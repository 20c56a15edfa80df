"""unanswerable: drawn forms; asks for a key that is not on the page as often as for one that is.

Source:  drawn by this project. In the manner of VizWiz (Gurari et al. 2018), which asks what a picture cannot answer.
Departs: each question says what to answer then, so that a refusal can be read. The embedded model never learnt to
         refuse, nor to read that sentence, behind which it says nothing or anything: no grid of this project asks it.
Grading: exact for what is not there, anls for what is; `hallucination` says how often a value is made up.
Knobs:   those of documents.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from leanvlm.benchmarks import documents
from leanvlm.benchmarks._benchmark import Picture, Question
from leanvlm.benchmarks._canvas import FIELDS

PROMPT = "{question} if it is not there, say none."
REFUSALS = ("none", "nothing", "not there", "it is not there", "unanswerable", "not available", "n/a")


@dataclass(frozen=True)
class Benchmark(documents.Benchmark):
    """A form on one page, and keys that other forms have."""

    kinds = ("absent", "present")

    def draw(self, rng: random.Random) -> Picture:
        """Draw a form, and ask for its keys and for all others."""
        page = super().draw(rng)
        there = [replace(one, kind="present", text=PROMPT.format(question=one.text)) for one in page.questions]
        known = {question.text for question in page.questions}
        others = [text for key in FIELDS if (text := f"what is the {key}?") not in known]
        absent = [Question("absent", PROMPT.format(question=text), REFUSALS, "exact") for text in others]
        return replace(page, questions=(*there, *absent))
