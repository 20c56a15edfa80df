"""What ends an answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from leanvlm.errors import InputError


def stop_ids(generation: Any, tokenizer: Any, folder: Path | None) -> frozenset[int]:
    """Return the ids of the tokens that end an answer: what generation_config.json says, else the tokenizer's.

    Raises: InputError where neither says, or says what is no token.
    """
    stop = generation.eos_token_id
    if stop is None and tokenizer is not None:
        stop = tokenizer.eos_token_id
    if stop is None:
        raise InputError(f"nothing says what ends an answer; give generation_config.json in {folder} an eos_token_id")
    ids = list(stop) if isinstance(stop, list | tuple) else [stop]
    if not ids or not all(type(one) is int and one >= 0 for one in ids):
        raise InputError(f"{folder}/generation_config.json: eos_token_id is {str(stop)[:60]!a}; it must be the number "
                         "of a token, or a list of them")  # fmt: skip
    return frozenset(ids)
