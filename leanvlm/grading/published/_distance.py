"""How many letters must be put in, taken out or changed to make one text of another.

Source:  Myers 1999, J. ACM 46(3), as Hyyro 2003, Nordic J. Computing 10(1), gives it: a column of the table of
         distances is two whole numbers, whose bits say where it rises and falls, so that a letter costs some additions.
"""

from __future__ import annotations


def distance(a: str, b: str) -> int:
    """Count the edits between two texts, Levenshtein's distance over code points."""
    if a == b:
        return 0
    down, across = (a, b) if len(a) > len(b) else (b, a)
    places: dict[str, int] = {}
    for place, letter in enumerate(down):
        places[letter] = places.get(letter, 0) | 1 << place
    column, last = (1 << len(down)) - 1, 1 << len(down) - 1
    n_edits, rises, falls = len(down), column, 0
    for letter in across:
        same = places.get(letter, 0)
        diagonal = (((same & rises) + rises) ^ rises) | same | falls
        more, less = falls | ~(diagonal | rises), diagonal & rises
        if more & last:
            n_edits += 1
        elif less & last:
            n_edits -= 1
        more = more << 1 | 1
        rises, falls = (less << 1 | ~(diagonal | more)) & column, more & diagonal & column
    return n_edits
