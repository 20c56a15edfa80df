"""A generated block: the lines between `<!-- NAME:begin -->` and `<!-- NAME:end -->` of a page that people write."""

from __future__ import annotations

from leanvlm.errors import InputError


def markers(name: str) -> tuple[str, str]:
    """Return the comments around a block."""
    return f"<!-- {name}:begin -->", f"<!-- {name}:end -->"


def renew(text: str, name: str, content: str, *, page: str) -> str:
    """Return the page's text with `content` as its block `name`.

    Raises: InputError unless both markers are there once, in order.
    """
    begin, end = markers(name)
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end or text.count(begin) + text.count(end) != 2:
        raise InputError(f"{page} must have {begin!r} and then {end!r}, once each")
    return f"{before}{begin}\n{content}\n{end}{after}"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Write a table in Markdown, all columns aligned to the left."""
    return "\n".join([row(head), "|" + "---|" * len(head), *(row(cells) for cells in rows)])


def row(cells: tuple[str, ...]) -> str:
    """Write a row of a table in Markdown."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
