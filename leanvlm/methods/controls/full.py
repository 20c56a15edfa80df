"""full: the model as it is.

Source:  the reference of every ratio in EffiVLM-Bench, arXiv 2506.00479.
Departs: nothing.
Checked: tests/engine/test_identity.py: its answers equal transformers' own `generate`, token by token.
"""

from __future__ import annotations

from dataclasses import dataclass

from leanvlm.methods._method import Method as BaseMethod


@dataclass(frozen=True, kw_only=True)
class Method(BaseMethod):
    """Change nothing."""
