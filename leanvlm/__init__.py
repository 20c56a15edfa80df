"""leanvlm: evidence on training-free acceleration of large vision-language models.

model = leanvlm.load("path/or/hub-id")
leanvlm.answer(model, [image], "What is the total?", recipe="cache/snapkv@20%")
leanvlm.evaluate(model, recipes=[...], benchmarks=["documents"]).sql("select * from overall_performance")
leanvlm.compress(model, "weights/gptq@w4a16-g128", folder="compressed")
hf_model.generate(**inputs, custom_generate=leanvlm.generate("tokens/fastv@25%+cache/snapkv@20%"))
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

from leanvlm.errors import InputError, LeanvlmError, RunError, naming_extras

if TYPE_CHECKING:
    from leanvlm.api.answer import answer
    from leanvlm.api.compress import compress
    from leanvlm.api.evaluate import evaluate
    from leanvlm.api.generate import generate
    from leanvlm.api.load import load
    from leanvlm.sample import Sample

__all__ = [
    "InputError",
    "LeanvlmError",
    "RunError",
    "Sample",
    "answer",
    "compress",
    "evaluate",
    "generate",
    "load",
]
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read with torch: spinning threads starve neighbours
LATE = {"Sample": "leanvlm.sample"} | {
    name: f"leanvlm.api.{name}" for name in ("answer", "compress", "evaluate", "generate", "load")
}


def __getattr__(name: str) -> Any:
    """Import what needs torch only when it is asked for, so that `leanvlm sql` starts at once."""
    if name not in LATE:
        raise AttributeError(f"module 'leanvlm' has no attribute {name!r}")
    with naming_extras():
        return getattr(import_module(LATE[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
