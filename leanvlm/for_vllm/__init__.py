"""A recipe inside vLLM: `LEANVLM_RECIPE=tokens/visionzip@25% vllm serve FOLDER`.

vLLM calls `register`, an entry point of pyproject.toml, in each of its processes. Nothing is done where no recipe is
named, and vLLM nowhere but inside it.
"""

from __future__ import annotations

import sys
from typing import NoReturn

from leanvlm.errors import LeanvlmError


def register() -> None:
    """Put our models in the place of vLLM's where the environment names a recipe.

    A recipe that cannot be served ends the process with one sentence, and the status 2.
    """
    from leanvlm.for_vllm.chosen import chosen

    try:
        is_named = chosen() is not None
    except LeanvlmError as error:
        end_with(error)
    if is_named:
        from leanvlm.for_vllm.place import put_in_place

        put_in_place()


def end_with(error: LeanvlmError) -> NoReturn:
    """End the process with one sentence: vLLM would put a traceback around an exception."""
    print(f"leanvlm: {error}", file=sys.stderr)
    sys.exit(error.exit_status)
