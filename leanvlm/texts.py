"""What a text may hold: signs that a file can store, and signs that a line of a terminal shows."""

from __future__ import annotations


def is_whole(text: str) -> bool:
    """Say whether no half of a surrogate pair is in it, which JSON can write and no file can hold."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def is_storable(text: str) -> bool:
    """Say whether it is whole and holds no NUL, at which some readers end."""
    return "\0" not in text and is_whole(text)


def printable(text: str) -> str:
    """Escape what would break a line or act on a terminal."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in text)
