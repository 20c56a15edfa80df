"""What `compress` notes of a checkpoint as JSON, its audit and its costs: read as written, or refused by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from leanvlm import files
from leanvlm.errors import InputError, LeanvlmError, with_kind

Note = dict[str, Any]


@contextmanager
def reading(path: Path) -> Iterator[Note]:
    """Read a note for a `with`, within which whatever it lacks shows that it is damaged.

    Raises: InputError where it is missing or damaged.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist; run `make repro` to make it")
    try:
        yield dict(json.loads(files.content(path)))
    except LeanvlmError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        said = with_kind(error)
        raise InputError(f"{path} is damaged ({said}); run `make repro`, which makes it anew") from None
