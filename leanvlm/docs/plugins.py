"""README's tables of methods and of models: what their docstrings say, as `leanvlm methods` and `leanvlm models` do."""

from __future__ import annotations

from leanvlm import plugins
from leanvlm.docs import blocks

HEADS = {"methods": ("method", "what it does", "source"), "models": ("model", "what it is", "source")}


def table(kind: str) -> str:
    """List the plug-ins of one kind, a row each."""
    return blocks.table(HEADS[kind], [_row(kind, name) for name in plugins.ids(kind)])


def _row(kind: str, name: str) -> tuple[str, ...]:
    said = f"**{plugins.title(kind, name)}**: {plugins.description(kind, name)}"
    return f"`{name}`", said, plugins.source(kind, name)
