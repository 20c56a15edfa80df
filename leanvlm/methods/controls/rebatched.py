"""rebatched: the model as it is, in another batch; how many of its answers differ is the noise floor of loyalty.

Source:  He et al. 2025, "Defeating Nondeterminism in LLM Inference" (Thinking Machines Lab): a matrix product's
         rounding follows the number of its rows, so an answer can change with the batch that it is made in.
Departs: one other batch stands for all: the prompt is read beside a copy of itself and the answer is decoded alone.
Checked: tests/engine/test_rebatched.py: the batch really is another one, and in float32 no answer changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from leanvlm.methods._method import Method as BaseMethod


@dataclass(frozen=True, kw_only=True)
class Method(BaseMethod):
    """Change nothing but the batch."""

    is_rebatched: ClassVar[bool] = True
