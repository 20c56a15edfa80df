"""How a harness asks: two versions of lmms-eval, by which a public benchmark's numbers can be laid beside others'.

`paper` is the fork of lmms-eval 0.3 that EffiVLM-Bench's numbers were made with (EffiVLM-Bench/EffiVLM-Bench @ab3ee18),
`today` is lmms-eval 0.7.3. Their prompts are the same, byte for byte. What differs from model to model there is as
their wrapper of Qwen2-VL has it; that of LLaVA-OneVision does not end an answer at an empty line.
"""

from __future__ import annotations

from dataclasses import dataclass

HARNESSES = ("paper", "today")
# Pixels of a picture, at most, which the wrappers of Qwen2-VL ask for: 700 and 768 visual tokens of 28 x 28 pixels. A
# limit is itself a control of the picture, so it is not a benchmark's to set: `max_pixels` of a model sets it.
MAX_PIXELS = {"paper": 700 * 28 * 28, "today": 768 * 28 * 28}
WRAPPER_TOKENS = 128  # most of an answer, where a task does not say it
EMPTY_LINE = ("\n\n",)  # ends an answer where a task does not say what does


@dataclass(frozen=True)
class Harness:
    """Where an answer ends."""

    max_new_tokens: int
    stop_texts: tuple[str, ...] = EMPTY_LINE
