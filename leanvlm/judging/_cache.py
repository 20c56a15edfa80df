"""Replies that were paid for, by their content: the same words to the same judge are not sent twice.

A file's name is the hash of the judge (an endpoint and a model, or a checkpoint), the version of the prompt and every
word of the messages, so another of these asks again, and going back finds the reply.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leanvlm import files
from leanvlm.judging import Message


@dataclass(frozen=True)
class Reply:
    """What a judge said, the tokens as the endpoint counted them, and how many calls it took."""

    text: str
    tokens_in: int | None
    tokens_out: int | None
    dollars: float
    tries: int


def place(identity: Sequence[str], name: str, version: str, messages: Sequence[Message], most_tokens: int) -> Path:
    """Say where the reply to messages lies, if it is there.

    Takes: identity, who the judge is: an endpoint and a model, or a checkpoint.
    """
    asked = [*identity, name, version, most_tokens, list(messages)]
    key = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()
    return files.JUDGEMENTS / key[:2] / f"{key}.json"


def find(path: Path) -> Reply | None:
    """Read a reply; None where there is none, or its file is damaged, which is told: it is asked for again."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        seal = found.pop("seal", None) if isinstance(found, dict) else None
        if _is_whole(found) and seal in (None, _seal(found)):  # replies of earlier versions have none
            return Reply(**found)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        pass  # told below
    print(f"{path} cannot be read; the judge is asked again")
    return None


def keep(reply: Reply, path: Path) -> None:
    """Write a reply, whole or not at all, with its seal."""
    told = asdict(reply)
    files.write(json.dumps(told | {"seal": _seal(told)}, indent=1) + "\n", path)


def _seal(told: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def _is_whole(found: Any) -> bool:
    kinds = {"text": str, "tokens_in": int | None, "tokens_out": int | None, "dollars": int | float, "tries": int}
    is_block = isinstance(found, dict) and found.keys() == kinds.keys()
    return is_block and all(isinstance(found[name], kind) for name, kind in kinds.items())
