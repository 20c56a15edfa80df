"""How many letters must be put in, taken out or changed to make one text of another.

Source:  Myers 1999, J. ACM 46(3), as Hyyro 2003, Nordic J. Computing 10(1), gives it: a column of the table of
         distances is two whole numbers, whose bits say where it rises and falls, so that a letter costs some additions.
"""

from __future__ import annotations

from collections import defaultdict


def distance(a: str, b: str) -> int:
    """Count the edits between two texts, Levenshtein's distance over code points."""
    if a == b:
        return 0
    down, across = (a, b) if len(a) > len(b) else (b, a)
    places: defaultdict[str, int] = defaultdict(int)
    for place, letter in enumerate(down):
        places[letter] |= 1 << place
    column = (1 << len(down)) - 1
    last = 1 << len(down) >> 1
    n_edits, rises, falls = len(down), column, 0
    for letter in across:
        same = places[letter]
        diagonal = (((same & rises) + rises) ^ rises) | same | falls
        more, less = falls | ~(diagonal | rises), diagonal & rises
        n_edits += bool(more & last) - bool(less & last)
        more, less = more << 1 | 1, less << 1
        rises, falls = (less | ~(diagonal | more)) & column, more & diagonal & column
    return n_edits
