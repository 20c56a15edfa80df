"""A stand-in for what the plug-in imports of lmms-eval, where that is not installed: a base class and three records.

It cannot say whether lmms-eval takes the plug-in: `make test-lmms-eval` asks lmms-eval itself, and runs the tests that
use this with its own classes.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest


class lmms:
    """The base class of lmms_eval/api/model.py."""

    is_simple = True

    def __init__(self) -> None:
        self.rank = 0
        self.task_dict: dict[str, Any] = {}

    def clean(self) -> None: ...


@dataclass
class Instance:
    """A request, as in lmms_eval/api/instance.py."""

    request_type: str
    arguments: tuple[Any, ...]
    idx: int
    metadata: dict[str, Any]

    def __post_init__(self) -> None:
        self.task_name, self.doc_id = self.metadata["task"], self.metadata["doc_id"]

    @property
    def args(self) -> tuple[Any, ...]:
        return self.arguments


@dataclass
class TokenCounts:
    input_tokens: int
    output_tokens: int


@dataclass
class GenerationResult:
    text: str
    token_counts: TokenCounts


def install(patch: pytest.MonkeyPatch) -> None:
    """Let `import lmms_eval` find the stand-in."""
    holds: dict[str, dict[str, Any]] = {
        "lmms_eval": {},
        "lmms_eval.api": {},
        "lmms_eval.api.model": {"lmms": lmms},
        "lmms_eval.api.instance": {one.__name__: one for one in (Instance, TokenCounts, GenerationResult)},
    }
    for name, content in holds.items():
        module = ModuleType(name)
        vars(module).update(content)
        patch.setitem(sys.modules, name, module)
