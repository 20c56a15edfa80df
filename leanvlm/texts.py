"""What a text may hold, signs that a file can store and a terminal shows, and what a misspelt one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def is_whole(text: str) -> bool:
    """Say whether no half of a surrogate pair is in it, which JSON can write and no file can hold."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def is_storable(text: str) -> bool:
    """Say whether it is whole and holds no NUL, at which some readers end."""
    return "\0" not in text and is_whole(text)


def printable(text: str) -> str:
    """Escape what would break a line or act on a terminal."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)


def perhaps(name: str, known: Iterable[str]) -> str:
    """Say in brackets which known word a misspelt one is nearest to, whole or behind its last slash; else nothing."""
    words = {word: word for word in known}
    ends = {word.rpartition("/")[2]: word for word in words}
    for asked, among in ((name, words), (name.rpartition("/")[2], ends)):
        for near in get_close_matches(asked, among, n=1):
            return f" (perhaps {among[near]})"
    return ""
