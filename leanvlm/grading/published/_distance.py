"""How many letters must be put in, taken out or changed to make one text of another."""

from __future__ import annotations

from itertools import accumulate


def distance(a: str, b: str) -> int:
    """Count the edits between two texts, Levenshtein's distance over code points."""
    row = list(range(len(b) + 1))
    for n, letter in enumerate(a, start=1):
        changed = [old + (letter != other) for old, other in zip(row, b, strict=False)]
        best = [n, *(min(put, cost) for put, cost in zip((old + 1 for old in row[1:]), changed, strict=True))]
        row = list(accumulate(best, lambda left, here: min(left + 1, here)))
    return row[-1]
