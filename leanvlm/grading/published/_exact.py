"""Whether two texts are the same but for case and signs.

Source:  lmms-eval 0.7.3, api/metrics.py, `exact_match` with ignore_case and ignore_punctuation (read, not copied).
Quirks:  it works on numpy's texts, which keep their length when they are made small, and lose NULs at their end.
"""

from __future__ import annotations

import string

SIGNS = str.maketrans("", "", string.punctuation)  # ASCII's alone


def is_same(said: str, right: str) -> bool:
    """Say whether texts are equal in small letters and without ASCII signs; blanks count."""
    return _bare(said) == _bare(right)


def _bare(text: str) -> str:
    return text.lower()[: len(text)].translate(SIGNS).rstrip("\0")
